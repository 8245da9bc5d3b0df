#include "video/turn.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "video/av.h"

static const cgv_turn none = {1, 0, 0, 1};

static int sign(int32_t fixed) {
    return fixed > 1 << 15 ? 1 : fixed < -(1 << 15) ? -1 : 0;
}

cgv_turn cgv_turn_of(const int32_t *matrix) {
    if (!matrix)
        return none;
    cgv_turn t = {sign(matrix[0]), sign(matrix[1]), sign(matrix[3]), sign(matrix[4])};
    bool quarter =
        abs(t.xx) + abs(t.xy) == 1 && abs(t.yx) + abs(t.yy) == 1 && abs(t.xx) == abs(t.yy);
    return quarter ? t : none;
}

cgv_turn cgv_turn_of_orientation(int orientation) {
    static const cgv_turn turns[9] = {
        {1, 0, 0, 1}, {1, 0, 0, 1},  {-1, 0, 0, 1},  {-1, 0, 0, -1}, {1, 0, 0, -1},
        {0, 1, 1, 0}, {0, 1, -1, 0}, {0, -1, -1, 0}, {0, -1, 1, 0},
    };
    return turns[orientation < 1 || orientation > 8 ? 0 : orientation];
}

bool cgv_turn_is_none(cgv_turn turn) {
    return turn.xx == 1 && turn.yy == 1;
}

bool cgv_turn_swaps_sides(cgv_turn turn) {
    return turn.xx == 0;
}

void cgv_turn_plane(uint8_t *out, ptrdiff_t out_stride, const uint8_t *in, ptrdiff_t in_stride,
                    int width, int height, int step, cgv_turn t) {
    bool swapped = cgv_turn_swaps_sides(t);
    const int out_width = swapped ? height : width, out_height = swapped ? width : height;
    const ptrdiff_t step_x = step * t.xx + out_stride * t.xy;
    const ptrdiff_t step_y = step * t.yx + out_stride * t.yy;
    // The stored picture's first sample lands in the corner that leaves room for the steps.
    if (t.xx + t.yx < 0)
        out += (ptrdiff_t)step * (out_width - 1);
    if (t.xy + t.yy < 0)
        out += out_stride * (out_height - 1);
    for (int y = 0; y < height; y++) {
        const uint8_t *p = in + y * in_stride;
        uint8_t *q = out + y * step_y;
        if (step_x == step)
            memcpy(q, p, (size_t)step * (size_t)width);
        for (int x = 0; step_x != step && x < width; x++, p += step, q += step_x)
            memcpy(q, p, (size_t)step);
    }
}

static void turn_planes(AVFrame *out, const AVFrame *in, cgv_turn turn) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(in->format);
    bool seen[4] = {0};
    for (int c = 0; c < desc->nb_components; c++) {
        int plane = desc->comp[c].plane;
        bool chroma =
            !(desc->flags & AV_PIX_FMT_FLAG_RGB) && (c == 1 || c == 2) && desc->nb_components > 2;
        int w = chroma ? AV_CEIL_RSHIFT(in->width, desc->log2_chroma_w) : in->width;
        int h = chroma ? AV_CEIL_RSHIFT(in->height, desc->log2_chroma_h) : in->height;
        if (!seen[plane])
            cgv_turn_plane(out->data[plane], out->linesize[plane], in->data[plane],
                           in->linesize[plane], w, h, desc->comp[c].step, turn);
        seen[plane] = true;
    }
}

cgv_status cgv_turn_frame(AVFrame **frame, cgv_turn turn) {
    AVFrame *in = *frame, *out = av_frame_alloc();
    bool swapped = cgv_turn_swaps_sides(turn);
    if (!out)
        return cgv_fail(CGV_ERROR_MEMORY, "turn: out of memory");
    out->format = in->format;
    out->width = swapped ? in->height : in->width;
    out->height = swapped ? in->width : in->height;
    int error = av_frame_get_buffer(out, 0);
    if (error >= 0)
        error = av_frame_copy_props(out, in);
    if (error < 0) {
        av_frame_free(&out);
        return cgv_av_fail(error, "cannot turn a picture");
    }
    if (swapped)
        out->sample_aspect_ratio =
            (AVRational){in->sample_aspect_ratio.den, in->sample_aspect_ratio.num};
    av_frame_remove_side_data(out, AV_FRAME_DATA_DISPLAYMATRIX);
    av_dict_set(&out->metadata, "Orientation", NULL, 0);
    turn_planes(out, in, turn);
    av_frame_free(frame);
    *frame = out;
    return CGV_OK;
}
