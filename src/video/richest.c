#include "video/richest.h"

#include <stdbool.h>

#include <libavutil/pixdesc.h>

#include "video/colour.h"

// Whether nothing that pictures of format `b` can hold is lost in those of `a`.
static bool covers(enum AVPixelFormat a, enum AVPixelFormat b) {
    const AVPixFmtDescriptor *x = av_pix_fmt_desc_get(a), *y = av_pix_fmt_desc_get(b);
    bool coded = x->nb_components >= 3 && !(x->flags & AV_PIX_FMT_FLAG_RGB);
    // Networks make RGB, which has finer steps than YCbCr of the same depth.
    int spare = coded && y->flags & AV_PIX_FMT_FLAG_RGB ? 2 : 0;
    bool chroma =
        y->nb_components < 3 || (x->nb_components >= 3 && x->log2_chroma_w <= y->log2_chroma_w &&
                                 x->log2_chroma_h <= y->log2_chroma_h);
    return chroma && !(y->flags & ~x->flags & AV_PIX_FMT_FLAG_ALPHA) &&
           x->comp[0].depth >= FFMIN(y->comp[0].depth + spare, 16);
}

static bool covers_all(enum AVPixelFormat format, const AVFrame *const *formats, int count) {
    for (int i = 0; i < count; i++)
        if (!covers(format, formats[i]->format))
            return false;
    return true;
}

static int likeness(const AVFrame *format, const AVFrame *first) {
    return (format->color_range == first->color_range) +
           (format->chroma_location == first->chroma_location);
}

void cgv_richest(AVFrame *out, const AVFrame *const *formats, int count, const AVFrame *first) {
    const AVFrame *best = NULL;
    for (int i = 0; i < count; i++)
        if (covers_all(formats[i]->format, formats, count) &&
            (!best || likeness(formats[i], first) > likeness(best, first)))
            best = formats[i];
    if (best) {
        cgv_colour_copy(out, best);
        return;
    }
    // The last one covers whatever there is.
    const enum AVPixelFormat others[] = {
        cgv_colour_carrier(first->format),
        AV_PIX_FMT_YUV444P,
        AV_PIX_FMT_YUV444P10LE,
        AV_PIX_FMT_YUV444P12LE,
        AV_PIX_FMT_YUV444P16LE,
        AV_PIX_FMT_YUVA444P,
        AV_PIX_FMT_YUVA444P10LE,
        AV_PIX_FMT_YUVA444P16LE,
    };
    int last = FF_ARRAY_ELEMS(others) - 1, i = 0;
    while (i < last && !covers_all(others[i], formats, count))
        i++;
    cgv_colour_output(out, first, others[i], CGV_COLOUR_VIDEO);
}
