// The operations that imported graphs need beside those of ops.h: general, forward only. All
// tensors are float32, dense, NCHW; an output never overlaps an input unless said.
#ifndef CGV_OPS_GRAPH_H
#define CGV_OPS_GRAPH_H

#include "ops/ops.h"

// A convolution of any window, for what cgv_conv does not do: kernels that are not square,
// dilations, strides and paddings that differ. weights in PyTorch's layout: [cout, cin/groups, kh,
// kw], transposed [cin, cout/groups, kh, kw]; bias [cout], 0: none. Padding is zeros. Output side:
// (in + pads - dilation (kernel - 1) - 1) / stride + 1; of a transposed one that of y is taken.
typedef struct cgv_window_conv_params {
    cgv_window window;
    int groups;
    bool transposed;
} cgv_window_conv_params;
void cgv_window_conv(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t weights, uint64_t bias,
                     const cgv_window_conv_params *params);

// The mean or the maximum of x in every window. A kernel of 0 is a whole side of x.
void cgv_pool_apply(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_pooling pool,
                    const cgv_window *window);

// y = function(a binary b), p and q the function's constants. a and b have the shape of y, or
// extent 1 where they are repeated. y may be what has its shape.
typedef struct cgv_elementwise_params {
    cgv_binary binary;
    cgv_function function;
    float p, q;
} cgv_elementwise_params;
void cgv_elementwise(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, cgv_tensor b,
                     const cgv_elementwise_params *params);

// y = x with a margin; cgv_pad_mode's reflection needs a side longer than the margin.
void cgv_pad_apply(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, const cgv_margin *margin);

void cgv_rearrange(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_rearrangement how, int factor);

// scale: of rows, of columns; by CGV_CENTRES_ALIGNED the sizes alone count.
typedef struct cgv_resize_params {
    cgv_centres centres;
    cgv_nearest nearest;
    float scale[2];
} cgv_resize_params;
void cgv_resize(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, const cgv_resize_params *params);

#endif
