#include "video/source.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/pixdesc.h>

#include "video/av.h"
#include "video/colour.h"
#include "video/convert.h"

struct cgv_source {
    cgv_source_params params;
    cgv_source_info info;
    AVFormatContext *input;
    AVCodecContext *decoder;
    AVStream *video;
    AVPacket *packet;
    AVFrame *first;
    cgv_convert *convert;
    cgv_item *pending; // read while looking for the first frame
    int pending_first, pending_count, pending_room;
    bool *stream_ended;    // past the end of the wanted part
    int64_t start, end;    // wanted part, microseconds on the input's clock; end INT64_MAX: all
    int64_t next_pts;      // expected timestamp of the next frame, stream time base
    bool demuxed, flushed; // no more packets; no more frames
    bool warned_damaged, warned_interlaced;
    cgv_source_errors errors;
};

static int interrupted(void *opaque) {
    const cgv_source *source = opaque;
    return source->params.stop && atomic_load(source->params.stop);
}

static cgv_status open_input(cgv_source *source) {
    const cgv_source_params *params = &source->params;
    const char *url = strcmp(params->url, "-") ? params->url : "pipe:0";
    const AVInputFormat *format = NULL;
    if (params->format && !(format = av_find_input_format(params->format)))
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: no such input format: -f %s", params->url,
                        params->format);
    source->input = avformat_alloc_context();
    if (!source->input)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
    source->input->interrupt_callback = (AVIOInterruptCB){interrupted, source};
    AVDictionary *options = NULL;
    if (params->rate)
        av_dict_set(&options, "framerate", params->rate, 0);
    cgv_av_clear_error();
    int error = avformat_open_input(&source->input, url, format, &options);
    bool unused = av_dict_count(options) > 0;
    av_dict_free(&options);
    if (error < 0)
        return cgv_av_fail(error, "%s: cannot open", params->url);
    if (unused)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: -r before -i is for picture sequences and raw video; put it after -i "
                        "for the output's rate",
                        params->url);
    error = avformat_find_stream_info(source->input, NULL);
    if (error < 0)
        return cgv_av_fail(error, "%s: cannot read its streams", params->url);
    return CGV_OK;
}

// As ffmpeg picks: the largest picture that is no cover art and has a decoder.
static cgv_status choose_video(cgv_source *source) {
    int64_t best = -1;
    bool undecodable = false;
    for (unsigned i = 0; i < source->input->nb_streams; i++) {
        AVStream *stream = source->input->streams[i];
        const AVCodecParameters *codec = stream->codecpar;
        if (codec->codec_type != AVMEDIA_TYPE_VIDEO ||
            stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
            continue;
        if (!avcodec_find_decoder(codec->codec_id)) {
            undecodable = true;
            continue;
        }
        int64_t score = (int64_t)codec->width * codec->height +
                        (stream->disposition & AV_DISPOSITION_DEFAULT ? 5000000 : 0);
        if (score > best) {
            best = score;
            source->video = stream;
        }
    }
    if (source->video)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: %s", source->params.url,
                    undecodable ? "this FFmpeg has no decoder for its video" : "no video in it");
}

static bool wanted(const cgv_source *source, const AVStream *stream) {
    switch (stream->codecpar->codec_type) {
    case AVMEDIA_TYPE_VIDEO:
        return stream == source->video || stream->disposition & AV_DISPOSITION_ATTACHED_PIC;
    case AVMEDIA_TYPE_AUDIO:
        return !source->params.no_audio;
    case AVMEDIA_TYPE_SUBTITLE:
        return !source->params.no_subtitles;
    default:
        return true;
    }
}

static cgv_status open_decoder(cgv_source *source) {
    const AVCodecParameters *parameters = source->video->codecpar;
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    AVCodecContext *decoder = source->decoder = avcodec_alloc_context3(codec);
    if (!decoder)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", source->params.url);
    cgv_av_clear_error();
    int error = avcodec_parameters_to_context(decoder, parameters);
    decoder->pkt_timebase = source->video->time_base;
    decoder->framerate = av_guess_frame_rate(source->input, source->video, NULL);
    decoder->thread_count = source->params.threads;
    decoder->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
    if (error >= 0)
        error = avcodec_open2(decoder, codec, NULL);
    if (error < 0)
        return cgv_av_fail(error, "%s: decode: cannot open %s", source->params.url, codec->name);
    return CGV_OK;
}

// Frames before the wanted start are decoded and dropped, so landing early only costs time.
static void seek(cgv_source *source) {
    if (!source->params.start)
        return;
    int64_t target = source->start;
    if (!(source->input->iformat->flags & AVFMT_SEEK_TO_PTS) &&
        source->video->codecpar->video_delay)
        target -= 3 * AV_TIME_BASE / 23; // indexed by decoding time: allow for reordered frames
    if (avformat_seek_file(source->input, -1, INT64_MIN, target, target, 0) < 0)
        cgv_log(CGV_LOG_VERBOSE, "%s: cannot seek: decoding from the beginning",
                source->params.url);
}

static void fill_info(cgv_source *source) {
    cgv_source_info *info = &source->info;
    const AVFormatContext *input = source->input;
    int64_t origin = input->start_time == AV_NOPTS_VALUE ? 0 : input->start_time;
    source->start = origin + source->params.start;
    source->end =
        source->params.length == INT64_MAX ? INT64_MAX : source->start + source->params.length;
    AVRational rate = source->video->avg_frame_rate;
    if (!rate.num || !rate.den)
        rate = av_guess_frame_rate(source->input, source->video, NULL);
    *info = (cgv_source_info){
        .input = input,
        .video = source->video,
        .rate = rate.num && rate.den ? rate : (AVRational){0, 1},
        .shift = source->start,
        .wanted = source->params.length,
    };
    if (input->duration != AV_NOPTS_VALUE)
        info->length = FFMAX(input->duration - source->params.start, 0);
    if (source->params.length != INT64_MAX)
        info->length =
            info->length ? FFMIN(info->length, source->params.length) : source->params.length;
}

static void count_damaged(cgv_source *source) {
    source->errors.damaged++;
    if (!source->warned_damaged)
        cgv_log(CGV_LOG_WARNING, "%s: decode: damaged data; going on with what can be decoded",
                source->params.url);
    source->warned_damaged = true;
}

// Whether a packet of another stream belongs to the wanted part; shifts its times if so.
static bool trim_packet(cgv_source *source, AVPacket *packet) {
    const AVStream *stream = source->input->streams[packet->stream_index];
    if (!wanted(source, stream))
        return false;
    AVRational base = stream->time_base;
    packet->time_base = base;
    if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) {
        packet->pts = packet->dts = 0;
        return true;
    }
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (time != AV_NOPTS_VALUE) {
        if (source->params.start && av_compare_ts(time, base, source->start, AV_TIME_BASE_Q) < 0)
            return false;
        if (source->end != INT64_MAX &&
            av_compare_ts(time, base, source->end, AV_TIME_BASE_Q) >= 0) {
            source->stream_ended[packet->stream_index] = true;
            return false;
        }
    }
    int64_t shift = av_rescale_q(source->start, AV_TIME_BASE_Q, base);
    if (packet->pts != AV_NOPTS_VALUE)
        packet->pts -= shift;
    if (packet->dts != AV_NOPTS_VALUE)
        packet->dts -= shift;
    return true;
}

// Past the wanted end, reading goes on only for audio that lags behind the video.
static bool part_ended(const cgv_source *source) {
    if (source->end == INT64_MAX || !source->stream_ended[source->video->index])
        return false;
    for (unsigned i = 0; i < source->input->nb_streams; i++) {
        const AVStream *stream = source->input->streams[i];
        if (stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO && wanted(source, stream) &&
            !source->stream_ended[i])
            return false;
    }
    return true;
}

static cgv_status end_of_input(cgv_source *source, int error) {
    source->demuxed = true;
    if (error < 0 && error != AVERROR_EOF && error != AVERROR_EXIT) {
        if (error != AVERROR_INVALIDDATA)
            return cgv_av_fail(error, "%s: demux: cannot read", source->params.url);
        count_damaged(source);
    }
    if (avcodec_send_packet(source->decoder, NULL) < 0)
        source->flushed = true;
    return CGV_OK;
}

// Read one packet: decode it, hand it on in *item, or drop it.
static cgv_status demux(cgv_source *source, cgv_item *item) {
    if (interrupted(source) || part_ended(source))
        return end_of_input(source, 0);
    cgv_av_clear_error();
    int error = av_read_frame(source->input, source->packet);
    if (error == AVERROR(EAGAIN))
        return CGV_OK;
    if (error < 0)
        return end_of_input(source, error);
    cgv_status status = CGV_OK;
    int index = source->packet->stream_index;
    if (index == source->video->index) {
        if (!source->stream_ended[index]) {
            source->errors.packets++;
            error = avcodec_send_packet(source->decoder, source->packet);
            if (error == AVERROR(ENOMEM))
                status =
                    cgv_fail(CGV_ERROR_MEMORY, "%s: decode: out of memory", source->params.url);
            else if (error < 0)
                count_damaged(source);
        }
    } else if (trim_packet(source, source->packet)) {
        AVPacket *packet = av_packet_alloc();
        if (packet) {
            av_packet_move_ref(packet, source->packet);
            *item = (cgv_item){.kind = CGV_ITEM_PACKET, .packet = packet};
        } else {
            status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", source->params.url);
        }
    }
    av_packet_unref(source->packet);
    return status;
}

static void set_times(cgv_source *source, AVFrame *frame) {
    AVRational base = source->video->time_base;
    frame->time_base = base;
    frame->pts = frame->best_effort_timestamp;
    if (frame->pts == AV_NOPTS_VALUE)
        frame->pts = source->next_pts;
    int64_t duration = cgv_av_frame_duration(frame);
    if (duration <= 0) {
        AVRational rate = source->info.rate.num ? source->info.rate : (AVRational){25, 1};
        duration = FFMAX(av_rescale_q(1, av_inv_q(rate), base), 1);
        cgv_av_frame_set_duration(frame, duration);
    }
    source->next_pts = frame->pts + duration;
}

// Take a decoded frame: *keep tells whether it belongs to the wanted part.
static cgv_status accept(cgv_source *source, AVFrame **frame, bool *keep) {
    AVFrame *f = *frame;
    AVRational base = source->video->time_base;
    *keep = false;
    set_times(source, f);
    if (source->params.start && av_compare_ts(f->pts, base, source->start, AV_TIME_BASE_Q) < 0)
        return CGV_OK;
    if (source->end != INT64_MAX && av_compare_ts(f->pts, base, source->end, AV_TIME_BASE_Q) >= 0) {
        source->stream_ended[source->video->index] = true;
        source->flushed = true;
        return CGV_OK;
    }
    cgv_status status = cgv_colour_refuse_hdr(f->color_trc);
    if (status)
        return status;
    if (cgv_av_frame_interlaced(f) && !source->warned_interlaced) {
        cgv_log(CGV_LOG_WARNING,
                "%s: interlaced video is translated as whole frames; deinterlace it first to "
                "avoid combing",
                source->params.url);
        source->warned_interlaced = true;
    }
    f->pts -= av_rescale_q(source->start, AV_TIME_BASE_Q, base);
    cgv_colour_normalise(f);
    enum AVPixelFormat carrier = cgv_colour_carrier(f->format);
    if (carrier == AV_PIX_FMT_NONE)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "decode: pixel format %s is not supported",
                        av_get_pix_fmt_name(f->format));
    *keep = true;
    return cgv_convert_frame(source->convert, frame, carrier);
}

// A frame that the decoder has ready, in *item; nothing there if it has none.
static cgv_status receive(cgv_source *source, cgv_item *item) {
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", source->params.url);
    cgv_status status = CGV_OK;
    bool keep = false;
    int error = avcodec_receive_frame(source->decoder, frame);
    if (error >= 0)
        status = accept(source, &frame, &keep);
    else if (error == AVERROR_EOF)
        source->flushed = true;
    else if (error == AVERROR(ENOMEM))
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: decode: out of memory", source->params.url);
    else if (error != AVERROR(EAGAIN))
        count_damaged(source);
    if (keep && !status)
        *item = (cgv_item){.kind = CGV_ITEM_FRAME, .frame = frame, .repeat = 1};
    else
        av_frame_free(&frame);
    // Nothing to take and nothing broken: the decoder wants a packet.
    return !status && error == AVERROR(EAGAIN) && !source->demuxed ? demux(source, item) : status;
}

static cgv_status next(cgv_source *source, cgv_item *item) {
    for (;;) {
        if (source->flushed && (source->demuxed || interrupted(source) || part_ended(source)))
            return CGV_END;
        cgv_status status = source->flushed ? demux(source, item) : receive(source, item);
        if (status || item->kind != CGV_ITEM_END)
            return status;
    }
}

static cgv_status keep_pending(cgv_source *source, cgv_item item) {
    if (source->pending_count == source->pending_room) {
        int room = source->pending_room ? 2 * source->pending_room : 16;
        cgv_item *grown = realloc(source->pending, (size_t)room * sizeof *grown);
        if (!grown) {
            cgv_item_free(&item);
            return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", source->params.url);
        }
        source->pending = grown;
        source->pending_room = room;
    }
    source->pending[source->pending_count++] = item;
    return CGV_OK;
}

static cgv_status find_first_frame(cgv_source *source) {
    cgv_item item = {0};
    cgv_status status;
    while (!(status = next(source, &item))) {
        bool found = item.kind == CGV_ITEM_FRAME;
        const AVFrame *frame = item.frame;
        if (found && (!(source->first = av_frame_alloc()) ||
                      av_frame_copy_props(source->first, frame) < 0)) {
            cgv_item_free(&item);
            return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", source->params.url);
        }
        if (found) {
            source->first->format = frame->format;
            source->first->width = frame->width;
            source->first->height = frame->height;
            source->info.first = source->first;
        }
        status = keep_pending(source, item);
        if (status || found)
            return status;
        item = (cgv_item){0};
    }
    if (status != CGV_END)
        return status;
    if (interrupted(source))
        return cgv_fail(CGV_ERROR_INTERRUPTED, "%s: stopped before its first frame",
                        source->params.url);
    if (!source->next_pts || source->errors.damaged)
        return cgv_fail(CGV_ERROR_FORMAT,
                        "%s: decode: none of its %lld video packets could be "
                        "decoded",
                        source->params.url, (long long)source->errors.packets);
    return cgv_fail(CGV_ERROR_ARGUMENT, "%s: no frame in the part that -ss, -t and -to choose",
                    source->params.url);
}

cgv_status cgv_source_open(cgv_source **out, const cgv_source_params *params) {
    *out = NULL;
    cgv_source *source = calloc(1, sizeof *source);
    if (!source)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
    source->params = *params;
    source->packet = av_packet_alloc();
    cgv_status status = source->packet ? cgv_convert_create(&source->convert)
                                       : cgv_fail(CGV_ERROR_MEMORY, "out of memory");
    if (!status)
        status = open_input(source);
    if (!status)
        status = choose_video(source);
    if (!status)
        status = cgv_colour_refuse_hdr(source->video->codecpar->color_trc);
    if (status)
        goto fail;
    source->stream_ended = calloc(source->input->nb_streams, sizeof *source->stream_ended);
    if (!source->stream_ended) {
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
        goto fail;
    }
    for (unsigned i = 0; i < source->input->nb_streams; i++)
        if (!wanted(source, source->input->streams[i]))
            source->input->streams[i]->discard = AVDISCARD_ALL;
    status = open_decoder(source);
    if (status)
        goto fail;
    fill_info(source);
    seek(source);
    status = find_first_frame(source);
    if (status)
        goto fail;
    *out = source;
    return CGV_OK;
fail:
    cgv_source_close(&source);
    return status;
}

const cgv_source_info *cgv_source_get_info(const cgv_source *source) {
    return &source->info;
}

cgv_status cgv_source_read(cgv_source *source, cgv_item *item) {
    *item = (cgv_item){0};
    if (source->pending_first < source->pending_count) {
        *item = source->pending[source->pending_first++];
        return CGV_OK;
    }
    return next(source, item);
}

cgv_source_errors cgv_source_get_errors(const cgv_source *source) {
    return source->errors;
}

void cgv_source_close(cgv_source **handle) {
    if (!handle || !*handle)
        return;
    cgv_source *source = *handle;
    while (source->pending_first < source->pending_count)
        cgv_item_free(&source->pending[source->pending_first++]);
    free(source->pending);
    free(source->stream_ended);
    av_frame_free(&source->first);
    av_packet_free(&source->packet);
    avcodec_free_context(&source->decoder);
    avformat_close_input(&source->input);
    cgv_convert_destroy(&source->convert);
    free(source);
    *handle = NULL;
}
