#include "video/convert.h"

#include <stdbool.h>
#include <stdlib.h>

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "video/av.h"
#include "video/colour.h"

struct cgv_convert {
    struct SwsContext *scaler;
    AVFrame *like;   // the format and colours that `scaler` was set up for; no data
    AVFrame *target; // those that it makes; no data
    bool recolours;  // matrix and range change
};

cgv_status cgv_convert_create(cgv_convert **out) {
    *out = calloc(1, sizeof **out);
    if (*out && ((*out)->like = av_frame_alloc()) && ((*out)->target = av_frame_alloc()))
        return CGV_OK;
    cgv_convert_destroy(out);
    return cgv_fail(CGV_ERROR_MEMORY, "convert: out of memory");
}

static int scaler_matrix(const AVFrame *frame) {
    enum AVColorSpace matrix = frame->colorspace;
    if (matrix == AVCOL_SPC_UNSPECIFIED || matrix == AVCOL_SPC_RGB)
        matrix = cgv_colour_default_matrix(frame->width, frame->height);
    return matrix;
}

static bool is_full(const AVFrame *frame) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    return frame->color_range == AVCOL_RANGE_JPEG ||
           (desc->flags & AV_PIX_FMT_FLAG_RGB && frame->color_range != AVCOL_RANGE_MPEG);
}

// Where swscale is to expect chroma, in 256ths of the distance of luma samples.
static void set_siting(struct SwsContext *scaler, const char *h, const char *v,
                       const AVFrame *frame) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    enum AVChromaLocation at = frame->chroma_location;
    bool middle = at == AVCHROMA_LOC_CENTER || at == AVCHROMA_LOC_TOP || at == AVCHROMA_LOC_BOTTOM;
    bool top = at == AVCHROMA_LOC_TOP || at == AVCHROMA_LOC_TOPLEFT;
    bool bottom = at == AVCHROMA_LOC_BOTTOM || at == AVCHROMA_LOC_BOTTOMLEFT;
    if (desc->log2_chroma_w)
        av_opt_set_int(scaler, h, middle ? 128 : 0, 0);
    if (desc->log2_chroma_h)
        av_opt_set_int(scaler, v, top ? 0 : bottom ? 256 : 128, 0);
}

// NULL: there is none.
static struct SwsContext *open_scaler(const AVFrame *from, const AVFrame *to, bool recolours) {
    struct SwsContext *scaler = sws_alloc_context();
    if (!scaler)
        return NULL;
    av_opt_set_int(scaler, "srcw", from->width, 0);
    av_opt_set_int(scaler, "srch", from->height, 0);
    av_opt_set_int(scaler, "src_format", from->format, 0);
    av_opt_set_int(scaler, "dstw", to->width, 0);
    av_opt_set_int(scaler, "dsth", to->height, 0);
    av_opt_set_int(scaler, "dst_format", to->format, 0);
    av_opt_set_int(scaler, "sws_flags",
                   SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, 0);
    if (recolours) {
        // Before the scaler is made: it would copy planes of one format as they are.
        av_opt_set_int(scaler, "src_range", is_full(from), 0);
        av_opt_set_int(scaler, "dst_range", is_full(to), 0);
        set_siting(scaler, "src_h_chr_pos", "src_v_chr_pos", from);
        set_siting(scaler, "dst_h_chr_pos", "dst_v_chr_pos", to);
    }
    if (sws_init_context(scaler, NULL, NULL) < 0) {
        sws_freeContext(scaler);
        return NULL;
    }
    return scaler;
}

static cgv_status prepare(cgv_convert *convert, const AVFrame *frame, const AVFrame *to,
                          bool recolours) {
    if (convert->scaler && convert->recolours == recolours &&
        cgv_colour_same(to, convert->target) && cgv_colour_same(frame, convert->like))
        return CGV_OK;
    sws_freeContext(convert->scaler);
    convert->scaler = open_scaler(frame, to, recolours);
    if (!convert->scaler)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "swscale cannot convert %s to %s",
                        av_get_pix_fmt_name(frame->format), av_get_pix_fmt_name(to->format));
    // Else the same numbers on both sides, so that only the storage changes.
    const int *matrix = sws_getCoefficients(scaler_matrix(frame));
    int full = recolours ? is_full(frame) : frame->color_range == AVCOL_RANGE_JPEG;
    sws_setColorspaceDetails(convert->scaler, matrix, full,
                             recolours ? sws_getCoefficients(scaler_matrix(to)) : matrix,
                             recolours ? is_full(to) : full, 0, 1 << 16, 1 << 16);
    convert->recolours = recolours;
    cgv_colour_copy(convert->like, frame);
    cgv_colour_copy(convert->target, to);
    return CGV_OK;
}

// `to`: format, size and colours.
static cgv_status change(cgv_convert *convert, AVFrame **frame, const AVFrame *to, bool recolours) {
    AVFrame *in = *frame;
    cgv_status status = prepare(convert, in, to, recolours);
    if (status)
        return status;
    AVFrame *out = av_frame_alloc();
    if (!out)
        return cgv_fail(CGV_ERROR_MEMORY, "convert: out of memory");
    int error = av_frame_copy_props(out, in);
    cgv_colour_copy(out, to);
    if (error >= 0)
        error = av_frame_get_buffer(out, 0);
    if (error >= 0)
        error = sws_scale(convert->scaler, (const uint8_t *const *)in->data, in->linesize, 0,
                          in->height, out->data, out->linesize);
    if (error < 0) {
        av_frame_free(&out);
        return cgv_av_fail(error, "cannot convert %s to %s", av_get_pix_fmt_name(in->format),
                           av_get_pix_fmt_name(to->format));
    }
    av_frame_free(frame);
    *frame = out;
    return CGV_OK;
}

static cgv_status store(cgv_convert *convert, AVFrame **frame, enum AVPixelFormat format, int width,
                        int height) {
    const AVFrame *in = *frame;
    if ((enum AVPixelFormat)in->format == format && in->width == width && in->height == height)
        return CGV_OK;
    AVFrame *to = av_frame_alloc();
    if (!to)
        return cgv_fail(CGV_ERROR_MEMORY, "convert: out of memory");
    cgv_colour_copy(to, in);
    to->format = format;
    to->width = width;
    to->height = height;
    cgv_status status = change(convert, frame, to, false);
    av_frame_free(&to);
    return status;
}

cgv_status cgv_convert_frame(cgv_convert *convert, AVFrame **frame, enum AVPixelFormat format) {
    return store(convert, frame, format, (*frame)->width, (*frame)->height);
}

cgv_status cgv_convert_size(cgv_convert *convert, AVFrame **frame, int width, int height) {
    return store(convert, frame, (*frame)->format, width, height);
}

cgv_status cgv_convert_like(cgv_convert *convert, AVFrame **frame, const AVFrame *like) {
    return cgv_colour_same(*frame, like) ? CGV_OK : change(convert, frame, like, true);
}

void cgv_convert_destroy(cgv_convert **handle) {
    if (!handle || !*handle)
        return;
    cgv_convert *convert = *handle;
    sws_freeContext(convert->scaler);
    av_frame_free(&convert->like);
    av_frame_free(&convert->target);
    free(convert);
    *handle = NULL;
}
