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

typedef enum cgv_conv_kernel {
    CGV_CONV_DIRECT, // the sum as it stands
    // The same sum where every channel has a kernel of its own.
    CGV_CONV_DEPTHWISE,
    // Winograd's F(4x4, 3x3): 3x3 of stride 1 and pad 1, one group. A quarter of the products, a
    // few bits less exact.
    CGV_CONV_WINOGRAD,
} cgv_conv_kernel;

// How a convolution is computed; see ops/choose.h.
typedef struct cgv_conv_choice {
    cgv_conv_kernel kernel;
    // The register tile of the first two: pixels of a lane (transposed: cells of 2x2), columns and
    // rows. No sum depends on it. 0: by rule, for the direct sum.
    int tile_x, tile_y;
    // Output channels of a lane, at most, for which weights are packed. 0: 8. Winograd's are even;
    // 0: 16.
    int tile_c;
    // Rows of a kernel's taps that the direct sum takes at a time: all (0), or 1.
    int tap_rows;
} cgv_conv_choice;

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
    cgv_conv_choice choice;
    // Rounding kept small, as training wants it (docs/numerics.md); costs about a tenth.
    bool exact;
} cgv_conv_params;

// Whether `choice.kernel` may be that.
bool cgv_conv_fits(cgv_conv_kernel kernel, const cgv_conv_params *params);

// Kernels want the weights in an order of their own. Source: PyTorch's [cout, cin/groups, k, k],
// transposed [cin, cout/groups, k, k]. Pack again whenever the weights have changed.
uint64_t cgv_conv_packed_bytes(const cgv_conv_params *params);
void cgv_conv_pack(cgv_cmd *cmd, uint64_t packed, uint64_t weights, const cgv_conv_params *params);

// y = act(w * x + bias); bias [cout], 0: none. scratch: of cgv_conv_scratch bytes, which may be 0.
uint64_t cgv_conv_scratch(const cgv_device *device, cgv_tensor x, const cgv_conv_params *params);
void cgv_conv(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t packed, uint64_t bias,
              uint64_t scratch, const cgv_conv_params *params);

// ---- instance norm (ops/norm.c) ----

// Bytes of scratch memory that the statistics of x need.
uint64_t cgv_instance_norm_scratch(cgv_tensor x);

// Statistics of every (n, c) plane: stats [N, C, 2] = mean, 1 / sqrt(variance + epsilon), the
// variance biased. Partial results are merged in a fixed order (Chan et al. 1979). keep, 0: none,
// is the weight that what stats hold already gets in an average with these (ops/steady.h).
void cgv_instance_norm_stats(cgv_cmd *cmd, uint64_t stats, cgv_tensor x, uint64_t scratch,
                             uint64_t keep, float epsilon);

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

// Both at once, and whether that pays: where a plane is quickly passed through twice, the waits
// between the steps cost more.
bool cgv_instance_norm_at_once(const cgv_device *device, cgv_tensor x);
void cgv_instance_norm_whole(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t stats,
                             uint64_t keep, float epsilon, cgv_tensor residual,
                             const cgv_norm_params *params);

// ---- rectangles (ops/region.c) ----

// Of every plane of a tensor: rows y to y + h - 1, columns x to x + w - 1.
typedef struct cgv_region {
    int y, x, h, w;
} cgv_region;

// The region of x to the same of y at row to_y, column to_x; the rest of y stays as it is. x and y
// have as many planes.
void cgv_region_copy(cgv_cmd *cmd, cgv_tensor y, int to_y, int to_x, cgv_tensor x,
                     cgv_region region);

// The statistics of planes of which only tiles are at hand, one after the other. moments of a
// region: [stripes, N, C, 3] = count, mean, sum of squared deviations; those of all regions lie
// behind each other. Their merging, in a fixed order, gives stats as cgv_instance_norm_stats does;
// of x only the number of planes counts then.
int cgv_region_stripes(cgv_region region);
uint64_t cgv_region_moments_bytes(cgv_tensor x, int stripes);
void cgv_region_moments(cgv_cmd *cmd, uint64_t moments, cgv_tensor x, cgv_region region);
void cgv_region_stats(cgv_cmd *cmd, uint64_t stats, uint64_t moments, cgv_tensor x, int stripes,
                      uint64_t keep, float epsilon);

// ---- element by element (ops/pointwise.c) ----

void cgv_activation_apply(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_activation activation,
                          float slope);                               // y may be x
void cgv_add(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, cgv_tensor b); // y may be a or b
// y of any shape that holds, of every picture, the numbers of a and behind them those of b: for
// tensors of one size, their channels one after the other.
void cgv_join(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, cgv_tensor b);
// y: the channels of x, and behind them one that holds the height of each element, -1 in the first
// row to 1 in the last. Its gradient is cgv_split's first part.
// Source: Liu et al. 2018, CoordConv, arXiv:1807.03247, of which this is the coordinate that has a
// meaning in pictures of the world: skies are above.
void cgv_coord(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x);

// ---- affine head (ops/affine_head.c) ----

// y = tanh(x * (1 + gain) + offset), element by element. x, y [N, C, H, W]; coefficients
// [N, 2C, H, W]: of each picture the gains of its channels, then their offsets.
void cgv_affine_head(cgv_cmd *cmd, cgv_tensor y, cgv_tensor coefficients, cgv_tensor x);

// ---- bilateral grid (ops/bilateral.c) ----

// grid [N, CGV_GRID_CHANNELS, GH, GW]: channel 12 z + 4 c + k is row c, column k of a 3x4 matrix
// for pixels of brightness z / 7, 0 black, 1 white (Rec. 601 luma of a picture in [-1, 1]).
// Source: Gharbi et al. 2017, arXiv:1707.02880.
//
// y = tanh(x + M (x, 1)), M interpolated linearly in place and brightness. x, y [N, 3, H, W], of
// any size; y may be x.
void cgv_bilateral_slice(cgv_cmd *cmd, cgv_tensor y, cgv_tensor grid, cgv_tensor x);

// ---- resampling (ops/resample.c) ----

// y has factor times the height and width of x.
void cgv_upsample(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, int factor, cgv_upsample_mode mode);

// y, no larger than x, holds the means of x over the area of each of its elements.
void cgv_shrink(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x);

// y(p) = x(M p + t), bilinear, the picture mirrored at its edges; p in pixels from the picture's
// centre. maps: address of one map for every picture. y: as x, elsewhere.
typedef struct cgv_warp_map {
    float m[4]; // by rows: x across, y down
    float t[2];
} cgv_warp_map;
void cgv_warp(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t maps);

// ---- a small picture's change, carried to a large one (ops/affine_carry.c) ----

// Gains and offsets as of an affine head, without the tanh, that turn x into y: in a window of
// 2 * radius + 1 about each element the slope of the line of least squares, whose gain `epsilon`
// holds near 0 where the variance of x is not far above it; through the element itself, so that
// nothing of y is lost there. x, y [N, C, H, W], coefficients [N, 2C, H, W].
// Source: He, Sun, Tang 2013, Guided Image Filtering, each channel its own guide.
void cgv_affine_fit(cgv_cmd *cmd, cgv_tensor coefficients, cgv_tensor y, cgv_tensor x, int radius,
                    float epsilon);

// y = activation(x * (1 + gain) + offset), the coefficients [1, 6, h, w] interpolated between the
// pixels of `small` [1, 3, h, w] that are near and like in colour to the pixel of x [1, 3, H, W]:
// sigma is the colour distance that still counts as like. y may be x.
// Source: joint bilateral upsampling (Kopf et al. 2007) of coefficients (Chen et al. 2016,
// Bilateral Guided Upsampling).
void cgv_affine_carry(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_tensor coefficients,
                      cgv_tensor small, float sigma, cgv_activation activation);

#endif
