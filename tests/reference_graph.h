// The operations of imported graphs (ops/graph.h) in plain C, as reference.h.
#ifndef CGV_TESTS_REFERENCE_GRAPH_H
#define CGV_TESTS_REFERENCE_GRAPH_H

#include "ops/graph.h"
#include "reference.h"

// y has the shape `out`, all of x is read.
void ref_window_conv(double *y, ref_shape out, const double *x, ref_shape in, const double *weights,
                     const double *bias, const cgv_window_conv_params *params);
void ref_pool(double *y, ref_shape out, const double *x, ref_shape in, cgv_pooling pool,
              const cgv_window *window);
// b NULL where params->binary is none.
void ref_elementwise(double *y, ref_shape out, const double *a, ref_shape as, const double *b,
                     ref_shape bs, const cgv_elementwise_params *params);
void ref_pad(double *y, ref_shape out, const double *x, ref_shape in, const cgv_margin *margin);
void ref_rearrange(double *y, ref_shape out, const double *x, ref_shape in, cgv_rearrangement how,
                   int factor);
void ref_resize(double *y, ref_shape out, const double *x, ref_shape in,
                const cgv_resize_params *params);

#endif
