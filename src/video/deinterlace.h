// Interlaced frames made whole by libavfilter's bwdif: one frame for each, at the same time.
#ifndef CGV_VIDEO_DEINTERLACE_H
#define CGV_VIDEO_DEINTERLACE_H

#include <stdbool.h>

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>

#include "cgvideo/status.h"

typedef struct cgv_deinterlace cgv_deinterlace;

// Say in the frame that it is interlaced where only the container does: lossless coders and those
// of single pictures leave it to that. Others say it with each frame, and know better: film in an
// interlaced stream is whole.
void cgv_deinterlace_mark(AVFrame *frame, const AVCodecParameters *parameters);

// all: also the frames that do not say that they are interlaced.
CGV_NODISCARD cgv_status cgv_deinterlace_create(cgv_deinterlace **out, bool all);

// Frames need pts, time_base and a duration. Takes the frame, on failure too; NULL: no more come.
CGV_NODISCARD cgv_status cgv_deinterlace_send(cgv_deinterlace *d, AVFrame *frame);

// The next frame, the caller's, in a pixel format that may be another one. CGV_AGAIN: send more;
// CGV_END after the last.
CGV_NODISCARD cgv_status cgv_deinterlace_receive(cgv_deinterlace *d, AVFrame **out);

void cgv_deinterlace_destroy(cgv_deinterlace **d);

#endif
