// Decoded frames as training pictures: RGB in full range, square pixels, upright.
#ifndef CGV_VIDEO_UPRIGHT_H
#define CGV_VIDEO_UPRIGHT_H

#include <stdbool.h>

#include <libavutil/frame.h>

#include "train/bitmap.h"
#include "video/turn.h"

struct SwsContext;

typedef struct cgv_upright {
    struct SwsContext *scaler;
    AVFrame *like; // what the scaler was set up for; no data
    AVFrame *rgb;  // before it is turned
} cgv_upright;

// The matrix and range are the frame's; untagged as in video/colour.h. aspect: of a pixel, {0, 1}
// if unknown: the picture is enlarged in one direction. May change the frame's format tags. False
// when swscale does not know the format, or out of memory.
bool cgv_upright_convert(cgv_upright *upright, cgv_bitmap *out, AVFrame *frame, AVRational aspect,
                         cgv_turn turn);
void cgv_upright_free(cgv_upright *upright);

#endif
