#include "video/upright.h"

#include <stdlib.h>
#include <string.h>

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
    av_frame_unref(upright->like);
    upright->like->width = frame->width;
    upright->like->height = frame->height;
    upright->like->format = frame->format;
    upright->like->colorspace = frame->colorspace;
    upright->like->color_range = frame->color_range;
    upright->like->chroma_location = frame->chroma_location;
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

static int sign(int32_t fixed) {
    return fixed > 1 << 15 ? 1 : fixed < -(1 << 15) ? -1 : 0;
}

// Where x and y of the picture as stored point to in the upright one.
typedef struct turn {
    int xx, xy, yx, yy; // a step in x moves (xx, xy), one in y (yx, yy)
} turn;

static turn turn_of(const int32_t *matrix) {
    const turn none = {1, 0, 0, 1};
    if (!matrix)
        return none;
    turn t = {sign(matrix[0]), sign(matrix[1]), sign(matrix[3]), sign(matrix[4])};
    bool quarter =
        abs(t.xx) + abs(t.xy) == 1 && abs(t.yx) + abs(t.yy) == 1 && abs(t.xx) == abs(t.yy);
    return quarter ? t : none;
}

static bool copy_turned(cgv_bitmap *out, const AVFrame *in, turn t) {
    bool swapped = t.xx == 0;
    cgv_status status =
        cgv_bitmap_create(out, swapped ? in->height : in->width, swapped ? in->width : in->height);
    if (status)
        return status;
    const ptrdiff_t row = 3 * (ptrdiff_t)out->width;
    const ptrdiff_t step_x = 3 * t.xx + row * t.xy, step_y = 3 * t.yx + row * t.yy;
    // The stored picture's first pixel lands in the corner that leaves room for the steps.
    uint8_t *start = out->rgb;
    if (t.xx + t.yx < 0)
        start += row - 3;
    if (t.xy + t.yy < 0)
        start += row * (out->height - 1);
    for (int y = 0; y < in->height; y++) {
        const uint8_t *p = in->data[0] + (ptrdiff_t)y * in->linesize[0];
        uint8_t *q = start + y * step_y;
        if (step_x == 3)
            memcpy(q, p, 3 * (size_t)in->width);
        for (int x = 0; step_x != 3 && x < in->width; x++, p += 3, q += step_x)
            memcpy(q, p, 3);
    }
    return true;
}

bool cgv_upright_convert(cgv_upright *upright, cgv_bitmap *out, AVFrame *frame, AVRational aspect,
                         const int32_t *matrix) {
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
    return copy_turned(out, upright->rgb, turn_of(matrix));
}

void cgv_upright_free(cgv_upright *upright) {
    sws_freeContext(upright->scaler);
    av_frame_free(&upright->like);
    av_frame_free(&upright->rgb);
    *upright = (cgv_upright){0};
}
