// Dense optical flow: pyramidal Lucas-Kanade (Lucas & Kanade 1981; pyramids and sub-pixel
// iterations as in Bouguet 2000), on luma.
#ifndef CGV_EVAL_FLOW_H
#define CGV_EVAL_FLOW_H

#include <stdbool.h>

#include "eval/plane.h"

#define CGV_FLOW_NAME "dense pyramidal Lucas-Kanade on luma, 11x11 windows"

// Where each pixel of one frame is found in another: (x, y) at (x + u, y + v), in pixels.
typedef struct cgv_flow {
    cgv_plane u, v;
} cgv_flow;

// The pyramid that cgv_flow_estimate takes.
CGV_NODISCARD cgv_status cgv_flow_pyramid(cgv_pyramid *out, const cgv_bitmap *frame);

// Both pyramids are of one size.
CGV_NODISCARD cgv_status cgv_flow_estimate(cgv_flow *out, const cgv_pyramid *from,
                                           const cgv_pyramid *to);
void cgv_flow_free(cgv_flow *flow);

// Which pixels can be trusted: [height][width], true where the way there and back ends within
// |there + back|^2 < 0.01 (|there|^2 + |back|^2) + 0.5 of where it began (Sundaram et al. 2010),
// which occluded pixels do not nor those that leave the picture. Returns the share that is true.
double cgv_flow_check(bool *visible, const cgv_flow *there, const cgv_flow *back);

#endif
