// Flicker that a filter adds to video: the warp error of its output over that of its input.
//
// Warp error (Lai et al. 2018): the frame before, moved along the input's motion onto the frame,
// and the mean absolute difference of the two where the motion can be trusted. Both errors are
// divided by the mean gradient magnitude of their own frame, so that a darker or flatter picture
// gains nothing by being so.
#ifndef CGV_EVAL_FLICKER_H
#define CGV_EVAL_FLICKER_H

#include "train/bitmap.h"

typedef struct cgv_flicker cgv_flicker;

// outputs: filters that are measured on the same frames, 1 to CGV_FLICKER_OUTPUTS.
#define CGV_FLICKER_OUTPUTS 2
CGV_NODISCARD cgv_status cgv_flicker_create(cgv_flicker **out, int outputs);
void cgv_flicker_destroy(cgv_flicker **flicker);

// The next frame before and after the filters, all of one size.
CGV_NODISCARD cgv_status cgv_flicker_add(cgv_flicker *flicker, const cgv_bitmap *input,
                                         const cgv_bitmap *outputs);
// The next frame does not follow the last one.
void cgv_flicker_break(cgv_flicker *flicker);

typedef struct cgv_flicker_result {
    int pairs;            // of frames that were measured
    int cuts;             // pairs left out: hardly any pixel has a motion that can be trusted
    int flat;             // pairs left out: one of the frames has no gradients to compare with
    double visible;       // mean share of trusted pixels
    double input, output; // mean of warp error over mean gradient
    double ratio; // output / input; 1 if both are 0, infinite if only input is; NaN: no pairs
} cgv_flicker_result;

cgv_flicker_result cgv_flicker_get(const cgv_flicker *flicker, int output);

#endif
