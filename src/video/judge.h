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

// A transition shows in what is around a frame: thumbs of this many frames before it, of itself,
// and of as many behind it, shown about as many seconds away as the offsets say.
enum { CGV_NEIGHBOURS = 5, CGV_WINDOW = 2 * CGV_NEIGHBOURS + 1 };
extern const double cgv_window_offsets[CGV_WINDOW];

typedef enum cgv_verdict {
    CGV_VERDICT_KEEP,
    CGV_VERDICT_BLACK,      // no cell is brighter than a shade above black
    CGV_VERDICT_FLAT,       // all cells are alike: a card of one colour
    CGV_VERDICT_TRANSITION, // a mixture of what is before and behind: a dissolve, a fade
    CGV_VERDICT_DUPLICATE,  // no cell differs much from the last frame that was kept
    CGV_VERDICTS,
} cgv_verdict;

// Of the frame in the middle of the window; others may be NULL. Beyond the ends of a video its
// first and last frames stand in. before: the last kept frame of the same video, or NULL.
cgv_verdict cgv_judge(const cgv_thumb *const window[CGV_WINDOW], const cgv_thumb *before);

#endif
