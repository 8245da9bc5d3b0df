#include "video/ready.h"

#include <stdlib.h>

#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "video/av.h"
#include "video/colour.h"
#include "video/convert.h"
#include "video/deinterlace.h"
#include "video/hdr.h"
#include "video/hwaccel.h"

struct cgv_ready {
    cgv_ready_params params;
    cgv_convert *convert, *scale;
    cgv_deinterlace *deinterlace; // from the first interlaced frame on
    AVFrame *frame;               // ready, where nothing is deinterlaced
    bool ended;
    int width, height; // of the first frame; 0 before it
    bool said_interlaced, said_hdr, said_size;
};

cgv_status cgv_ready_create(cgv_ready **out, const cgv_ready_params *params) {
    cgv_ready *ready = *out = calloc(1, sizeof *ready);
    if (!ready)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
    ready->params = *params;
    cgv_status status = cgv_convert_create(&ready->convert);
    if (!status)
        status = cgv_convert_create(&ready->scale);
    if (status)
        cgv_ready_destroy(out);
    return status;
}

static cgv_status look_at_hdr(cgv_ready *ready, const AVFrame *frame) {
    cgv_transfer transfer = cgv_hdr_transfer(frame->color_trc);
    if (transfer == CGV_TRANSFER_SDR)
        return CGV_OK;
    if (ready->params.hdr == CGV_HDR_REFUSE)
        return cgv_hdr_refuse(ready->params.url, frame->color_trc);
    if (!ready->said_hdr)
        cgv_log(CGV_LOG_INFO, "%s: HDR (%s) is tone-mapped to SDR (BT.709)", ready->params.url,
                transfer == CGV_TRANSFER_PQ ? "PQ" : "HLG");
    ready->said_hdr = true;
    return CGV_OK;
}

static cgv_status look_at_fields(cgv_ready *ready, const AVFrame *frame) {
    bool on = ready->params.deinterlace == CGV_DEINTERLACE_ON;
    bool off = ready->params.deinterlace == CGV_DEINTERLACE_OFF;
    if (!on && !cgv_av_frame_interlaced(frame))
        return CGV_OK;
    if (!ready->said_interlaced && off)
        cgv_log(CGV_LOG_WARNING,
                "%s: interlaced frames are translated as they are, with combs where things move",
                ready->params.url);
    else if (!ready->said_interlaced)
        cgv_log(CGV_LOG_INFO, "%s: deinterlacing with bwdif", ready->params.url);
    ready->said_interlaced = true;
    return off || ready->deinterlace ? CGV_OK : cgv_deinterlace_create(&ready->deinterlace, on);
}

static cgv_status prepare(cgv_ready *ready, AVFrame **frame) {
    cgv_status status = look_at_hdr(ready, *frame);
    if (!status)
        status = look_at_fields(ready, *frame);
    if (!status)
        status = cgv_hwaccel_download(*frame);
    if (status)
        return status;
    cgv_colour_normalise(*frame);
    enum AVPixelFormat carrier = cgv_colour_carrier((*frame)->format);
    if (carrier == AV_PIX_FMT_NONE)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: decode: pixel format %s is not supported",
                        ready->params.url, av_get_pix_fmt_name((*frame)->format));
    return cgv_convert_frame(ready->convert, frame, carrier);
}

cgv_status cgv_ready_send(cgv_ready *ready, const AVStream *stream, AVFrame *frame) {
    if (frame)
        cgv_deinterlace_mark(frame, stream->codecpar);
    ready->ended = !frame;
    cgv_status status = frame ? prepare(ready, &frame) : CGV_OK;
    if (status)
        av_frame_free(&frame);
    else if (ready->deinterlace)
        status = cgv_deinterlace_send(ready->deinterlace, frame);
    else
        ready->frame = frame;
    return status;
}

// Broadcasts and calls change their size on the way; an output has one.
static cgv_status fit(cgv_ready *ready, AVFrame **frame) {
    if (!ready->width) {
        ready->width = (*frame)->width;
        ready->height = (*frame)->height;
    }
    if ((*frame)->width == ready->width && (*frame)->height == ready->height)
        return CGV_OK;
    if (!ready->said_size)
        cgv_log(CGV_LOG_WARNING,
                "%s: the picture size changes from %dx%d to %dx%d: scaled to %dx%d",
                ready->params.url, ready->width, ready->height, (*frame)->width, (*frame)->height,
                ready->width, ready->height);
    ready->said_size = true;
    cgv_status status = cgv_convert_size(ready->scale, frame, ready->width, ready->height);
    if (status)
        av_frame_free(frame);
    return status;
}

cgv_status cgv_ready_receive(cgv_ready *ready, AVFrame **out) {
    cgv_status status = CGV_OK;
    *out = ready->frame;
    ready->frame = NULL;
    if (!*out && ready->deinterlace)
        status = cgv_deinterlace_receive(ready->deinterlace, out);
    else if (!*out)
        status = ready->ended ? CGV_END : CGV_AGAIN;
    return status ? status : fit(ready, out);
}

void cgv_ready_reset(cgv_ready *ready) {
    av_frame_free(&ready->frame);
    cgv_deinterlace_destroy(&ready->deinterlace);
    ready->ended = false;
    ready->width = ready->height = 0;
}

void cgv_ready_destroy(cgv_ready **handle) {
    if (!handle || !*handle)
        return;
    cgv_ready *ready = *handle;
    av_frame_free(&ready->frame);
    cgv_deinterlace_destroy(&ready->deinterlace);
    cgv_convert_destroy(&ready->convert);
    cgv_convert_destroy(&ready->scale);
    free(ready);
    *handle = NULL;
}
