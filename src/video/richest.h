// The one format into which pictures for several outputs are translated.
#ifndef CGV_VIDEO_RICHEST_H
#define CGV_VIDEO_RICHEST_H

#include <libavutil/frame.h>

#include "cgvideo/status.h"

// Set format, size and colour tags of `out` so that every one of `formats` can be made from it
// without loss: one of them where it covers the others, else the input's, else a finer one. Among
// equals one with range and siting of the input, whose first frame is `first`.
void cgv_richest(AVFrame *out, const AVFrame *const *formats, int count, const AVFrame *first);

#endif
