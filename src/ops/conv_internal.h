// The ways to compute a convolution, behind cgv_conv (ops/conv.c).
#ifndef CGV_OPS_CONV_INTERNAL_H
#define CGV_OPS_CONV_INTERNAL_H

#include "ops/ops.h"

// Input channels that a direct sum takes before it touches its sums again, a divisor of them all.
int cgv_conv_turn(const cgv_conv_params *params, const cgv_limits *limits);

// All products of a lane in one turn of the loop stand one behind the other in its program, and a
// driver takes the square of their number to compile it: Mesa 25 0.3 s for 2400 and 0.8 s for 4700,
// each time that a program starts, for what it keeps is behind most of that.
enum { CGV_CONV_MOST_PRODUCTS = 2304 };

// Whether a direct sum with this tile has more.
bool cgv_conv_is_long(cgv_conv_choice choice, const cgv_conv_params *params,
                      const cgv_limits *limits);

// As cgv_conv_packed_bytes, cgv_conv_scratch, cgv_conv_pack and cgv_conv; for params that fit.
bool cgv_winograd_fits(const cgv_conv_params *params);
uint64_t cgv_winograd_packed_bytes(const cgv_conv_params *params);
uint64_t cgv_winograd_scratch(const cgv_device *device, cgv_tensor x,
                              const cgv_conv_params *params);
void cgv_winograd_pack(cgv_cmd *cmd, uint64_t packed, uint64_t weights,
                       const cgv_conv_params *params);
void cgv_winograd(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t packed, uint64_t bias,
                  uint64_t scratch, const cgv_conv_params *params);

// Tiles of a picture.
int cgv_conv_tiles(cgv_conv_choice tile, int width, int height);

// ---- the gradient of the weights, behind cgv_conv_param_grad (ops/conv_grad.c) ----

// dw += gradient as a matrix product. dy, x: of a transposed convolution its input and its output's
// gradient, whose roles are exchanged. scratch: cgv_weight_product_scratch bytes.
bool cgv_weight_product_pays(const cgv_device *device, cgv_tensor dy, cgv_tensor x,
                             const cgv_conv_params *params);
uint64_t cgv_weight_product_scratch(const cgv_device *device, cgv_tensor dy, cgv_tensor x,
                                    const cgv_conv_params *params);
void cgv_weight_product(cgv_cmd *cmd, uint64_t dw, cgv_tensor dy, cgv_tensor x, uint64_t scratch,
                        const cgv_conv_params *params);

#endif
