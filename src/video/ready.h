// Decoded frames made ready for the filter: in host memory, whole instead of interlaced, in a pixel
// format that the shaders address, all of the first one's size.
#ifndef CGV_VIDEO_READY_H
#define CGV_VIDEO_READY_H

#include <stdbool.h>

#include <libavformat/avformat.h>

#include "cgvideo/status.h"

typedef struct cgv_ready cgv_ready;

typedef enum cgv_deinterlacing {
    CGV_DEINTERLACE_AUTO, // frames that say that they are interlaced
    CGV_DEINTERLACE_ON,   // all
    CGV_DEINTERLACE_OFF,  // none; a warning if that combs
} cgv_deinterlacing;

typedef enum cgv_hdr_manner { CGV_HDR_TONEMAP, CGV_HDR_REFUSE } cgv_hdr_manner;

typedef struct cgv_ready_params {
    const char *url; // for messages
    cgv_deinterlacing deinterlace;
    cgv_hdr_manner hdr;
} cgv_ready_params;

CGV_NODISCARD cgv_status cgv_ready_create(cgv_ready **out, const cgv_ready_params *params);

// A decoded frame of `stream` with its times set. Takes it, on failure too; NULL: no more come.
CGV_NODISCARD cgv_status cgv_ready_send(cgv_ready *ready, const AVStream *stream, AVFrame *frame);

// The next frame, the caller's. CGV_AGAIN: send more; CGV_END after the last.
CGV_NODISCARD cgv_status cgv_ready_receive(cgv_ready *ready, AVFrame **out);

// Forget all frames, for another beginning.
void cgv_ready_reset(cgv_ready *ready);

void cgv_ready_destroy(cgv_ready **ready);

#endif
