#include <stdio.h>
#include <stdlib.h>

#include <libavutil/pixdesc.h>

#include "video/av.h"
#include "video/clip_internal.h"
#include "video/deinterlace.h"
#include "video/hdr.h"
#include "video/upright.h"

enum { SHORT_WAY = 8 }; // frames that are sooner decoded than sought across

struct cgv_clip_reader {
    const cgv_clip *clip;
    int threads;
    AVFormatContext *input;
    AVStream *stream;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame; // the last one decoded
    int64_t time;   // its time; INT64_MIN: none since opening or seeking
    int64_t number; // frames since opening
    bool ended;
    cgv_deinterlace *fields; // from the first interlaced frame on
    cgv_upright upright;
};

static void close_input(cgv_clip_reader *reader) {
    cgv_deinterlace_destroy(&reader->fields);
    avcodec_free_context(&reader->decoder);
    avformat_close_input(&reader->input);
}

static bool open_input(cgv_clip_reader *reader, char reason[CGV_REASON]) {
    int index;
    reader->time = INT64_MIN;
    reader->number = 0;
    reader->ended = false;
    if (!cgv_clip_demux(&reader->input, &index, reason, reader->clip->path, reader->clip->picture))
        return false;
    reader->stream = reader->input->streams[index];
    const AVCodec *codec = avcodec_find_decoder(reader->stream->codecpar->codec_id);
    reader->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!reader->decoder) {
        snprintf(reason, CGV_REASON, "this FFmpeg has no decoder for it");
        return false;
    }
    int error = avcodec_parameters_to_context(reader->decoder, reader->stream->codecpar);
    reader->decoder->pkt_timebase = reader->stream->time_base;
    reader->decoder->thread_count = reader->threads;
    if (error >= 0)
        error = avcodec_open2(reader->decoder, codec, NULL);
    return error >= 0 || cgv_clip_av_reason(reason, "cannot decode", error);
}

bool cgv_clip_reader_open(cgv_clip_reader **out, char reason[CGV_REASON], const cgv_clip *clip,
                          int threads) {
    cgv_clip_reader *reader = *out = calloc(1, sizeof *reader);
    if (!reader) {
        snprintf(reason, CGV_REASON, "out of memory");
        return false;
    }
    reader->clip = clip;
    reader->threads = threads;
    reader->packet = av_packet_alloc();
    reader->frame = av_frame_alloc();
    bool ok = reader->packet && reader->frame;
    if (!ok)
        snprintf(reason, CGV_REASON, "out of memory");
    ok = ok && open_input(reader, reason);
    if (!ok)
        cgv_clip_reader_close(out);
    return ok;
}

void cgv_clip_reader_close(cgv_clip_reader **handle) {
    cgv_clip_reader *reader = *handle;
    if (!reader)
        return;
    close_input(reader);
    av_packet_free(&reader->packet);
    av_frame_free(&reader->frame);
    cgv_upright_free(&reader->upright);
    free(reader);
    *handle = NULL;
}

const cgv_clip *cgv_clip_reader_clip(const cgv_clip_reader *reader) {
    return reader->clip;
}

// Give the decoder one packet, or tell it that there are no more.
static void feed(cgv_clip_reader *reader) {
    // Damaged packets are the decoder's to skip: what is missing shows in the frames' times.
    if (av_read_frame(reader->input, reader->packet) < 0)
        avcodec_send_packet(reader->decoder, NULL);
    else if (reader->packet->stream_index == reader->stream->index)
        avcodec_send_packet(reader->decoder, reader->packet);
    av_packet_unref(reader->packet);
}

// Whether the frame that was decoded is the next one. An interlaced one becomes whole when the one
// after it is known.
static bool is_whole(cgv_clip_reader *reader) {
    AVFrame *frame = reader->frame, *given;
    int64_t number = reader->number++;
    frame->pts = reader->clip->counted ? number : frame->best_effort_timestamp;
    reader->time = frame->pts;
    cgv_deinterlace_mark(frame, reader->stream->codecpar);
    if (!reader->fields && (!cgv_av_frame_interlaced(frame) ||
                            cgv_deinterlace_create(&reader->fields, false) != CGV_OK))
        return true;
    if (!(given = av_frame_clone(frame)))
        return true;
    given->time_base = reader->stream->time_base;
    return cgv_deinterlace_send(reader->fields, given) != CGV_OK;
}

static bool take_whole(cgv_clip_reader *reader) {
    AVFrame *frame;
    cgv_status status = cgv_deinterlace_receive(reader->fields, &frame);
    if (status == CGV_OK) {
        av_frame_unref(reader->frame);
        av_frame_move_ref(reader->frame, frame);
        av_frame_free(&frame);
        reader->time = reader->frame->pts;
    } else if (status != CGV_AGAIN) {
        reader->ended = true;
    }
    return status == CGV_OK;
}

static void end_decoding(cgv_clip_reader *reader) {
    if (!reader->fields || cgv_deinterlace_send(reader->fields, NULL) != CGV_OK)
        reader->ended = true;
}

// Decode the next frame; false at the end.
static bool step(cgv_clip_reader *reader) {
    while (!reader->ended) {
        if (reader->fields && take_whole(reader))
            return true;
        int error = avcodec_receive_frame(reader->decoder, reader->frame);
        if (error >= 0 && is_whole(reader))
            return true;
        if (error == AVERROR_EOF)
            end_decoding(reader);
        else if (error < 0)
            feed(reader);
    }
    reader->time = INT64_MAX;
    return false;
}

// Step until the frame of this time is there; false if it is not among those that come.
static bool step_to(cgv_clip_reader *reader, int64_t target) {
    while (reader->time < target)
        if (!step(reader))
            return false;
    const AVFrame *frame = reader->frame;
    return reader->time == target && frame->width > 0 && !(frame->flags & AV_FRAME_FLAG_CORRUPT) &&
           !frame->decode_error_flags;
}

// Go to key frame `key`, to the beginning if it is negative or the file cannot be sought in.
static bool seek(cgv_clip_reader *reader, char reason[CGV_REASON], int key) {
    if (key >= 0) {
        int64_t time = reader->clip->keys[key].seek;
        if (avformat_seek_file(reader->input, reader->stream->index, INT64_MIN, time, time, 0) >=
            0) {
            avcodec_flush_buffers(reader->decoder);
            cgv_deinterlace_destroy(&reader->fields);
            reader->time = INT64_MIN;
            reader->ended = false;
            return true;
        }
    }
    close_input(reader);
    return open_input(reader, reason);
}

// The last key frame at or before a time; -1: none.
static int key_before(const cgv_clip *clip, int64_t time) {
    int low = -1, high = clip->key_count;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (clip->keys[middle].time <= time)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool go_to(cgv_clip_reader *reader, char reason[CGV_REASON], int frame) {
    const cgv_clip *clip = reader->clip;
    const int64_t target = clip->times[frame];
    // To make an interlaced frame whole takes the one before it, else it would depend on what was
    // read last.
    bool whole = clip->picture || reader->stream->codecpar->field_order == AV_FIELD_PROGRESSIVE;
    const int key = key_before(clip, clip->times[whole || !frame ? frame : frame - 1]);
    bool behind = reader->time <= target;
    bool first = reader->time == INT64_MIN && frame == 0;
    bool near = reader->time != INT64_MIN &&
                clip->times[frame > SHORT_WAY ? frame - SHORT_WAY : 0] <= reader->time;
    bool onward = behind && (first || near || clip->counted ||
                             (key >= 0 && clip->keys[key].time <= reader->time));
    if (onward && step_to(reader, target))
        return true;
    // Demuxers may land late, and some key frames are none: then from the one before.
    for (int back = 0; back < 2; back++) {
        if (!seek(reader, reason, key - back))
            return false;
        if (step_to(reader, target))
            return true;
        if (key - back < 0)
            break;
    }
    snprintf(reason, CGV_REASON, "damaged");
    return false;
}

bool cgv_clip_reader_read(cgv_clip_reader *reader, cgv_bitmap *out, char reason[CGV_REASON],
                          int index) {
    if (!reader->decoder && !open_input(reader, reason)) // a failed seek left it closed
        return false;
    if (!go_to(reader, reason, index))
        return false;
    AVFrame *frame = reader->frame;
    if (cgv_hdr_transfer(frame->color_trc) != CGV_TRANSFER_SDR) {
        snprintf(reason, CGV_REASON,
                 "HDR is not supported: make it SDR first, as cgvideo -m identity does");
        return false;
    }
    AVRational aspect = av_guess_sample_aspect_ratio(reader->input, reader->stream, frame);
    if (cgv_upright_convert(&reader->upright, out, frame, aspect,
                            cgv_av_turn(reader->stream, frame)))
        return true;
    snprintf(reason, CGV_REASON, "pixel format %s cannot be converted to RGB",
             av_get_pix_fmt_name(frame->format));
    return false;
}
