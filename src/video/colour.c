#include "video/colour.h"

#include <libavcodec/avcodec.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "video/hdr.h"

bool cgv_colour_layout(cgv_layout *out, enum AVPixelFormat format) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    const uint64_t alien = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                           AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT |
                           AV_PIX_FMT_FLAG_BAYER;
    // XYZ is no RGB though its descriptor says nothing else.
    if (!desc || desc->flags & alien || format == AV_PIX_FMT_XYZ12LE)
        return false;
    *out = (cgv_layout){
        .components = desc->nb_components,
        .planes = (uint8_t)av_pix_fmt_count_planes(format),
        .log2_chroma_w = desc->log2_chroma_w,
        .log2_chroma_h = desc->log2_chroma_h,
        .rgb = desc->flags & AV_PIX_FMT_FLAG_RGB,
    };
    for (int i = 0; i < desc->nb_components; i++) {
        const AVComponentDescriptor *c = &desc->comp[i];
        out->component[i] = (cgv_component){(uint8_t)c->plane, (uint8_t)c->step, (uint8_t)c->offset,
                                            (uint8_t)c->shift, (uint8_t)c->depth};
    }
    return cgv_layout_supported(out);
}

enum AVPixelFormat cgv_colour_without_j(enum AVPixelFormat format) {
    switch (format) {
    case AV_PIX_FMT_YUVJ411P:
        return AV_PIX_FMT_YUV411P;
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ440P:
        return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    default:
        return format;
    }
}

void cgv_colour_normalise(AVFrame *frame) {
    enum AVPixelFormat plain = cgv_colour_without_j(frame->format);
    if (plain == (enum AVPixelFormat)frame->format)
        return;
    frame->format = plain;
    frame->color_range = AVCOL_RANGE_JPEG;
}

enum AVPixelFormat cgv_colour_carrier(enum AVPixelFormat format) {
    static const enum AVPixelFormat grey[] = {AV_PIX_FMT_GRAY8, AV_PIX_FMT_YA8, AV_PIX_FMT_GRAY16LE,
                                              AV_PIX_FMT_YA16LE, AV_PIX_FMT_NONE};
    static const enum AVPixelFormat rgb[] = {AV_PIX_FMT_RGB24, AV_PIX_FMT_RGBA, AV_PIX_FMT_RGB48LE,
                                             AV_PIX_FMT_RGBA64LE, AV_PIX_FMT_NONE};
    static const enum AVPixelFormat yuv[] = {
        AV_PIX_FMT_YUV420P,      AV_PIX_FMT_YUV422P,     AV_PIX_FMT_YUV444P,
        AV_PIX_FMT_YUVA420P,     AV_PIX_FMT_YUVA422P,    AV_PIX_FMT_YUVA444P,
        AV_PIX_FMT_YUV420P10LE,  AV_PIX_FMT_YUV422P10LE, AV_PIX_FMT_YUV444P10LE,
        AV_PIX_FMT_YUV420P12LE,  AV_PIX_FMT_YUV422P12LE, AV_PIX_FMT_YUV444P12LE,
        AV_PIX_FMT_YUV420P16LE,  AV_PIX_FMT_YUV422P16LE, AV_PIX_FMT_YUV444P16LE,
        AV_PIX_FMT_YUVA444P16LE, AV_PIX_FMT_NONE};
    cgv_layout layout;
    if (cgv_colour_layout(&layout, format))
        return format;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    if (!desc || desc->flags & AV_PIX_FMT_FLAG_HWACCEL)
        return AV_PIX_FMT_NONE;
    // Bayer and palette formats are RGB too; monochrome bit streams have one component.
    bool coloured =
        desc->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER);
    const enum AVPixelFormat *list =
        coloured || format == AV_PIX_FMT_XYZ12LE || format == AV_PIX_FMT_XYZ12BE ? rgb
        : desc->nb_components < 3                                                ? grey
                                                                                 : yuv;
    bool alpha = desc->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL);
    return avcodec_find_best_pix_fmt_of_list(list, format, alpha, NULL);
}

enum AVColorSpace cgv_colour_default_matrix(int width, int height) {
    return width >= 1280 || height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

static bool luma_coefficients(cgv_colour *out, enum AVColorSpace matrix) {
    switch (matrix) {
    case AVCOL_SPC_BT709:
        out->kr = .2126f, out->kb = .0722f;
        return true;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        out->kr = .299f, out->kb = .114f;
        return true;
    case AVCOL_SPC_FCC:
        out->kr = .30f, out->kb = .11f;
        return true;
    case AVCOL_SPC_SMPTE240M:
        out->kr = .212f, out->kb = .087f;
        return true;
    case AVCOL_SPC_BT2020_NCL:
        out->kr = .2627f, out->kb = .0593f;
        return true;
    default:
        return false;
    }
}

// In units of the distance from the first to the last luma sample that a chroma sample covers.
static void chroma_position(float *x, float *y, enum AVChromaLocation location) {
    *x = location == AVCHROMA_LOC_CENTER || location == AVCHROMA_LOC_TOP ||
                 location == AVCHROMA_LOC_BOTTOM
             ? .5f
             : 0.f;
    *y = location == AVCHROMA_LOC_TOPLEFT || location == AVCHROMA_LOC_TOP         ? 0.f
         : location == AVCHROMA_LOC_BOTTOMLEFT || location == AVCHROMA_LOC_BOTTOM ? 1.f
                                                                                  : .5f;
}

cgv_status cgv_colour_format(cgv_picture_format *out, const AVFrame *frame) {
    *out = (cgv_picture_format){.width = frame->width, .height = frame->height};
    if (!cgv_colour_layout(&out->layout, frame->format))
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "pixel format %s cannot be translated",
                        av_get_pix_fmt_name(frame->format));
    bool coded = !out->layout.rgb && out->layout.components >= 3; // YCbCr
    enum AVColorSpace matrix = frame->colorspace;
    if (!coded || matrix == AVCOL_SPC_UNSPECIFIED || matrix == AVCOL_SPC_RESERVED)
        matrix = cgv_colour_default_matrix(frame->width, frame->height);
    if (!luma_coefficients(&out->colour, matrix))
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "colour matrix %s is not supported (BT.601, 709, 2020 non-constant, "
                        "SMPTE 240M and FCC are): convert the input first",
                        av_color_space_name(matrix));
    out->colour.full_range =
        coded ? frame->color_range == AVCOL_RANGE_JPEG : frame->color_range != AVCOL_RANGE_MPEG;
    chroma_position(&out->colour.chroma_x, &out->colour.chroma_y, frame->chroma_location);
    out->colour.chroma_x *= (float)((1 << out->layout.log2_chroma_w) - 1);
    out->colour.chroma_y *= (float)((1 << out->layout.log2_chroma_h) - 1);
    return cgv_hdr_describe(&out->colour, frame);
}

void cgv_colour_output(AVFrame *out, const AVFrame *in, enum AVPixelFormat format,
                       cgv_colour_rule rule) {
    const AVPixFmtDescriptor *to = av_pix_fmt_desc_get(format);
    const AVPixFmtDescriptor *from = av_pix_fmt_desc_get(in->format);
    bool to_coded = !(to->flags & AV_PIX_FMT_FLAG_RGB) && to->nb_components >= 3;
    bool from_coded = !(from->flags & AV_PIX_FMT_FLAG_RGB) && from->nb_components >= 3;
    out->format = format;
    out->width = in->width;
    out->height = in->height;
    bool hdr = cgv_hdr_transfer(in->color_trc) != CGV_TRANSFER_SDR; // becomes BT.709
    out->color_primaries = hdr ? AVCOL_PRI_BT709 : in->color_primaries;
    out->color_trc = hdr ? AVCOL_TRC_BT709 : in->color_trc;
    out->chroma_location = AVCHROMA_LOC_UNSPECIFIED;
    if (!to_coded) {
        // Grey and RGB have no matrix. They stay limited only where the input already was.
        out->colorspace = to->flags & AV_PIX_FMT_FLAG_RGB ? AVCOL_SPC_RGB : in->colorspace;
        if (out->colorspace == AVCOL_SPC_RGB && !(to->flags & AV_PIX_FMT_FLAG_RGB))
            out->colorspace = AVCOL_SPC_UNSPECIFIED;
        out->color_range = !from_coded && in->color_range == AVCOL_RANGE_MPEG ? AVCOL_RANGE_MPEG
                                                                              : AVCOL_RANGE_JPEG;
        return;
    }
    bool subsampled = to->log2_chroma_w || to->log2_chroma_h;
    if (rule == CGV_COLOUR_JFIF) {
        out->colorspace = AVCOL_SPC_BT470BG;
        out->color_range = AVCOL_RANGE_JPEG;
        out->chroma_location = subsampled ? AVCHROMA_LOC_CENTER : AVCHROMA_LOC_UNSPECIFIED;
        return;
    }
    if (rule == CGV_COLOUR_WEBP) {
        out->colorspace = AVCOL_SPC_SMPTE170M;
        out->color_range = AVCOL_RANGE_MPEG;
        return;
    }
    out->colorspace = hdr          ? AVCOL_SPC_BT709
                      : from_coded ? in->colorspace
                                   : cgv_colour_default_matrix(in->width, in->height);
    out->color_range = from_coded ? in->color_range : AVCOL_RANGE_MPEG;
    if (rule == CGV_COLOUR_LIMITED && out->color_range == AVCOL_RANGE_JPEG)
        out->color_range = AVCOL_RANGE_MPEG;
    if (subsampled)
        out->chroma_location = from_coded && (from->log2_chroma_w || from->log2_chroma_h)
                                   ? in->chroma_location
                                   : AVCHROMA_LOC_LEFT;
}

static const AVComponentDescriptor *alpha_of(enum AVPixelFormat format) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    return desc && desc->flags & AV_PIX_FMT_FLAG_ALPHA ? &desc->comp[desc->nb_components - 1]
                                                       : NULL;
}

bool cgv_colour_keeps_alpha(const AVFrame *frame, enum AVPixelFormat format) {
    return alpha_of(frame->format) && alpha_of(format);
}

static uint8_t *sample_at(const AVFrame *frame, const AVComponentDescriptor *c, int x, int y) {
    return frame->data[c->plane] + (ptrdiff_t)y * frame->linesize[c->plane] +
           (ptrdiff_t)x * c->step + c->offset;
}

void cgv_colour_copy_alpha(AVFrame *out, const AVFrame *in) {
    const AVComponentDescriptor *from = alpha_of(in->format), *to = alpha_of(out->format);
    const unsigned from_max = (1u << from->depth) - 1, to_max = (1u << to->depth) - 1;
    bool from_wide = from->depth + from->shift > 8, to_wide = to->depth + to->shift > 8;
    for (int y = 0; y < in->height; y++)
        for (int x = 0; x < in->width; x++) {
            const uint8_t *source = sample_at(in, from, x, y);
            uint8_t *target = sample_at(out, to, x, y);
            unsigned value = from_wide ? AV_RL16(source) : *source;
            value = ((value >> from->shift) * to_max + from_max / 2) / from_max << to->shift;
            if (to_wide)
                AV_WL16(target, value);
            else
                *target = (uint8_t)value;
        }
}

bool cgv_colour_same(const AVFrame *a, const AVFrame *b) {
    return a->width == b->width && a->height == b->height && a->format == b->format &&
           a->colorspace == b->colorspace && a->color_range == b->color_range &&
           a->chroma_location == b->chroma_location &&
           cgv_hdr_transfer(a->color_trc) == cgv_hdr_transfer(b->color_trc) &&
           a->color_primaries == b->color_primaries;
}

void cgv_colour_copy(AVFrame *to, const AVFrame *from) {
    to->width = from->width;
    to->height = from->height;
    to->format = from->format;
    to->colorspace = from->colorspace;
    to->color_range = from->color_range;
    to->color_primaries = from->color_primaries;
    to->color_trc = from->color_trc;
    to->chroma_location = from->chroma_location;
}
