#include "video/upright.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "video/colour.h"

static bool prepare(cgv_upright *upright, const AVFrame *frame, int width, int height) {
    if (!upright->like && !(upright->like = av_frame_alloc()))
        return false;
    if (upright->scaler && cgv_colour_same(frame, upright->like) && upright->rgb &&
        upright->rgb->width == width && upright->rgb->height == height)
        return true;
    sws_freeContext(upright->scaler);
    upright->scaler = sws_getContext(
        frame->width, frame->height, frame->format, width, height, AV_PIX_FMT_RGB24,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, NULL, NULL, NULL);
    if (!upright->scaler)
        return false;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    bool coded = !(desc->flags & AV_PIX_FMT_FLAG_RGB) && desc->nb_components >= 3;
    int full =
        coded ? frame->color_range == AVCOL_RANGE_JPEG : frame->color_range != AVCOL_RANGE_MPEG;
    enum AVColorSpace matrix = frame->colorspace;
    if (matrix == AVCOL_SPC_UNSPECIFIED || matrix == AVCOL_SPC_RESERVED || matrix == AVCOL_SPC_RGB)
        matrix = cgv_colour_default_matrix(frame->width, frame->height);
    sws_setColorspaceDetails(upright->scaler, sws_getCoefficients(matrix), full,
                             sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
    cgv_colour_copy(upright->like, frame);
    // swscale may write a little past the ends of rows: an aligned picture of its own has room.
    av_frame_free(&upright->rgb);
    if (!(upright->rgb = av_frame_alloc()))
        return false;
    upright->rgb->format = AV_PIX_FMT_RGB24;
    upright->rgb->width = width;
    upright->rgb->height = height;
    if (av_frame_get_buffer(upright->rgb, 0) >= 0)
        return true;
    av_frame_free(&upright->rgb);
    return false;
}

static bool copy_turned(cgv_bitmap *out, const AVFrame *in, cgv_turn turn) {
    bool swapped = cgv_turn_swaps_sides(turn);
    if (cgv_bitmap_create(out, swapped ? in->height : in->width, swapped ? in->width : in->height))
        return false;
    cgv_turn_plane(out->rgb, 3 * (ptrdiff_t)out->width, in->data[0], in->linesize[0], in->width,
                   in->height, 3, turn);
    return true;
}

bool cgv_upright_convert(cgv_upright *upright, cgv_bitmap *out, AVFrame *frame, AVRational aspect,
                         cgv_turn turn) {
    cgv_colour_normalise(frame);
    double ratio = aspect.num > 0 && aspect.den > 0 ? av_q2d(aspect) : 1;
    if (ratio < 0.1 || ratio > 10)
        ratio = 1; // nonsense in the file
    int width = ratio > 1 ? (int)(frame->width * ratio + 0.5) : frame->width;
    int height = ratio < 1 ? (int)(frame->height / ratio + 0.5) : frame->height;
    if (!prepare(upright, frame, width, height))
        return false;
    if (sws_scale(upright->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0,
                  frame->height, upright->rgb->data, upright->rgb->linesize) < 0)
        return false;
    return copy_turned(out, upright->rgb, turn);
}

void cgv_upright_free(cgv_upright *upright) {
    sws_freeContext(upright->scaler);
    av_frame_free(&upright->like);
    av_frame_free(&upright->rgb);
    *upright = (cgv_upright){0};
}
