// Backward operations, losses and Adam. Gradients of parameters are added to what is there,
// gradients of tensors overwrite it. All sums are taken in a fixed order.
#ifndef CGV_OPS_GRAD_H
#define CGV_OPS_GRAD_H

#include "ops/ops.h"

// ---- convolution (ops/conv_grad.c) ----

// The convolution that computes the data gradient of `params`: dx from dy, of the same weights.
// Stride 1: a convolution with mirrored weights; stride 2: the transposed convolution; transposed:
// the convolution of stride 2. Padding that repeats the picture gives the gradient of the padded
// input instead, with `params->pad` more pixels on each side: fold it with cgv_pad_fold.
cgv_conv_params cgv_conv_data_grad(const cgv_conv_params *params);

// dw += gradient of the weights, db += gradient of the bias (0: none), PyTorch's layouts. dy is the
// gradient of w * x + b, before any activation. scratch: cgv_conv_param_grad_scratch bytes.
uint64_t cgv_conv_param_grad_scratch(const cgv_device *device, cgv_tensor dy, cgv_tensor x,
                                     const cgv_conv_params *params);
void cgv_conv_param_grad(cgv_cmd *cmd, uint64_t dw, uint64_t db, cgv_tensor dy, cgv_tensor x,
                         uint64_t scratch, const cgv_conv_params *params);

// dx = gradient of a tensor from that of its padded copy, dpadded [n, c, h + 2 pad, w + 2 pad].
void cgv_pad_fold(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dpadded, int pad, cgv_pad_mode mode);

// ---- instance norm, sums (ops/norm_grad.c) ----

// sums[c] += sum of x over pictures and pixels. scratch: cgv_channel_sums_scratch bytes.
uint64_t cgv_channel_sums_scratch(cgv_tensor x);
void cgv_channel_sums(cgv_cmd *cmd, uint64_t sums, cgv_tensor x, uint64_t scratch);

// dx from dy, the gradient of y = act(scale * xhat + shift); dx may be dy. dscale, dshift: 0 or
// added to. scratch: cgv_instance_norm_grad_scratch bytes.
uint64_t cgv_instance_norm_grad_scratch(cgv_tensor x);
void cgv_instance_norm_grad(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dy, cgv_tensor y, cgv_tensor x,
                            uint64_t stats, uint64_t dscale, uint64_t dshift, uint64_t scratch,
                            const cgv_norm_params *params);

// ---- others (ops/simple_grad.c) ----

// dx = dy * act'; y is the activation's result. dx may be dy.
void cgv_activation_grad(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dy, cgv_tensor y,
                         cgv_activation activation, float slope);
void cgv_upsample_grad(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dy, int factor,
                       cgv_upsample_mode mode);
// Of cgv_shrink where the sides of x are `factor` times those of y.
void cgv_shrink_grad(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dy, int factor);

// Of cgv_join; an address of 0: not wanted.
void cgv_split(cgv_cmd *cmd, cgv_tensor da, cgv_tensor db, cgv_tensor dy);

// ---- affine head (ops/affine_head.c) ----

// Gradients of both operands; y is the result. dx may be dy; dx.address 0: not wanted.
void cgv_affine_head_grad(cgv_cmd *cmd, cgv_tensor dcoefficients, cgv_tensor dx, cgv_tensor dy,
                          cgv_tensor y, cgv_tensor coefficients, cgv_tensor x);

// ---- bilateral grid (ops/bilateral.c) ----

// Gradients of both operands; y is the result. dx may be dy; dx.address 0: not wanted.
void cgv_bilateral_slice_grad(cgv_cmd *cmd, cgv_tensor dgrid, cgv_tensor dx, cgv_tensor dy,
                              cgv_tensor y, cgv_tensor grid, cgv_tensor x);

// ---- losses (ops/loss.c) ----

typedef enum cgv_loss_kind {
    CGV_LOSS_SQUARED, // (x - target)^2
    CGV_LOSS_BCE,     // binary cross entropy of the logit x, target 0 or 1
    CGV_LOSS_HINGE,   // max(0, 1 - target x), target 1 or -1
    CGV_LOSS_LINEAR,  // -target x
    CGV_LOSS_L1,      // |x - other|
} cgv_loss_kind;

typedef struct cgv_loss_params {
    cgv_loss_kind kind;
    float target;
    float weight;    // of the mean over all elements
    bool accumulate; // add the gradient to dx instead of overwriting it
    uint64_t value;  // one float: the weighted loss is added to it
} cgv_loss_params;

// *value += weight * mean(term), dx = weight * d mean / dx (dx.address 0: not wanted). `other` is
// read by CGV_LOSS_L1 alone. scratch: cgv_loss_scratch bytes.
uint64_t cgv_loss_scratch(cgv_tensor x);
void cgv_loss(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor x, cgv_tensor other, uint64_t scratch,
              const cgv_loss_params *params);

// ---- histogram matching (ops/histogram.c) ----

// y = x with the tones of `reference`, RGB in [-1, 1]: in each of so many bands of rows each
// opponent colour (brightness; red against blue; green against both) has the values of the
// reference in the order of those of x: exactly at the ends of each bin of x of 1/128, in between
// linear. Of the two colours such a part as `chroma` says, 0 to 1. All three alike, y elsewhere.
// scratch: cgv_histogram_scratch bytes.
uint64_t cgv_histogram_scratch(cgv_tensor x, int bands);
void cgv_histogram_match(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_tensor reference, int bands,
                         float chroma, uint64_t scratch);

// ---- night (ops/night.c) ----

// How bright the ground is at night, from 0 to 1: at most `most` of the day's brightness to the
// power of `gamma`, at least `light` of what it may be at most (not asked of walls by cgv_windows).
typedef struct cgv_night_ground {
    float gamma, most, light;
} cgv_night_ground;

// y = what x, a translation of `day`, should be to pass for a night. scene: the mask of the day
// (train/scene.h), its channels from -1 to 1: sky, panes, what else may be one. A dark blue
// where the sky is above 0.5. Elsewhere x, no bluer or greener than red and no more purple than
// green but where the day is, and not much more colourful than by day where it is dark; and where
// the sky is below -0.5, as bright as `ground` says (but panes and what may be one may be lit). RGB
// in [-1, 1], all of one size, y elsewhere.
void cgv_night(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_tensor day, cgv_tensor scene,
               cgv_night_ground ground);

// y = x, but where there are panes, what it should be if they were lit: a warm white where a pixel
// shows nothing else; where it shows the wall around it, too, at least the pane's part of that and
// at most as much more as the wall gives by night.
void cgv_windows(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_tensor day, cgv_tensor scene,
                 cgv_night_ground ground);

// ---- Adam (ops/adam.c) ----

// What changes from step to step; written by the host into memory that the device reads.
typedef struct cgv_adam_hyper {
    float step_size;       // lr / (1 - beta1^t)
    float sqrt_correction; // sqrt(1 - beta2^t)
    float beta1, beta2, epsilon;
    float average_decay; // of the moving average of the weights
} cgv_adam_hyper;

// Arrays of `count` floats; average 0: none is kept. hyper: address of a cgv_adam_hyper.
typedef struct cgv_adam_state {
    uint64_t values, grads, m, v, average;
    uint64_t count;
} cgv_adam_state;
void cgv_adam(cgv_cmd *cmd, const cgv_adam_state *state, uint64_t hyper);

#endif
