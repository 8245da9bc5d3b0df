// Gradients of the references (reference.h), as plain: sums over everything that an element
// contributed to. All results overwrite. tests/test_grad_ops.c holds them against finite
// differences.
#ifndef CGV_TESTS_REFERENCE_GRAD_H
#define CGV_TESTS_REFERENCE_GRAD_H

#include "ops/grad.h"
#include "reference.h"

// Of w * x + b, before any activation; transposed convolutions too. dy has ref_conv_shape(in).
void ref_conv_grad(double *dx, double *dw, double *db, const double *dy, const double *x,
                   ref_shape in, const double *weights, const cgv_conv_params *params);

// dx from the gradient of its padded copy, dpadded [n, c, h + 2 pad, w + 2 pad].
void ref_pad_grad(double *dx, ref_shape shape, const double *dpadded, int pad, cgv_pad_mode mode);

// The derivative at x.
double ref_activate_slope(double x, cgv_activation activation, double slope);

// Of ref_instance_norm; dscale, dshift [C]. params->residual is not looked at: its gradient is dy.
void ref_instance_norm_grad(double *dx, double *dscale, double *dshift, const double *dy,
                            const double *x, ref_shape shape, double epsilon,
                            const ref_norm_params *params);

// shape: of dx.
void ref_upsample_grad(double *dx, const double *dy, ref_shape shape, int factor,
                       cgv_upsample_mode mode);

// One term of a loss and its derivative; other: of CGV_LOSS_L1.
typedef struct ref_term {
    double value, slope;
} ref_term;
ref_term ref_loss_term(cgv_loss_kind kind, double x, double target, double other);

// One number under Adam, as the paper has it; t counts from 1.
typedef struct ref_adam_state {
    double value, m, v, average;
} ref_adam_state;
void ref_adam(ref_adam_state *state, double grad, int t, double lr, double beta1, double beta2,
              double epsilon, double average_decay);

#endif
