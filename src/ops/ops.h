// The operations that networks are made of. Each records its dispatches into a command list, where
// errors stick. Tensors are float32, dense, NCHW; an output never overlaps an input unless said.
#ifndef CGV_OPS_OPS_H
#define CGV_OPS_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpu/gpu.h"
#include "ops/types.h"

typedef struct cgv_tensor {
    uint64_t address; // a multiple of 8
    int n, c, h, w;
} cgv_tensor;

static inline uint64_t cgv_tensor_bytes(cgv_tensor t) {
    return (uint64_t)t.n * (uint64_t)t.c * (uint64_t)t.h * (uint64_t)t.w * sizeof(float);
}

// ---- convolution (ops/conv.c) ----

// Square kernels, one stride for both axes. Output side: (in + 2 pad - kernel) / stride + 1, or
// transposed: (in - 1) stride - 2 pad + kernel + output_pad.
typedef struct cgv_conv_params {
    int cin, cout; // of all groups
    int kernel, stride, pad, output_pad, groups;
    cgv_pad_mode pad_mode; // transposed: CGV_PAD_ZERO
    bool transposed;       // stride 2 only
    // Stride 1 only: the weights are [cin, cout/groups, k, k] and their taps are taken in reverse.
    // So the convolution is the data gradient of the one whose weights these are.
    bool mirrored;
    cgv_activation activation; // applied to w * x + b
    float slope;
} cgv_conv_params;

// Kernels want the weights in an order of their own. Source: PyTorch's [cout, cin/groups, k, k],
// transposed [cin, cout/groups, k, k]. Pack again whenever the weights have changed.
uint64_t cgv_conv_packed_bytes(const cgv_conv_params *params);
void cgv_conv_pack(cgv_cmd *cmd, uint64_t packed, uint64_t weights, const cgv_conv_params *params);

// y = act(w * x + bias); bias [cout], 0: none.
void cgv_conv(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t packed, uint64_t bias,
              const cgv_conv_params *params);

// ---- instance norm (ops/norm.c) ----

// Bytes of scratch memory that the statistics of x need.
uint64_t cgv_instance_norm_scratch(cgv_tensor x);

// Statistics of every (n, c) plane: stats [N, C, 2] = mean, 1 / sqrt(variance + epsilon), the
// variance biased. Partial results are merged in a fixed order (Chan et al. 1979).
void cgv_instance_norm_stats(cgv_cmd *cmd, uint64_t stats, cgv_tensor x, uint64_t scratch,
                             float epsilon);

// y = act(scale * (x - mean) * rstd + shift) [+ residual]; scale, shift [C], 0: none; residual has
// the shape of x, address 0: none. y may be x or residual.
// Source: Ulyanov et al. 2016, arXiv:1607.08022.
typedef struct cgv_norm_params {
    uint64_t scale, shift;
    cgv_activation activation;
    float slope;
} cgv_norm_params;
void cgv_instance_norm(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t stats,
                       cgv_tensor residual, const cgv_norm_params *params);

// ---- element by element (ops/pointwise.c) ----

void cgv_activation_apply(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_activation activation,
                          float slope);                               // y may be x
void cgv_add(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, cgv_tensor b); // y may be a or b

// ---- affine head (ops/affine_head.c) ----

// y = tanh(x * (1 + gain) + offset), element by element. x, y [N, C, H, W]; coefficients
// [N, 2C, H, W]: of each picture the gains of its channels, then their offsets.
void cgv_affine_head(cgv_cmd *cmd, cgv_tensor y, cgv_tensor coefficients, cgv_tensor x);

// ---- resampling (ops/resample.c) ----

// y has factor times the height and width of x.
void cgv_upsample(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, int factor, cgv_upsample_mode mode);

#endif
