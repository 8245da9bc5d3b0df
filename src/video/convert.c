#include "video/convert.h"

#include <stdlib.h>

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "video/av.h"
#include "video/colour.h"

struct cgv_convert {
    struct SwsContext *scaler;
    AVFrame *like; // the format and colours that `scaler` was set up for; no data
    enum AVPixelFormat format;
    int width, height;
};

cgv_status cgv_convert_create(cgv_convert **out) {
    *out = calloc(1, sizeof **out);
    if (*out && ((*out)->like = av_frame_alloc()))
        return CGV_OK;
    cgv_convert_destroy(out);
    return cgv_fail(CGV_ERROR_MEMORY, "out of memory");
}

static int scaler_matrix(const AVFrame *frame) {
    enum AVColorSpace matrix = frame->colorspace;
    if (matrix == AVCOL_SPC_UNSPECIFIED || matrix == AVCOL_SPC_RGB)
        matrix = cgv_colour_default_matrix(frame->width, frame->height);
    return matrix;
}

static cgv_status prepare(cgv_convert *convert, const AVFrame *frame, enum AVPixelFormat format,
                          int width, int height) {
    if (convert->scaler && convert->format == format && convert->width == width &&
        convert->height == height && cgv_colour_same(frame, convert->like))
        return CGV_OK;
    sws_freeContext(convert->scaler);
    convert->scaler = sws_getContext(
        frame->width, frame->height, frame->format, width, height, format,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, NULL, NULL, NULL);
    if (!convert->scaler)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "swscale cannot convert %s to %s",
                        av_get_pix_fmt_name(frame->format), av_get_pix_fmt_name(format));
    // The same numbers on both sides, so that only the storage changes.
    const int *matrix = sws_getCoefficients(scaler_matrix(frame));
    int full = frame->color_range == AVCOL_RANGE_JPEG;
    sws_setColorspaceDetails(convert->scaler, matrix, full, matrix, full, 0, 1 << 16, 1 << 16);
    convert->format = format;
    convert->width = width;
    convert->height = height;
    cgv_colour_copy(convert->like, frame);
    return CGV_OK;
}

static cgv_status change(cgv_convert *convert, AVFrame **frame, enum AVPixelFormat format,
                         int width, int height) {
    AVFrame *in = *frame;
    if ((enum AVPixelFormat)in->format == format && in->width == width && in->height == height)
        return CGV_OK;
    cgv_status status = prepare(convert, in, format, width, height);
    if (status)
        return status;
    AVFrame *out = av_frame_alloc();
    if (!out)
        return cgv_fail(CGV_ERROR_MEMORY, "out of memory");
    out->format = format;
    out->width = width;
    out->height = height;
    int error = av_frame_get_buffer(out, 0);
    if (error >= 0)
        error = av_frame_copy_props(out, in);
    if (error >= 0)
        error = sws_scale(convert->scaler, (const uint8_t *const *)in->data, in->linesize, 0,
                          in->height, out->data, out->linesize);
    if (error < 0) {
        av_frame_free(&out);
        return cgv_av_fail(error, "cannot convert %s to %s", av_get_pix_fmt_name(in->format),
                           av_get_pix_fmt_name(format));
    }
    av_frame_free(frame);
    *frame = out;
    return CGV_OK;
}

cgv_status cgv_convert_frame(cgv_convert *convert, AVFrame **frame, enum AVPixelFormat format) {
    return change(convert, frame, format, (*frame)->width, (*frame)->height);
}

cgv_status cgv_convert_size(cgv_convert *convert, AVFrame **frame, int width, int height) {
    return change(convert, frame, (*frame)->format, width, height);
}

void cgv_convert_destroy(cgv_convert **handle) {
    if (!handle || !*handle)
        return;
    cgv_convert *convert = *handle;
    sws_freeContext(convert->scaler);
    av_frame_free(&convert->like);
    free(convert);
    *handle = NULL;
}
