// Pictures turned by quarters and mirrored, as display matrices ask for.
#ifndef CGV_VIDEO_TURN_H
#define CGV_VIDEO_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavutil/frame.h>

#include "cgvideo/status.h"

// Where x and y of the picture as stored point to in the upright one: a step in x moves (xx, xy),
// one in y moves (yx, yy).
typedef struct cgv_turn {
    int xx, xy, yx, yy;
} cgv_turn;

// What a display matrix (9 numbers, as in libavutil/display.h) asks for; no turn for NULL and where
// it is not by quarters.
cgv_turn cgv_turn_of(const int32_t *matrix);

// As TIFF and Exif number orientations, 1 to 8; no turn for others.
cgv_turn cgv_turn_of_orientation(int orientation);

bool cgv_turn_is_none(cgv_turn turn);
bool cgv_turn_swaps_sides(cgv_turn turn);

// A plane of width x height samples of `step` bytes; strides in bytes. Of the output, the sides may
// be swapped.
void cgv_turn_plane(uint8_t *out, ptrdiff_t out_stride, const uint8_t *in, ptrdiff_t in_stride,
                    int width, int height, int step, cgv_turn turn);

// Replace *frame by itself turned, without what it says about how to show it. If sides are swapped,
// chroma must be subsampled alike in both directions. The siting of chroma is the caller's matter.
CGV_NODISCARD cgv_status cgv_turn_frame(AVFrame **frame, cgv_turn turn);

#endif
