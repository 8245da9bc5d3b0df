#include "video/encoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "base/fault.h"
#include "video/av.h"
#include "video/carry.h"
#include "video/colour.h"
#include "video/encoder_manners.h"

static bool takes(const AVCodec *codec, enum AVPixelFormat format) {
    const enum AVPixelFormat *list = cgv_av_pixel_formats(codec);
    if (!list)
        return true;
    for (; *list != AV_PIX_FMT_NONE; list++)
        if (cgv_colour_without_j(*list) == format)
            return true;
    return false;
}

// Encoders that list the yuvj names only, and get full range.
static enum AVPixelFormat with_j(const AVCodec *codec, enum AVPixelFormat format) {
    const enum AVPixelFormat *list = cgv_av_pixel_formats(codec);
    enum AVPixelFormat found = format;
    for (; list && *list != AV_PIX_FMT_NONE; list++) {
        if (*list == format)
            return format;
        if (cgv_colour_without_j(*list) == format)
            found = *list;
    }
    return found;
}

// The sides of the pictures that are stored.
typedef struct sides {
    int width, height;
} sides;

static sides stored_sides(const AVFrame *first, cgv_turn turn) {
    return cgv_turn_swaps_sides(turn) ? (sides){first->height, first->width}
                                      : (sides){first->width, first->height};
}

static bool odd_sides(sides s, enum AVPixelFormat format) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    return s.width % (1 << desc->log2_chroma_w) || s.height % (1 << desc->log2_chroma_h);
}

// Those that store any size; what they subsample they round up. Other coders refuse or crop.
static bool needs_whole_chroma(const AVCodec *codec) {
    static const char *const any_size[] = {
        "mjpeg",  "libwebp",    "libwebp_anim", "rawvideo",   "wrapped_avframe",
        "libvpx", "libvpx-vp9", "libaom-av1",   "librav1e",   "ffv1",
        "tiff",   "jpeg2000",   "magicyuv",     "mpeg1video", "mpeg2video",
        "mpeg4",  "msmpeg4",    "flv"};
    for (size_t i = 0; i < sizeof any_size / sizeof *any_size; i++)
        if (!strcmp(codec->name, any_size[i]))
            return false;
    return true;
}

static cgv_status named_pixel_format(enum AVPixelFormat *out, const AVCodec *codec,
                                     const cgv_sink_params *params, sides stored) {
    enum AVPixelFormat format = cgv_colour_without_j(av_get_pix_fmt(params->pixel_format));
    if (format == AV_PIX_FMT_NONE)
        return cgv_fail(CGV_ERROR_ARGUMENT, "encode: no such pixel format: -pix_fmt %s",
                        params->pixel_format);
    if (!takes(codec, format))
        return cgv_fail(CGV_ERROR_ARGUMENT, "encode: %s does not take -pix_fmt %s", codec->name,
                        params->pixel_format);
    if (needs_whole_chroma(codec) && odd_sides(stored, format))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "encode: %s cannot store %dx%d pictures in %s, which needs even sides: use "
                        "-pix_fmt yuv444p",
                        codec->name, stored.width, stored.height, params->pixel_format);
    *out = format;
    return CGV_OK;
}

// The nearest of an encoder's formats; one with alpha, where there is one, if the input has it.
// Palettes are not made here.
static enum AVPixelFormat nearest(const enum AVPixelFormat *list, enum AVPixelFormat format) {
    enum AVPixelFormat clear[64];
    int count = 0;
    bool alpha = av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_ALPHA;
    for (const enum AVPixelFormat *p = list; alpha && *p != AV_PIX_FMT_NONE && count < 63; p++)
        if ((av_pix_fmt_desc_get(*p)->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) ==
            AV_PIX_FMT_FLAG_ALPHA)
            clear[count++] = *p;
    clear[count] = AV_PIX_FMT_NONE;
    return cgv_colour_without_j(
        avcodec_find_best_pix_fmt_of_list(count ? clear : list, format, count > 0, NULL));
}

static bool is_loopback(const AVOutputFormat *container) {
    return av_match_name("v4l2", container->name);
}

static cgv_status choose_pixel_format(enum AVPixelFormat *out, const AVCodec *codec,
                                      const AVOutputFormat *container,
                                      const cgv_sink_params *params, const AVFrame *first,
                                      cgv_turn turn) {
    sides stored = stored_sides(first, turn);
    if (params->pixel_format)
        return named_pixel_format(out, codec, params, stored);
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(first->format);
    enum AVPixelFormat format = first->format;
    if (is_loopback(container) && codec->id == AV_CODEC_ID_RAWVIDEO)
        format = AV_PIX_FMT_YUV420P; // what every program takes of a camera
    const enum AVPixelFormat *list = cgv_av_pixel_formats(codec);
    if (!takes(codec, format))
        format = nearest(list, format);
    if (format == AV_PIX_FMT_NONE)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "encode: %s takes no pixel format of this build",
                        codec->name);
    if (needs_whole_chroma(codec) && odd_sides(stored, format)) {
        static const enum AVPixelFormat whole[] = {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10LE};
        int deep = av_pix_fmt_desc_get(format)->comp[0].depth > 8;
        if (!takes(codec, whole[deep]))
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "encode: %s cannot store %dx%d pictures: its pixel formats need even "
                            "sides; choose another -c:v (libx264 keeps them in yuv444p)",
                            codec->name, stored.width, stored.height);
        format = whole[deep];
        cgv_log(CGV_LOG_INFO, "odd sides: encoding as %s", av_get_pix_fmt_name(format));
    }
    int depth = av_pix_fmt_desc_get(cgv_colour_carrier(format))->comp[0].depth;
    if (depth < desc->comp[0].depth)
        cgv_log(CGV_LOG_INFO, "encode: %s gets %d bits (%s), dithered from %d", codec->name, depth,
                av_get_pix_fmt_name(format), desc->comp[0].depth);
    if (desc->flags & ~av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_ALPHA)
        cgv_log(CGV_LOG_INFO, "encode: %s cannot keep transparency: it is left out", codec->name);
    *out = format;
    return CGV_OK;
}

static bool has_option(const AVCodec *codec, const char *name) {
    const AVClass *class = codec->priv_class;
    return class && av_opt_find(&class, name, NULL, 0, AV_OPT_SEARCH_FAKE_OBJ);
}

static cgv_status refuse_option(const AVCodec *codec, const char *option) {
    return cgv_fail(CGV_ERROR_ARGUMENT, "encode: %s has no %s", codec->name, option);
}

// Quality when nothing is asked for: libav's own default is 200 kbit/s for most encoders.
static void default_quality(AVCodecContext *context, AVDictionary **options) {
    const AVCodec *codec = context->codec;
    if (has_option(codec, "crf")) {
        const char *crf = codec->id == AV_CODEC_ID_H264   ? "20"
                          : codec->id == AV_CODEC_ID_HEVC ? "22"
                                                          : "28"; // VP9, AV1
        av_dict_set(options, "crf", codec->id == AV_CODEC_ID_VP8 ? "10" : crf, 0);
        // VP8 knows a constant quality only below a bit rate: half a bit a pixel is out of reach.
        context->bit_rate =
            codec->id == AV_CODEC_ID_VP8
                ? (int64_t)(context->width * context->height * av_q2d(context->framerate) / 2)
                : 0;
    } else if (codec->id == AV_CODEC_ID_MPEG4 || codec->id == AV_CODEC_ID_MPEG2VIDEO ||
               codec->id == AV_CODEC_ID_MPEG1VIDEO || codec->id == AV_CODEC_ID_MJPEG ||
               codec->id == AV_CODEC_ID_FLV1 || codec->id == AV_CODEC_ID_H263P ||
               codec->id == AV_CODEC_ID_MSMPEG4V3) {
        context->flags |= AV_CODEC_FLAG_QSCALE;
        context->global_quality = FF_QP2LAMBDA * (codec->id == AV_CODEC_ID_MJPEG ? 2 : 3);
    }
}

// libvpx and libaom are made for machines that encode a film once for millions: a hundredth of
// real time is too slow here.
static void default_speed(const AVCodec *codec, AVDictionary **options) {
    if (codec->id != AV_CODEC_ID_VP9 && codec->id != AV_CODEC_ID_AV1)
        return;
    if (has_option(codec, "row-mt"))
        av_dict_set(options, "row-mt", "1", 0);
    if (has_option(codec, "cpu-used"))
        av_dict_set(options, "cpu-used", codec->id == AV_CODEC_ID_AV1 ? "6" : "4", 0);
}

// libvpx refuses to encode transparent pictures of VP8 with frames that are not shown.
static void allow_alpha(const AVCodec *codec, enum AVPixelFormat format, AVDictionary **options) {
    if (codec->id == AV_CODEC_ID_VP8 && has_option(codec, "auto-alt-ref") &&
        av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_ALPHA)
        av_dict_set(options, "auto-alt-ref", "0", 0);
}

// Whether the user has chosen a quality by one of the encoder's own options.
static bool quality_given(const AVDictionary *options) {
    static const char *const names[] = {
        "b", "qp", "cq", "crf", "rc", "q", "global_quality", "lossless", "qscale", "rc_mode"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (av_dict_get(options, names[i], NULL, 0))
            return true;
    return false;
}

static cgv_status set_quality(AVCodecContext *context, AVDictionary **options,
                              const cgv_sink_params *params) {
    const AVCodec *codec = context->codec;
    bool given = params->options && quality_given(params->options->video);
    if (params->quality >= 0) {
        if (has_option(codec, "crf")) // those have no scale of quantisers
            return refuse_option(codec, "-q:v");
        context->flags |= AV_CODEC_FLAG_QSCALE;
        context->global_quality = (int)lrint(FF_QP2LAMBDA * params->quality);
        given = true;
    }
    if (params->crf >= 0) {
        if (!has_option(codec, "crf"))
            return refuse_option(codec, "-crf");
        char text[32];
        snprintf(text, sizeof text, "%g", params->crf);
        av_dict_set(options, "crf", text, 0);
        context->bit_rate = 0;
    }
    if (params->bit_rate)
        av_dict_set(options, "b", params->bit_rate, 0);
    if (params->crf < 0 && !params->bit_rate && !given)
        default_quality(context, options);
    if (params->preset) {
        if (!has_option(codec, "preset"))
            return refuse_option(codec, "-preset");
        cgv_status status = cgv_encoder_check_preset(codec, params->preset);
        if (status)
            return status;
        av_dict_set(options, "preset", params->preset, 0);
    }
    return CGV_OK;
}

// The rate of a video that was meant to be constant. Timestamps with jitter make the finest rate
// that could hold them all absurdly high; then the average is nearer to what was meant.
static AVRational nominal_rate(const cgv_source_info *source) {
    AVRational average = source->rate, finest = source->video->r_frame_rate;
    if (!average.num)
        return finest.num ? finest : (AVRational){25, 1};
    return finest.num && av_q2d(finest) < 2.1 * av_q2d(average) ? finest : average;
}

// Not by AVFMT_VARIABLE_FPS: even mp4 does not claim it.
static bool has_one_rate(const AVOutputFormat *container) {
    static const char *const named = "yuv4mpegpipe,mxf,mxf_d10,mxf_opatom,gxf,dv,swf,amv,roq";
    // A sequence of pictures has no time: one picture a frame is what is wanted of it.
    bool pictures = av_match_name(container->name, "image2,image2pipe,null");
    return av_match_name(container->name, named) ||
           (container->flags & AVFMT_NOTIMESTAMPS && !pictures);
}

// Coders to whom a tick of the clock is a frame.
static bool counts_ticks(enum AVCodecID codec) {
    return codec == AV_CODEC_ID_THEORA || codec == AV_CODEC_ID_DVVIDEO ||
           codec == AV_CODEC_ID_DIRAC;
}

static AVRational constant_rate(const AVCodecContext *context, const AVOutputFormat *container,
                                const cgv_sink_params *params, const cgv_source_info *source) {
    const AVRational *rates = cgv_av_frame_rates(context->codec);
    AVRational rate = params->rate.num ? params->rate : nominal_rate(source);
    bool wanted = params->rate.num || params->sync == CGV_SYNC_CFR;
    if (params->sync == CGV_SYNC_AUTO)
        wanted |= rates || has_one_rate(container) || counts_ticks(context->codec_id);
    if (rates)
        rate = rates[av_find_nearest_q_idx(rate, rates)];
    // Browsers show GIFs of more than 50 pictures a second at 10.
    if (context->codec_id == AV_CODEC_ID_GIF && !params->rate.num && av_q2d(rate) > 50) {
        rate = (AVRational){50, 1};
        wanted |= params->sync == CGV_SYNC_AUTO;
    }
    return wanted ? rate : (AVRational){0, 1};
}

// The input's clock, so that variable frame rates pass through, unless container or encoder want a
// constant or a coarse one.
static void set_clock(cgv_encoder *encoder, const AVOutputFormat *container,
                      const cgv_sink_params *params, const cgv_source_info *source) {
    AVCodecContext *context = encoder->context;
    encoder->rate = constant_rate(context, container, params, source);
    encoder->drop_late = params->sync == CGV_SYNC_VFR;
    context->framerate = encoder->rate.num  ? encoder->rate
                         : source->rate.num ? source->rate
                                            : (AVRational){25, 1};
    context->time_base = source->first->time_base;
    if (encoder->rate.num) {
        context->time_base = av_inv_q(encoder->rate);
    } else if (av_match_name("avi", container->name)) {
        // It stores every tick, as an empty frame where there is none.
        context->time_base = av_inv_q(nominal_rate(source));
        encoder->drop_late = true;
    } else if (context->codec_id == AV_CODEC_ID_MPEG4 && context->time_base.den > 65535) {
        context->time_base = (AVRational){1, 60000};
    }
}

// Whether coder or container say that YCbCr has full range. Without a word it is taken for limited.
static bool says_full_range(enum AVCodecID codec, const AVOutputFormat *container) {
    switch (codec) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
        return true;
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_PRORES:
        return false; // whatever the container says
    default:
        // Who reads bare pictures or sums of them knows what they are.
        return container->flags & AVFMT_NOTIMESTAMPS ||
               av_match_name(container->name, "matroska,webm,yuv4mpegpipe,md5,framemd5,hash,"
                                              "framehash,streamhash,crc,framecrc");
    }
}

static cgv_colour_rule colour_rule(enum AVCodecID codec, const AVOutputFormat *container) {
    return codec == AV_CODEC_ID_MJPEG || codec == AV_CODEC_ID_LJPEG ? CGV_COLOUR_JFIF
           : codec == AV_CODEC_ID_WEBP                              ? CGV_COLOUR_WEBP
           : says_full_range(codec, container)                      ? CGV_COLOUR_VIDEO
                                                                    : CGV_COLOUR_LIMITED;
}

// Pictures are turned with whole chroma, or chroma subsampled alike in both directions.
static enum AVPixelFormat turnable(enum AVPixelFormat format) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    return desc->log2_chroma_w == desc->log2_chroma_h ? format
           : desc->comp[0].depth <= 8                 ? AV_PIX_FMT_YUV444P
           : desc->comp[0].depth <= 10                ? AV_PIX_FMT_YUV444P10LE
                                                      : AV_PIX_FMT_YUV444P16LE;
}

static void set_picture(cgv_encoder *encoder, enum AVPixelFormat format,
                        const AVOutputFormat *container, const cgv_source_info *source) {
    AVCodecContext *context = encoder->context;
    AVFrame *frame = encoder->format;
    enum AVPixelFormat carrier = cgv_colour_carrier(format);
    bool turned = !cgv_turn_is_none(encoder->turn), swapped = cgv_turn_swaps_sides(encoder->turn);
    cgv_colour_output(frame, source->first, swapped ? turnable(carrier) : carrier,
                      colour_rule(context->codec_id, container));
    // The only siting that is the same however the picture is turned.
    if (turned && frame->chroma_location != AVCHROMA_LOC_UNSPECIFIED)
        frame->chroma_location = AVCHROMA_LOC_CENTER;
    context->width = swapped ? frame->height : frame->width;
    context->height = swapped ? frame->width : frame->height;
    if (is_loopback(container)) { // the loopback driver takes even sides only
        context->width &= ~1;
        context->height &= ~1;
    }
    context->pix_fmt = with_j(context->codec, format);
    context->sample_aspect_ratio = source->first->sample_aspect_ratio;
    if (source->video->sample_aspect_ratio.num)
        context->sample_aspect_ratio = source->video->sample_aspect_ratio;
    if (swapped)
        context->sample_aspect_ratio =
            (AVRational){context->sample_aspect_ratio.den, context->sample_aspect_ratio.num};
    context->color_range = frame->color_range;
    context->colorspace = frame->colorspace;
    context->color_primaries = frame->color_primaries;
    context->color_trc = frame->color_trc;
    context->chroma_sample_location = frame->chroma_location;
    context->field_order = AV_FIELD_PROGRESSIVE;
}

static cgv_status open_context(cgv_encoder *encoder, const AVCodec *codec,
                               const AVOutputFormat *container, const cgv_sink_params *params,
                               const cgv_source_info *source) {
    AVDictionary *options = NULL;
    AVCodecContext *context = encoder->context = avcodec_alloc_context3(codec);
    if (!context)
        return cgv_fail(CGV_ERROR_MEMORY, "encode: out of memory");
    set_clock(encoder, container, params, source);
    set_picture(encoder, encoder->pixel_format, container, source);
    context->thread_count = params->threads;
    if (container->flags & AVFMT_GLOBALHEADER)
        context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    cgv_status status = set_quality(context, &options, params);
    if (status)
        goto done;
    default_speed(codec, &options);
    if (params->live)
        cgv_encoder_live(context, &options, params);
    allow_alpha(codec, encoder->pixel_format, &options);
    if (params->options)
        av_dict_copy(&options, params->options->video, 0);
    status = cgv_encoder_hush(codec, &options);
    if (!status && params->segmented)
        status = cgv_encoder_repeat(codec, &options);
    if (status)
        goto done;
    cgv_av_clear_error();
    int error = avcodec_open2(context, codec, &options);
    if (error < 0)
        status = cgv_encoder_refused(codec, context, error);
done:
    av_dict_free(&encoder->unused);
    encoder->unused = options;
    return status;
}

cgv_status cgv_encoder_open(cgv_encoder *encoder, const AVCodec *codec,
                            const AVOutputFormat *container, const cgv_sink_params *params,
                            const cgv_source_info *source) {
    encoder->last_pts = INT64_MIN;
    encoder->turn = cgv_carry_turn(container, source);
    encoder->format = av_frame_alloc();
    if (!encoder->format)
        return cgv_fail(CGV_ERROR_MEMORY, "encode: out of memory");
    cgv_status status = cgv_convert_create(&encoder->convert);
    if (!status)
        status = cgv_convert_create(&encoder->recolour);
    if (!status)
        status = choose_pixel_format(&encoder->pixel_format, codec, container, params,
                                     source->first, encoder->turn);
    return status ? status : open_context(encoder, codec, container, params, source);
}

cgv_status cgv_encoder_restart(cgv_encoder *encoder, const AVOutputFormat *container,
                               const cgv_sink_params *params, const cgv_source_info *source) {
    const AVCodec *codec = encoder->context->codec;
    avcodec_free_context(&encoder->context);
    encoder->shown_count = 0;
    return open_context(encoder, codec, container, params, source);
}

static cgv_status remember(cgv_encoder *encoder, struct cgv_shown frame) {
    if (encoder->shown_count == encoder->shown_room) {
        int room = encoder->shown_room ? 2 * encoder->shown_room : 64;
        struct cgv_shown *grown = realloc(encoder->shown, (size_t)room * sizeof *grown);
        if (!grown)
            return cgv_fail(CGV_ERROR_MEMORY, "encode: out of memory");
        encoder->shown = grown;
        encoder->shown_room = room;
    }
    encoder->shown[encoder->shown_count++] = frame;
    return CGV_OK;
}

static struct cgv_shown recall(cgv_encoder *encoder, int64_t pts) {
    for (int i = 0; i < encoder->shown_count; i++) {
        if (encoder->shown[i].pts != pts)
            continue;
        struct cgv_shown frame = encoder->shown[i];
        encoder->shown[i] = encoder->shown[--encoder->shown_count];
        return frame;
    }
    return (struct cgv_shown){.pts = pts};
}

// What the encoder dropped will not come: no packet is shown before it is decoded, and the times of
// decoding only grow.
static void forget(cgv_encoder *encoder, int64_t dts) {
    int kept = 0;
    for (int i = 0; i < encoder->shown_count; i++)
        if (dts == AV_NOPTS_VALUE || encoder->shown[i].pts >= dts)
            encoder->shown[kept++] = encoder->shown[i];
    encoder->shown_count = kept;
}

// CGV_END: the frame is to be dropped.
static cgv_status set_times(cgv_encoder *encoder, AVFrame *frame) {
    AVRational base = encoder->context->time_base;
    int64_t duration = av_rescale_q(cgv_av_frame_duration(frame), frame->time_base, base);
    frame->pts = av_rescale_q(frame->pts, frame->time_base, base);
    if (encoder->drop_late && encoder->last_pts != INT64_MIN && frame->pts <= encoder->last_pts)
        return CGV_END;
    // Damaged inputs repeat timestamps; an encoder refuses them, and no frame may be lost.
    if (encoder->last_pts != INT64_MIN && frame->pts <= encoder->last_pts)
        frame->pts = encoder->last_pts + 1;
    encoder->last_pts = frame->pts;
    frame->time_base = base;
    cgv_av_frame_set_duration(frame, duration);
    return remember(encoder,
                    (struct cgv_shown){frame->pts, duration, cgv_av_frame_captured(frame)});
}

cgv_status cgv_encoder_send(cgv_encoder *encoder, AVFrame *frame) {
    cgv_status status = CGV_OK;
    if (frame) {
        status = set_times(encoder, frame);
        if (!status)
            status = cgv_convert_like(encoder->recolour, &frame, encoder->format);
        if (!status && !cgv_turn_is_none(encoder->turn))
            status = cgv_turn_frame(&frame, encoder->turn);
        if (!status)
            status = cgv_convert_frame(encoder->convert, &frame,
                                       cgv_colour_without_j(encoder->context->pix_fmt));
        if (status)
            goto done;
        // The last row or column of a picture goes where only even sides are taken.
        frame->width = encoder->context->width;
        frame->height = encoder->context->height;
        frame->format = encoder->context->pix_fmt;
        frame->pict_type = AV_PICTURE_TYPE_NONE;           // the encoder's choice, not the input's
        frame->quality = encoder->context->global_quality; // where it reads a constant quantiser
    }
    cgv_av_clear_error();
    int error = cgv_fault(CGV_FAULT_ENCODE) ? AVERROR_EXTERNAL
                                            : avcodec_send_frame(encoder->context, frame);
    if (error < 0)
        status = cgv_av_fail(error, "encode: %s failed", encoder->context->codec->name);
done:
    av_frame_free(&frame);
    return status == CGV_END ? CGV_OK : status;
}

cgv_status cgv_encoder_receive(cgv_encoder *encoder, AVPacket *packet, int64_t *captured) {
    int error = avcodec_receive_packet(encoder->context, packet);
    if (error == AVERROR(EAGAIN))
        return CGV_AGAIN;
    if (error == AVERROR_EOF)
        return CGV_END;
    if (error < 0)
        return cgv_av_fail(error, "encode: %s failed", encoder->context->codec->name);
    struct cgv_shown shown = recall(encoder, packet->pts);
    forget(encoder, packet->dts);
    *captured = shown.captured;
    if (shown.duration > 0)
        packet->duration = shown.duration;
    return CGV_OK;
}

void cgv_encoder_close(cgv_encoder *encoder) {
    avcodec_free_context(&encoder->context);
    av_dict_free(&encoder->unused);
    av_frame_free(&encoder->format);
    cgv_convert_destroy(&encoder->convert);
    cgv_convert_destroy(&encoder->recolour);
    free(encoder->shown);
    *encoder = (cgv_encoder){0};
}
