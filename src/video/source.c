#include <stdlib.h>
#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/common.h>
#include <libavutil/time.h>

#include "base/fault.h"
#include "video/av.h"
#include "video/hdr.h"
#include "video/source_internal.h"

static void leave_out_unwanted(cgv_source *source) {
    for (int i = 0; i < source->known; i++)
        if (!source->wanted[i])
            source->input->streams[i]->discard = AVDISCARD_ALL;
}

static cgv_status begin_anew(cgv_source *source) {
    int video = source->video->index;
    avformat_close_input(&source->input);
    cgv_status status = cgv_source_open_input(source);
    if (!status && (int)source->input->nb_streams < source->known)
        status = cgv_fail(CGV_ERROR_IO, "%s: it changes while it is read", source->params.url);
    if (status)
        return status;
    source->info.input = source->input;
    source->video = source->selection.video = source->input->streams[video];
    source->info.video = source->video;
    leave_out_unwanted(source);
    return CGV_OK;
}

// Go to a key frame before the wanted start, `margin` microseconds early: frames before the start
// are decoded and dropped, so landing early only costs time. *earlier: there is something before.
static cgv_status seek(cgv_source *source, bool *earlier, int64_t margin) {
    int64_t origin = source->info.shift - source->params.start;
    int64_t target = FFMAX(source->start - margin, origin);
    cgv_av_sought sought = cgv_av_seek(source->input, source->video, target);
    *earlier = sought == CGV_AV_FOUND && target > origin;
    // Some decoders show pictures that are made up where they miss what went before.
    source->wait_key = *earlier;
    if (sought == CGV_AV_FOUND)
        return CGV_OK;
    cgv_log(CGV_LOG_VERBOSE, "%s: cannot seek: decoding from the beginning", source->params.url);
    return sought == CGV_AV_LOST ? begin_anew(source) : CGV_OK;
}

static void fill_info(cgv_source *source) {
    cgv_source_info *info = &source->info;
    const AVFormatContext *input = source->input;
    int64_t origin = cgv_av_start(input);
    source->start = av_sat_add64(origin, source->params.start);
    source->end = source->params.length == INT64_MAX
                      ? INT64_MAX
                      : av_sat_add64(source->start, source->params.length);
    AVRational rate = source->video->avg_frame_rate;
    if (!rate.num || !rate.den)
        rate = av_guess_frame_rate(source->input, source->video, NULL);
    *info = (cgv_source_info){
        .input = input,
        .video = source->video,
        .streams = source->selection.streams,
        .stream_count = source->selection.count,
        .cut = source->params.start > 0,
        .rate = rate.num && rate.den ? rate : (AVRational){0, 1},
        .shift = source->start,
        .wanted = source->params.length,
        .live = source->arrivals.live,
    };
    if (input->duration != AV_NOPTS_VALUE)
        info->length = FFMAX(av_sat_sub64(input->duration, source->params.start), 0);
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

// Decoders of sound need a packet or two before the first one that is heard.
enum { PREROLL = 100000 };

// Whether a packet of another stream belongs to the wanted part; shifts its times if so.
static bool trim_packet(cgv_source *source, AVPacket *packet) {
    const AVStream *stream = source->input->streams[packet->stream_index];
    AVRational base = stream->time_base;
    AVRational clock = cgv_av_clock(base, source->start);
    packet->time_base = clock;
    if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) {
        packet->pts = packet->dts = 0;
        return true;
    }
    int early = stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO ? PREROLL : 0;
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (time != AV_NOPTS_VALUE) {
        if (source->params.start &&
            av_compare_ts(time, base, source->start - early, AV_TIME_BASE_Q) < 0)
            return false;
        if (source->end != INT64_MAX &&
            av_compare_ts(time, base, source->end, AV_TIME_BASE_Q) >= 0) {
            source->stream_ended[packet->stream_index] = true;
            return false;
        }
    }
    av_packet_rescale_ts(packet, base, clock);
    int64_t shift = av_rescale_q(source->start, AV_TIME_BASE_Q, clock);
    if (packet->pts != AV_NOPTS_VALUE)
        packet->pts = av_sat_sub64(packet->pts, shift);
    if (packet->dts != AV_NOPTS_VALUE)
        packet->dts = av_sat_sub64(packet->dts, shift);
    return true;
}

// Sound of a live source that lags so far behind the pictures does not come any more.
enum { MOST_LAG = 2 * AV_TIME_BASE };

// A packet of the video: how far it has come.
static void note_lag(cgv_source *source, const AVPacket *packet) {
    int64_t time = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    if (source->arrivals.live && source->end != INT64_MAX && time != AV_NOPTS_VALUE &&
        av_compare_ts(time, source->video->time_base, source->end + MOST_LAG, AV_TIME_BASE_Q) >= 0)
        source->far_behind = true;
}

// Where no frame tells that the wanted part of the video is over.
static void end_by_packet(cgv_source *source, const AVPacket *packet) {
    int64_t time = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    source->stream_ended[packet->stream_index] |=
        source->end != INT64_MAX && time != AV_NOPTS_VALUE &&
        av_compare_ts(time, source->video->time_base, source->end, AV_TIME_BASE_Q) >= 0;
}

// Where decoding a live video is slower than it comes, frames are left out: delay must not grow.
static void catch_up(cgv_source *source, const AVPacket *packet) {
    int64_t waited = source->waited;
    source->waited = 0;
    if (!source->arrivals.live || !source->opened || packet->dts == AV_NOPTS_VALUE)
        return;
    int64_t time = av_rescale_q(packet->dts, source->video->time_base, AV_TIME_BASE_Q);
    bool before = source->backlog.skipping;
    if (cgv_backlog_note(&source->backlog, av_gettime_relative(), time, waited)) {
        source->wait_key = true;
        if (!before)
            cgv_log(CGV_LOG_WARNING,
                    "%s: decoding is more than a second behind: going on with the newest key frame",
                    source->params.url);
    }
    if (source->wait_key)
        atomic_fetch_add(&source->skipped, 1);
}

// Past the wanted end, reading goes on only for audio that lags behind the video.
static bool part_ended(const cgv_source *source) {
    if (source->end == INT64_MAX || !source->stream_ended[source->video->index])
        return false;
    if (source->far_behind)
        return true;
    for (int i = 0; i < source->known; i++)
        if (source->input->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO &&
            source->wanted[i] && !source->stream_ended[i])
            return false;
    return true;
}

static cgv_status end_of_input(cgv_source *source, int error) {
    source->demuxed = true;
    if (error < 0 && error != AVERROR_EOF && error != AVERROR_EXIT) {
        if (source->arrivals.live)
            cgv_arrivals_lose(&source->arrivals, error); // the outputs are finished
        else if (error == AVERROR_INVALIDDATA)
            count_damaged(source);
        else
            return cgv_av_fail(error, "%s: demux: cannot read", source->params.url);
    }
    // A second reading for the other streams only does not count the packets of the video.
    bool counted = !source->params.no_frames && !source->params.start && source->end == INT64_MAX;
    if (error < 0 && error != AVERROR_EXIT && !source->arrivals.live && counted) {
        int64_t missing =
            cgv_whole_missing(&source->whole, source->input, source->video, source->errors.packets);
        source->errors.packets += missing;
        source->errors.damaged += missing;
    }
    // It may report one of the packets that it still has; frames may come after that.
    error = avcodec_send_packet(source->decoder, NULL);
    if (error == AVERROR_EOF)
        source->flushed = true;
    else if (error < 0)
        count_damaged(source);
    return CGV_OK;
}

// Servers that do not say how long a file is end it by closing the connection, which FFmpeg cannot
// tell from a break.
static bool may_be_whole(const cgv_source *source, int error) {
    const char *protocol = avio_find_protocol_name(source->input->url);
    return error == AVERROR(EIO) && !source->arrivals.live && source->input->pb && protocol &&
           av_match_name(protocol, "http,https,tls,tcp") && avio_size(source->input->pb) < 0;
}

// AVERROR_EOF, or the error for which reading ended.
static int error_at_end(const cgv_source *source, int error) {
    AVIOContext *bytes = source->input->pb;
    // Demuxers take what cannot be read for the end.
    if (error == AVERROR_EOF && bytes && bytes->error < 0 && bytes->error != AVERROR(EAGAIN)) {
        int64_t size = avio_size(bytes);
        bool all_read = size > 0 && avio_tell(bytes) >= size;
        error = all_read ? error : bytes->error;
    }
    if (!may_be_whole(source, error))
        return error;
    cgv_log(CGV_LOG_WARNING,
            "%s: nothing says how long it is, and its connection closed: the end may be missing",
            source->params.url);
    return AVERROR_EOF;
}

// Read one packet: decode it, hand it on in *item, or drop it.
static cgv_status demux(cgv_source *source, cgv_item *item) {
    if (cgv_source_interrupted(source) || part_ended(source))
        return end_of_input(source, 0);
    cgv_av_clear_error();
    cgv_arrivals_begin_read(&source->arrivals);
    int64_t asked = av_gettime_relative();
    int error =
        cgv_fault(CGV_FAULT_READ) ? AVERROR(EIO) : av_read_frame(source->input, source->packet);
    cgv_arrivals_end_read(&source->arrivals);
    source->waited = FFMAX(source->waited, av_gettime_relative() - asked);
    if (error == AVERROR(EAGAIN))
        return CGV_OK;
    if (error < 0)
        return end_of_input(source, error_at_end(source, error));
    // An error that reading has gone on behind is none at the end.
    if (source->input->pb && !source->input->pb->eof_reached)
        source->input->pb->error = 0;
    cgv_status status = CGV_OK;
    int index = source->packet->stream_index;
    cgv_av_mend_times(source->packet, source->input->streams[index]);
    cgv_whole_note(&source->whole, source->packet, source->input->streams[index]);
    cgv_splice_packet(&source->splice, source->packet, source->input->streams[index]);
    cgv_arrivals_note(&source->arrivals, index == source->video->index, source->packet->pts);
    if (index == source->video->index && source->opened && source->params.no_frames) {
        end_by_packet(source, source->packet);
    } else if (index == source->video->index) {
        note_lag(source, source->packet);
        source->wait_key &= !(source->packet->flags & AV_PKT_FLAG_KEY);
        catch_up(source, source->packet);
        if (!source->stream_ended[index] && !source->wait_key) {
            source->errors.packets++;
            error = avcodec_send_packet(source->decoder, source->packet);
            if (error == AVERROR(ENOMEM))
                status =
                    cgv_fail(CGV_ERROR_MEMORY, "%s: decode: out of memory", source->params.url);
            else if (error < 0)
                count_damaged(source);
        }
    } else if (index < source->known && source->wanted[index] &&
               trim_packet(source, source->packet)) {
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
    source->next_pts = av_sat_add64(frame->pts, duration);
}

// Take a decoded frame, if it belongs to the wanted part.
static cgv_status accept(cgv_source *source, AVFrame **frame) {
    AVFrame *f = *frame;
    AVRational base = source->video->time_base;
    cgv_av_frame_set_captured(f, cgv_arrivals_find(&source->arrivals, f->pts));
    set_times(source, f);
    int order = av_compare_ts(f->pts, base, source->start, AV_TIME_BASE_Q);
    source->before_start |= order <= 0;
    if (source->params.start && order < 0)
        return CGV_OK;
    if (source->end != INT64_MAX && av_compare_ts(f->pts, base, source->end, AV_TIME_BASE_Q) >= 0) {
        source->stream_ended[source->video->index] = true;
        source->flushed = true;
        return CGV_OK;
    }
    AVRational clock = f->time_base = cgv_av_clock(base, source->start);
    f->pts = av_sat_sub64(av_rescale_q(f->pts, base, clock),
                          av_rescale_q(source->start, AV_TIME_BASE_Q, clock));
    cgv_av_frame_set_duration(f, av_rescale_q(cgv_av_frame_duration(f), base, clock));
    *frame = NULL;
    return cgv_ready_send(source->ready, source->video, f);
}

// Have one frame decoded, or one packet read.
static cgv_status decode(cgv_source *source, cgv_item *item) {
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", source->params.url);
    cgv_status status = CGV_OK;
    int error = avcodec_receive_frame(source->decoder, frame);
    if (error >= 0)
        status = accept(source, &frame);
    else if (error == AVERROR_EOF)
        source->flushed = true;
    else if (error == AVERROR(ENOMEM))
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: decode: out of memory", source->params.url);
    else if (error != AVERROR(EAGAIN))
        count_damaged(source);
    av_frame_free(&frame);
    // Nothing to take and nothing broken: the decoder wants a packet.
    return !status && error == AVERROR(EAGAIN) && !source->demuxed ? demux(source, item) : status;
}

// A frame that is ready, in *item; nothing there if there is none.
static cgv_status receive(cgv_source *source, cgv_item *item) {
    AVFrame *frame;
    cgv_status status = cgv_ready_receive(source->ready, &frame);
    if (status == CGV_AGAIN && source->flushed) { // let go of what waits for a next frame
        status = cgv_ready_send(source->ready, source->video, NULL);
        if (!status)
            status = cgv_ready_receive(source->ready, &frame);
    }
    if (!status)
        *item = (cgv_item){.kind = CGV_ITEM_FRAME, .frame = frame, .repeat = 1};
    return status == CGV_AGAIN || status == CGV_END ? CGV_OK : status;
}

static cgv_status next(cgv_source *source, cgv_item *item) {
    for (;;) {
        cgv_status status = receive(source, item);
        if (status || item->kind != CGV_ITEM_END)
            return status;
        if (source->flushed &&
            (source->demuxed || cgv_source_interrupted(source) || part_ended(source)))
            return CGV_END;
        status = source->flushed ? demux(source, item) : decode(source, item);
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

static void drop_pending(cgv_source *source) {
    while (source->pending_first < source->pending_count)
        cgv_item_free(&source->pending[source->pending_first++]);
    source->pending_first = source->pending_count = 0;
}

static cgv_status keep_first(cgv_source *source, const AVFrame *frame) {
    source->first = av_frame_alloc();
    if (!source->first || av_frame_copy_props(source->first, frame) < 0)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", source->params.url);
    source->first->format = frame->format;
    source->first->width = frame->width;
    source->first->height = frame->height;
    source->info.first = source->first;
    return CGV_OK;
}

// What of the other streams waits for the first picture, which may be far behind it.
enum { MOST_WAITING = 512 << 20 };

// Read up to the first frame; CGV_END if there is none.
static cgv_status find_first_frame(cgv_source *source) {
    cgv_item item = {0};
    int64_t waiting = 0; // bytes
    cgv_status status;
    while (!(status = next(source, &item))) {
        bool found = item.kind == CGV_ITEM_FRAME;
        waiting += found ? 0 : item.packet->size + (int64_t)sizeof *item.packet;
        if (found)
            status = keep_first(source, item.frame);
        else if (waiting > MOST_WAITING)
            status = cgv_fail(CGV_ERROR_UNSUPPORTED,
                              "%s: no picture within the first %d MiB of its other streams; try "
                              "-an, -sn and -dn",
                              source->params.url, MOST_WAITING >> 20);
        if (status)
            cgv_item_free(&item);
        else
            status = keep_pending(source, item);
        if (status || found)
            return status;
        item = (cgv_item){0};
    }
    return status;
}

static cgv_status no_frame(cgv_source *source) {
    if (cgv_arrivals_lost(&source->arrivals))
        return CGV_ERROR_IO; // which was said
    if (cgv_source_interrupted(source))
        return cgv_fail(CGV_ERROR_INTERRUPTED, "%s: stopped before its first frame",
                        source->params.url);
    if (!source->next_pts || source->errors.damaged)
        return cgv_fail(CGV_ERROR_FORMAT,
                        "%s: decode: none of its %lld video packets could be decoded",
                        source->params.url, (long long)source->errors.packets);
    return cgv_fail(CGV_ERROR_ARGUMENT, "%s: no frame in the part that -ss, -t and -to choose",
                    source->params.url);
}

static void rewind_decoder(cgv_source *source) {
    avcodec_flush_buffers(source->decoder);
    cgv_splice_reset(&source->splice);
    cgv_ready_reset(source->ready);
    drop_pending(source);
    av_frame_free(&source->first);
    memset(source->stream_ended, 0, (size_t)source->known * sizeof *source->stream_ended);
    source->demuxed = source->flushed = source->warned_damaged = false;
    source->errors = (cgv_source_errors){0};
    source->next_pts = 0;
}

// Containers whose index is poor land behind the key frame that the wanted start needs: then no
// frame before the start comes out, and the landing must be earlier.
static cgv_status seek_first_frame(cgv_source *source) {
    cgv_status status;
    int64_t margin = 0;
    for (;;) {
        bool earlier = false;
        status = source->params.start ? seek(source, &earlier, margin) : CGV_OK;
        if (!status)
            status = find_first_frame(source);
        if ((status && status != CGV_END) || source->before_start || !earlier ||
            cgv_source_interrupted(source))
            break;
        rewind_decoder(source);
        margin = FFMAX(4 * margin, 2 * AV_TIME_BASE);
    }
    return status == CGV_END ? no_frame(source) : status;
}

static cgv_status select_streams(cgv_source *source) {
    cgv_status status =
        cgv_select(&source->selection, source->input, &source->params.select, source->params.url);
    if (status)
        return status;
    source->video = source->selection.video;
    source->known = (int)source->input->nb_streams;
    source->stream_ended = calloc((size_t)source->known, sizeof *source->stream_ended);
    source->wanted = calloc((size_t)source->known, sizeof *source->wanted);
    if (!source->stream_ended || !source->wanted)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", source->params.url);
    for (int i = 0; i < source->selection.count; i++)
        source->wanted[source->selection.streams[i]] = true;
    leave_out_unwanted(source);
    return cgv_splice_create(&source->splice, source->input);
}

cgv_status cgv_source_open(cgv_source **out, const cgv_source_params *params) {
    *out = NULL;
    cgv_source *source = calloc(1, sizeof *source);
    if (!source)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
    source->params = *params;
    source->arrivals.url = source->whole.url = params->url;
    source->arrivals.patience = params->patience;
    source->packet = av_packet_alloc();
    cgv_ready_params ready = {params->url, params->deinterlace, params->hdr};
    cgv_status status = source->packet
                            ? cgv_ready_create(&source->ready, &ready)
                            : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
    if (!status)
        status = cgv_source_open_input(source);
    if (!status)
        status = select_streams(source);
    if (!status && params->hdr == CGV_HDR_REFUSE)
        status = cgv_hdr_refuse(params->url, source->video->codecpar->color_trc);
    if (status)
        goto fail;
    status = cgv_source_open_decoder(source);
    if (status)
        goto fail;
    fill_info(source);
    status = seek_first_frame(source);
    if (status)
        goto fail;
    source->opened = true;
    *out = source;
    return CGV_OK;
fail:
    cgv_source_close(&source);
    return status;
}

const cgv_source_info *cgv_source_get_info(const cgv_source *source) {
    return &source->info;
}

static cgv_status next_packet(cgv_source *source, cgv_item *item) {
    cgv_status status = CGV_OK;
    while (!status && item->kind == CGV_ITEM_END) {
        if (source->demuxed || cgv_source_interrupted(source) || part_ended(source))
            return CGV_END;
        status = demux(source, item);
    }
    return status;
}

cgv_status cgv_source_read(cgv_source *source, cgv_item *item) {
    *item = (cgv_item){0};
    while (source->pending_first < source->pending_count) {
        *item = source->pending[source->pending_first++];
        if (item->kind != CGV_ITEM_FRAME || !source->params.no_frames)
            return CGV_OK;
        cgv_item_free(item);
    }
    return source->params.no_frames ? next_packet(source, item) : next(source, item);
}

cgv_source_errors cgv_source_get_errors(const cgv_source *source) {
    return source->errors;
}

bool cgv_source_lost(cgv_source *source) {
    return cgv_arrivals_lost(&source->arrivals);
}

int64_t cgv_source_skipped(const cgv_source *source) {
    return atomic_load(&source->skipped);
}

void cgv_source_close(cgv_source **handle) {
    if (!handle || !*handle)
        return;
    cgv_source *source = *handle;
    drop_pending(source);
    free(source->pending);
    free(source->stream_ended);
    free(source->wanted);
    free(source->selection.streams);
    cgv_splice_free(&source->splice);
    av_frame_free(&source->first);
    av_packet_free(&source->packet);
    avcodec_free_context(&source->decoder);
    avformat_close_input(&source->input);
    av_dict_free(&source->not_demuxers);
    cgv_ready_destroy(&source->ready);
    free(source);
    *handle = NULL;
}
