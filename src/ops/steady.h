// Averages over the frames of a video, so that what a network makes of it does not flicker. What
// they keep of the past is decided on the device, frame by frame: nothing behind a cut.
#ifndef CGV_OPS_STEADY_H
#define CGV_OPS_STEADY_H

#include "ops/ops.h"

// y [1, 1, h, w] in [0, 1]: the luma (Rec. 601) of x [1, 3, h, w] in [-1, 1].
void cgv_steady_luma(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x);

// Two words at `state`. A float: weight (0..1) where `now`, a small picture of luma [1, 1, h, w],
// shows what `last`, of its shape, did; less, the more of it is new; 0 behind a cut, and where the
// word at `begins` is not 0: there was no frame before, and last holds anything. And 0 or 1, in
// turn, whatever was there.
enum { CGV_STEADY_STATE = 8 }; // bytes
void cgv_steady_keep(cgv_cmd *cmd, uint64_t state, cgv_tensor last, cgv_tensor now, uint64_t begins,
                     float weight);

// motion, the memory of a [1, 3, h, w], its address a multiple of 8: [h][w][2], for each of h x w
// cells of the picture where it was in the frame before, across and down, in units of the picture's
// sides; and [h][w], from 0 to 1 how much of it was found there. now, last: luma [1, 1, H, W].
// coarse: the motion on a coarser level; address 0: there is none.
// Source: Lucas, Kanade 1981; on a pyramid: Bouguet 2000.
void cgv_steady_motion(cgv_cmd *cmd, cgv_tensor motion, cgv_tensor coarse, cgv_tensor now,
                       cgv_tensor last);

// y = y + k * (average - y), k the weight of `state` times what was found of the cell, average, of
// y's shape [1, C, h, w], taken from where y's element was. average is not used where the weight is
// 0, or where it is not finite.
void cgv_steady_mix(cgv_cmd *cmd, cgv_tensor y, cgv_tensor average, cgv_tensor motion,
                    uint64_t state);

// What pictures y [1, 3, h, w] take from those of the frames before. history:
// cgv_steady_history_bytes, of which only the ops know; its address a multiple of 8.
typedef struct cgv_past {
    uint64_t history, state;
    cgv_tensor motion;
} cgv_past;

uint64_t cgv_steady_history_bytes(cgv_tensor y);

// y, the network's picture in [-1, 1], takes in the one that came out for the frame before, from
// where each pixel was, as far as the input x, of its shape, looks alike there.
void cgv_steady_blend(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, const cgv_past *past);

// cgv_bilateral_slice and cgv_steady_blend at once (ops/bilateral.c).
void cgv_steady_slice(cgv_cmd *cmd, cgv_tensor y, cgv_tensor grid, cgv_tensor x,
                      const cgv_past *past);

#endif
