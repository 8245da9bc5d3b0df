#include "video/reencode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>

#include "video/av.h"

enum { SUBTITLE_BYTES = 1 << 16 };

struct cgv_reencode {
    cgv_reencode_params params;
    int index; // of the input stream, for messages
    AVCodecContext *decoder, *encoder;
    // Sound:
    AVFilterGraph *graph;
    AVFilterContext *source, *sink; // its ends
    AVFrame *frame;                 // that was decoded
    AVFrame *filtered;              // behind a graph
    AVAudioFifo *samples;           // from graphs, for frames of the encoder's size
    int64_t first;       // time of the first of them, or of the next, by the encoder's clock
    bool begun, drained; // samples came; no more will come
    int64_t expected;    // time of the next frame, if it follows the last one; AV_NOPTS_VALUE
    // Subtitles: the packet that waits to be received
    AVPacket *packet;
    bool damaged, ended;
};

static cgv_status out_of_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "mux: out of memory");
}

static bool is_sound(const cgv_reencode *stream) {
    return stream->encoder->codec_type == AVMEDIA_TYPE_AUDIO;
}

// Once.
static void warn_lost(cgv_reencode *stream, const char *what) {
    if (!stream->damaged)
        cgv_log(CGV_LOG_WARNING, "%s in stream %d; going on", what, stream->index);
    stream->damaged = true;
}

// ---- opening

static cgv_status open_decoder(cgv_reencode *stream, const AVStream *from) {
    const AVCodec *codec = avcodec_find_decoder(from->codecpar->codec_id);
    if (!codec)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "decode: this FFmpeg has no decoder for %s (stream "
                        "%d)",
                        avcodec_get_name(from->codecpar->codec_id), from->index);
    stream->decoder = avcodec_alloc_context3(codec);
    if (!stream->decoder)
        return out_of_memory();
    cgv_av_clear_error();
    int error = avcodec_parameters_to_context(stream->decoder, from->codecpar);
    stream->decoder->pkt_timebase = stream->params.clock;
    if (error >= 0)
        error = avcodec_open2(stream->decoder, codec, NULL);
    return error < 0
               ? cgv_av_fail(error, "decode: cannot open %s (stream %d)", codec->name, from->index)
               : CGV_OK;
}

static int nearest_rate(const AVCodec *codec, int rate) {
    const int *rates = cgv_av_sample_rates(codec);
    int best = rates ? rates[0] : rate;
    for (; rates && *rates; rates++)
        if (abs(*rates - rate) < abs(best - rate))
            best = *rates;
    return best;
}

// The same speakers where the encoder knows them, else its best of no more channels.
static int choose_layout(AVChannelLayout *out, const AVCodec *codec, const AVChannelLayout *in) {
    const AVChannelLayout *best = NULL;
    AVChannelLayout plain = {0};
    if (in->order == AV_CHANNEL_ORDER_UNSPEC) {
        av_channel_layout_default(&plain, in->nb_channels);
        in = &plain;
    }
    const AVChannelLayout *list = cgv_av_channel_layouts(codec);
    for (const AVChannelLayout *l = list; l && l->nb_channels; l++) {
        if (!av_channel_layout_compare(l, in))
            return av_channel_layout_copy(out, l);
        if (l->nb_channels <= in->nb_channels && (!best || l->nb_channels > best->nb_channels))
            best = l;
    }
    return av_channel_layout_copy(out, !list ? in : best ? best : list);
}

static void set_sound(AVCodecContext *encoder, const AVCodec *codec, AVDictionary **options,
                      int sample_rate, const AVCodecContext *decoder) {
    const enum AVSampleFormat *formats = cgv_av_sample_formats(codec);
    const AVDictionaryEntry *rate = av_dict_get(*options, "ar", NULL, 0);
    const AVDictionaryEntry *channels = av_dict_get(*options, "ac", NULL, 0);
    AVChannelLayout wanted = {0};
    encoder->sample_rate = nearest_rate(codec, rate          ? atoi(rate->value)
                                               : sample_rate ? sample_rate
                                                             : decoder->sample_rate);
    encoder->sample_fmt = formats ? formats[0] : decoder->sample_fmt;
    for (; formats && *formats != AV_SAMPLE_FMT_NONE; formats++)
        if (*formats == decoder->sample_fmt)
            encoder->sample_fmt = *formats;
    if (channels && atoi(channels->value) > 0)
        av_channel_layout_default(&wanted, atoi(channels->value));
    choose_layout(&encoder->ch_layout, codec, wanted.nb_channels ? &wanted : &decoder->ch_layout);
    av_dict_set(options, "ar", NULL, 0);
    av_dict_set(options, "ac", NULL, 0);
    encoder->time_base = (AVRational){1, encoder->sample_rate};
    // libav's default is meant for stereo.
    if (!av_dict_get(*options, "b", NULL, 0) && encoder->ch_layout.nb_channels > 2 &&
        (codec->id == AV_CODEC_ID_AAC || codec->id == AV_CODEC_ID_AC3))
        encoder->bit_rate = 64000LL * encoder->ch_layout.nb_channels;
}

static cgv_status set_subtitles(AVCodecContext *encoder, const AVCodecContext *decoder) {
    encoder->time_base = AV_TIME_BASE_Q;
    if (!decoder->subtitle_header)
        return CGV_OK;
    size_t size = (size_t)decoder->subtitle_header_size;
    encoder->subtitle_header = av_mallocz(size + 1);
    if (!encoder->subtitle_header)
        return out_of_memory();
    memcpy(encoder->subtitle_header, decoder->subtitle_header, size);
    encoder->subtitle_header_size = decoder->subtitle_header_size;
    return CGV_OK;
}

static cgv_status open_encoder(cgv_reencode *stream) {
    const AVCodec *codec = stream->params.codec;
    AVCodecContext *encoder = stream->encoder = avcodec_alloc_context3(codec);
    AVDictionary *options = NULL;
    if (!encoder || av_dict_copy(&options, stream->params.options, 0) < 0)
        return out_of_memory();
    if (stream->params.bit_rate)
        av_dict_set(&options, "b", stream->params.bit_rate, 0);
    cgv_status status = CGV_OK;
    if (codec->type == AVMEDIA_TYPE_AUDIO)
        set_sound(encoder, codec, &options, stream->params.sample_rate, stream->decoder);
    else
        status = set_subtitles(encoder, stream->decoder);
    if (stream->params.global_header)
        encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    encoder->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    cgv_av_clear_error();
    int error = status ? 0 : avcodec_open2(encoder, codec, &options);
    const AVDictionaryEntry *unused = av_dict_get(options, "", NULL, AV_DICT_IGNORE_SUFFIX);
    if (error < 0)
        status =
            cgv_av_fail(error, "encode: cannot open %s (stream %d)", codec->name, stream->index);
    else if (!status && unused)
        status =
            cgv_fail(CGV_ERROR_ARGUMENT, "encode: %s has no option -%s", codec->name, unused->key);
    av_dict_free(&options);
    return status;
}

static bool make_room(cgv_reencode *stream) {
    const AVCodecContext *encoder = stream->encoder;
    stream->samples =
        av_audio_fifo_alloc(encoder->sample_fmt, encoder->ch_layout.nb_channels, 1); // it grows
    return stream->samples;
}

cgv_status cgv_reencode_open(cgv_reencode **out, AVStream *to, const AVStream *from,
                             const cgv_reencode_params *params) {
    *out = NULL;
    cgv_reencode *stream = calloc(1, sizeof *stream);
    if (!stream)
        return out_of_memory();
    stream->params = *params;
    stream->index = from->index;
    stream->expected = AV_NOPTS_VALUE;
    stream->frame = av_frame_alloc();
    stream->packet = av_packet_alloc();
    stream->filtered = av_frame_alloc();
    cgv_status status =
        stream->frame && stream->filtered && stream->packet ? CGV_OK : out_of_memory();
    if (!status)
        status = open_decoder(stream, from);
    if (!status)
        status = open_encoder(stream);
    if (!status && is_sound(stream) && !make_room(stream))
        status = out_of_memory();
    if (!status && avcodec_parameters_from_context(to->codecpar, stream->encoder) < 0)
        status = out_of_memory();
    if (status) {
        cgv_reencode_close(&stream);
        return status;
    }
    to->time_base = stream->encoder->time_base;
    *out = stream;
    return CGV_OK;
}

void cgv_reencode_close(cgv_reencode **handle) {
    cgv_reencode *stream = *handle;
    if (!stream)
        return;
    avfilter_graph_free(&stream->graph);
    if (stream->samples)
        av_audio_fifo_free(stream->samples);
    avcodec_free_context(&stream->decoder);
    avcodec_free_context(&stream->encoder);
    av_frame_free(&stream->frame);
    av_frame_free(&stream->filtered);
    av_packet_free(&stream->packet);
    free(stream);
    *handle = NULL;
}

// ---- sound

static int64_t next_sample(const cgv_reencode *stream) {
    return stream->first + av_audio_fifo_size(stream->samples);
}

// What lies between decoder and encoder: gaps filled, the cut made to the sample, the encoder's
// format. in_rate: of what comes, in whose samples the beginning is told.
static void describe_graph(char *text, size_t size, const cgv_reencode *stream, int in_rate) {
    const AVCodecContext *encoder = stream->encoder;
    char layout[128], cut[64] = "", end[64] = "", first[64] = "";
    if (stream->begun) // behind another graph: where that one ended
        snprintf(first, sizeof first, ":first_pts=%" PRId64,
                 av_rescale_rnd(next_sample(stream), in_rate, encoder->sample_rate, AV_ROUND_UP));
    else if (stream->params.from_zero)
        snprintf(first, sizeof first, ":first_pts=0");
    av_channel_layout_describe(&encoder->ch_layout, layout, sizeof layout);
    if (stream->params.cut)
        snprintf(cut, sizeof cut, "atrim=start=0,");
    if (stream->params.length != INT64_MAX)
        snprintf(end, sizeof end, "atrim=end=%.6f,", (double)stream->params.length / 1e6);
    snprintf(text, size,
             "aresample=async=1%s,%s%saformat=sample_fmts=%s:sample_rates=%d:channel_layouts=%s",
             first, cut, end, av_get_sample_fmt_name(encoder->sample_fmt), encoder->sample_rate,
             layout);
}

static int link_graph(cgv_reencode *stream, const char *text) {
    AVFilterInOut *in = avfilter_inout_alloc(), *out = avfilter_inout_alloc();
    int error = AVERROR(ENOMEM);
    if (in && out) {
        *out = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = stream->source};
        *in = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = stream->sink};
        error = avfilter_graph_parse_ptr(stream->graph, text, &in, &out, NULL);
    }
    avfilter_inout_free(&in);
    avfilter_inout_free(&out);
    return error < 0 ? error : avfilter_graph_config(stream->graph, NULL);
}

static cgv_status make_graph(cgv_reencode *stream, const AVFrame *frame) {
    char text[512], from[256], layout[128];
    AVRational base = stream->decoder->pkt_timebase;
    avfilter_graph_free(&stream->graph);
    stream->graph = avfilter_graph_alloc();
    if (!stream->graph)
        return out_of_memory();
    AVChannelLayout plain = {0};
    const AVChannelLayout *speakers = &frame->ch_layout;
    if (speakers->order == AV_CHANNEL_ORDER_UNSPEC) {
        av_channel_layout_default(&plain, speakers->nb_channels);
        speakers = &plain;
    }
    av_channel_layout_describe(speakers, layout, sizeof layout);
    snprintf(from, sizeof from, "time_base=%d/%d:sample_rate=%d:sample_fmt=%s:channel_layout=%s",
             base.num, base.den, frame->sample_rate, av_get_sample_fmt_name(frame->format), layout);
    describe_graph(text, sizeof text, stream, frame->sample_rate);
    cgv_av_clear_error();
    int error = avfilter_graph_create_filter(&stream->source, avfilter_get_by_name("abuffer"), "in",
                                             from, NULL, stream->graph);
    if (error >= 0)
        error = avfilter_graph_create_filter(&stream->sink, avfilter_get_by_name("abuffersink"),
                                             "out", NULL, NULL, stream->graph);
    if (error >= 0)
        error = link_graph(stream, text);
    if (error < 0)
        return cgv_av_fail(error, "encode: cannot convert the sound of stream %d", stream->index);
    return CGV_OK;
}

// Move what a graph has ready to the other samples, up to a frame of the encoder. CGV_AGAIN: it
// wants more; CGV_END: it has ended.
static cgv_status take_samples(cgv_reencode *stream) {
    AVFrame *frame = stream->filtered;
    int error = av_buffersink_get_frame(stream->sink, frame);
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF)
        return error == AVERROR_EOF ? CGV_END : CGV_AGAIN;
    if (error >= 0 && !av_audio_fifo_size(stream->samples) && frame->pts != AV_NOPTS_VALUE)
        stream->first = av_rescale_q(frame->pts, av_buffersink_get_time_base(stream->sink),
                                     stream->encoder->time_base);
    if (error >= 0)
        error =
            av_audio_fifo_write(stream->samples, (void **)frame->extended_data, frame->nb_samples);
    stream->begun = true;
    av_frame_unref(frame);
    return error < 0 ? cgv_av_fail(error, "encode: the sound of stream %d", stream->index) : CGV_OK;
}

// Another graph follows: nothing of this one is lost.
static cgv_status drain_graph(cgv_reencode *stream) {
    int error = av_buffersrc_add_frame(stream->source, NULL);
    cgv_status status =
        error < 0 && error != AVERROR_EOF
            ? cgv_av_fail(error, "encode: cannot convert the sound of stream %d", stream->index)
            : CGV_OK;
    while (!status)
        status = take_samples(stream);
    return status == CGV_END || status == CGV_AGAIN ? CGV_OK : status;
}

// Sound may change its format in the middle: broadcasts switch between stereo and surround.
static bool fits_graph(const cgv_reencode *stream, const AVFrame *frame) {
    return stream->graph && stream->source->outputs[0]->sample_rate == frame->sample_rate &&
           stream->source->outputs[0]->format == frame->format &&
           stream->source->outputs[0]->ch_layout.nb_channels == frame->ch_layout.nb_channels;
}

// The first graph, or another one.
static cgv_status change_graph(cgv_reencode *stream) {
    if (fits_graph(stream, stream->frame))
        return CGV_OK;
    cgv_status status = stream->graph ? drain_graph(stream) : CGV_OK;
    return status ? status : make_graph(stream, stream->frame);
}

// A frame without a time, or with one hours away, which would become hours of silence, follows the
// last one.
static void mend_time(cgv_reencode *stream, AVFrame *frame) {
    const AVRational clock = stream->params.clock, second = {1, 1};
    const int64_t hour = av_rescale_q(3600, second, clock);
    if (stream->expected != AV_NOPTS_VALUE && frame->pts != AV_NOPTS_VALUE &&
        (frame->pts > av_sat_add64(stream->expected, hour) ||
         frame->pts < av_sat_sub64(stream->expected, hour))) {
        warn_lost(stream, "times hours away from the others");
        frame->pts = AV_NOPTS_VALUE;
    }
    if (frame->pts == AV_NOPTS_VALUE)
        frame->pts = stream->expected;
    if (frame->pts != AV_NOPTS_VALUE && frame->sample_rate > 0)
        stream->expected =
            av_sat_add64(frame->pts, av_rescale_q(frame->nb_samples,
                                                  (AVRational){1, frame->sample_rate}, clock));
}

static cgv_status filter_frames(cgv_reencode *stream) {
    AVFrame *frame = stream->frame;
    while (avcodec_receive_frame(stream->decoder, frame) >= 0) {
        frame->pts = frame->best_effort_timestamp;
        mend_time(stream, frame);
        cgv_status status = change_graph(stream);
        if (!status && frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
            av_channel_layout_default(&frame->ch_layout, frame->ch_layout.nb_channels);
        cgv_av_clear_error();
        int error = status ? 0 : av_buffersrc_add_frame(stream->source, frame);
        av_frame_unref(frame);
        if (error < 0)
            status =
                cgv_av_fail(error, "encode: cannot convert the sound of stream %d", stream->index);
        if (status)
            return status;
    }
    return CGV_OK;
}

// Hand the encoder its next frame, of `count` samples.
static int send_samples(cgv_reencode *stream, int count) {
    AVCodecContext *encoder = stream->encoder;
    AVFrame *frame = stream->filtered;
    frame->nb_samples = count;
    frame->format = encoder->sample_fmt;
    frame->sample_rate = encoder->sample_rate;
    frame->pts = stream->first;
    int error = av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
    if (error >= 0)
        error = av_frame_get_buffer(frame, 0);
    if (error >= 0)
        error = av_audio_fifo_read(stream->samples, (void **)frame->extended_data, count);
    if (error >= 0)
        error = avcodec_send_frame(encoder, frame);
    stream->first += count;
    av_frame_unref(frame);
    return error;
}

static cgv_status encode_sound(cgv_reencode *stream) {
    const AVCodecContext *encoder = stream->encoder;
    bool any_size = encoder->codec->capabilities & AV_CODEC_CAP_VARIABLE_FRAME_SIZE;
    int size = any_size ? 0 : encoder->frame_size, ready;
    if (!stream->graph)
        return stream->ended ? CGV_END : CGV_AGAIN;
    while (!(ready = av_audio_fifo_size(stream->samples)) || ready < size) {
        cgv_status status = stream->drained ? CGV_END : take_samples(stream);
        stream->drained |= status == CGV_END;
        if (stream->drained)
            break;
        if (status)
            return status;
    }
    cgv_av_clear_error();
    int error = ready ? send_samples(stream, size ? FFMIN(ready, size) : ready)
                      : avcodec_send_frame(stream->encoder, NULL);
    return error < 0 ? cgv_av_fail(error, "encode: %s failed", encoder->codec->name) : CGV_OK;
}

static cgv_status receive_sound(cgv_reencode *stream, AVPacket *packet) {
    for (;;) {
        int error = avcodec_receive_packet(stream->encoder, packet);
        packet->time_base = stream->encoder->time_base;
        if (error >= 0)
            return CGV_OK;
        if (error == AVERROR_EOF)
            return CGV_END;
        if (error != AVERROR(EAGAIN))
            return cgv_av_fail(error, "encode: %s failed", stream->encoder->codec->name);
        cgv_status status = encode_sound(stream);
        if (status)
            return status;
    }
}

// ---- subtitles

static cgv_status encode_subtitle(cgv_reencode *stream, AVSubtitle *subtitle) {
    if (av_new_packet(stream->packet, SUBTITLE_BYTES) < 0)
        return out_of_memory();
    // The time is the packet's alone.
    stream->packet->pts = subtitle->pts + av_rescale(subtitle->start_display_time, 1000, 1);
    stream->packet->duration =
        av_rescale(subtitle->end_display_time - subtitle->start_display_time, 1000, 1);
    subtitle->pts = stream->packet->pts;
    subtitle->end_display_time -= subtitle->start_display_time;
    subtitle->start_display_time = 0;
    cgv_av_clear_error();
    int size =
        avcodec_encode_subtitle(stream->encoder, stream->packet->data, SUBTITLE_BYTES, subtitle);
    if (size < 0)
        warn_lost(stream, "encode: a subtitle that the encoder cannot hold");
    if (size <= 0) { // 0: nothing of it would be seen
        av_packet_unref(stream->packet);
        return CGV_OK;
    }
    av_shrink_packet(stream->packet, size);
    stream->packet->dts = stream->packet->pts;
    stream->packet->time_base = AV_TIME_BASE_Q;
    return CGV_OK;
}

static cgv_status send_subtitle(cgv_reencode *stream, const AVPacket *packet) {
    AVSubtitle subtitle;
    int got = 0;
    av_packet_unref(stream->packet);
    int error = avcodec_decode_subtitle2(stream->decoder, &subtitle, &got, (AVPacket *)packet);
    if (error < 0)
        warn_lost(stream, "decode: a damaged subtitle");
    if (error < 0 || !got)
        return CGV_OK;
    if (subtitle.pts == AV_NOPTS_VALUE)
        subtitle.pts = av_rescale_q(packet->pts, packet->time_base, AV_TIME_BASE_Q);
    if (subtitle.end_display_time == UINT32_MAX ||
        subtitle.end_display_time <= subtitle.start_display_time)
        subtitle.end_display_time =
            subtitle.start_display_time +
            (uint32_t)av_rescale_q(packet->duration, packet->time_base, (AVRational){1, 1000});
    cgv_status status = subtitle.num_rects ? encode_subtitle(stream, &subtitle) : CGV_OK;
    avsubtitle_free(&subtitle);
    return status;
}

static cgv_status receive_subtitle(cgv_reencode *stream, AVPacket *packet) {
    if (!stream->packet->data)
        return stream->ended ? CGV_END : CGV_AGAIN;
    av_packet_move_ref(packet, stream->packet);
    return CGV_OK;
}

// ----

cgv_status cgv_reencode_send(cgv_reencode *stream, const AVPacket *packet) {
    stream->ended = !packet;
    if (!is_sound(stream))
        return packet ? send_subtitle(stream, packet) : CGV_OK;
    int error = avcodec_send_packet(stream->decoder, packet);
    if (error < 0 && error != AVERROR_EOF)
        warn_lost(stream, "decode: damaged sound");
    cgv_status status = filter_frames(stream);
    if (!status && !packet && stream->graph && av_buffersrc_add_frame(stream->source, NULL) < 0)
        status = out_of_memory();
    return status;
}

cgv_status cgv_reencode_receive(cgv_reencode *stream, AVPacket *packet) {
    return is_sound(stream) ? receive_sound(stream, packet) : receive_subtitle(stream, packet);
}
