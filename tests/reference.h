// The operations in plain C: slow, in double precision, written to be obviously right and in
// another way than the shaders (transposed convolution scatters). Tensors are dense NCHW.
#ifndef CGV_TESTS_REFERENCE_H
#define CGV_TESTS_REFERENCE_H

#include <stddef.h>

#include "ops/ops.h"

typedef struct ref_shape {
    int n, c, h, w;
} ref_shape;

size_t ref_count(ref_shape shape);
size_t ref_at(ref_shape shape, int n, int c, int y, int x);

// The index that padding gives to position i of `size`; -1: a zero.
int ref_padded(int i, int size, cgv_pad_mode mode);

// The shape of y; h or w < 1 where there is no output.
ref_shape ref_conv_shape(ref_shape x, const cgv_conv_params *params);

// y = act(w * x + bias); weights in PyTorch's order; bias NULL: none. Transposed ones too.
void ref_conv(double *y, const double *x, ref_shape shape, const double *weights,
              const double *bias, const cgv_conv_params *params);

double ref_activate(double x, cgv_activation activation, double slope);

// stats [N, C, 2]: mean, 1 / sqrt(biased variance + epsilon).
void ref_instance_stats(double *stats, const double *x, ref_shape shape, double epsilon);

// y = act(scale * (x - mean) * rstd + shift) + residual; scale, shift, residual NULL: none.
typedef struct ref_norm_params {
    const double *scale, *shift, *residual;
    cgv_activation activation;
    double slope;
} ref_norm_params;
void ref_instance_norm(double *y, const double *x, ref_shape shape, const double *stats,
                       const ref_norm_params *params);

// Where output `o` of a bilinear enlargement lies between inputs *first and *second: the weight of
// the second.
double ref_between(int o, int factor, int size, int *first, int *second);
void ref_upsample(double *y, const double *x, ref_shape shape, int factor, cgv_upsample_mode mode);

// Means of squares of factor x factor; the sides are multiples of it.
void ref_average_pool(double *y, const double *x, ref_shape shape, int factor);

// y: x of this shape and one channel more.
void ref_coord(double *y, const double *x, ref_shape shape);

// y and x of this shape; coefficients of twice the channels: gains, then offsets.
void ref_affine_head(double *y, const double *coefficients, const double *x, ref_shape shape);
// grid: [n, CGV_GRID_CHANNELS, h, w] of shape `cells`.
void ref_bilateral_slice(double *y, const double *grid, ref_shape cells, const double *x,
                         ref_shape shape);
// maps: one for each picture.
void ref_warp(double *out, const double *x, ref_shape s, const cgv_warp_map *maps);

#endif
