// Which frames of a video are worth training on.
#ifndef CGV_VIDEO_JUDGE_H
#define CGV_VIDEO_JUDGE_H

#include "train/bitmap.h"

enum { CGV_THUMB = 16 };

// Mean luma of 16 x 16 cells, in 16ths of a code.
typedef struct cgv_thumb {
    uint16_t cells[CGV_THUMB * CGV_THUMB];
} cgv_thumb;

void cgv_thumb_make(cgv_thumb *out, const cgv_bitmap *picture);

typedef enum cgv_verdict {
    CGV_VERDICT_KEEP,
    CGV_VERDICT_BLACK,     // no cell is brighter than a shade above black
    CGV_VERDICT_FLAT,      // all cells are alike: a fade, a card of one colour
    CGV_VERDICT_DUPLICATE, // no cell differs much from the last frame that was kept
    CGV_VERDICTS,
} cgv_verdict;

// before: the last kept frame of the same video, or NULL.
cgv_verdict cgv_judge(const cgv_thumb *thumb, const cgv_thumb *before);

#endif
