#include "video/clip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "video/av.h"
#include "video/clip_internal.h"
#include "video/hdr.h"

bool cgv_clip_av_reason(char reason[CGV_REASON], const char *what, int error) {
    char text[AV_ERROR_MAX_STRING_SIZE];
    av_strerror(error, text, sizeof text);
    snprintf(reason, CGV_REASON, "%s: %s", what, text);
    return false;
}

bool cgv_clip_demux(AVFormatContext **out, int *stream, char reason[CGV_REASON], const char *path,
                    bool picture) {
    AVDictionary *options = NULL;
    if (picture) // a per cent sign in a file's name is just that
        av_dict_set(&options, "pattern_type", "none", 0);
    int error = avformat_open_input(out, path, NULL, &options);
    av_dict_free(&options);
    if (error < 0)
        return cgv_clip_av_reason(reason, "cannot open", error);
    if (!picture && (error = avformat_find_stream_info(*out, NULL)) < 0)
        return cgv_clip_av_reason(reason, "cannot read its streams", error);
    *stream = av_find_best_stream(*out, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (*stream < 0) {
        snprintf(reason, CGV_REASON, "no picture or video in it");
        return false;
    }
    for (unsigned i = 0; i < (*out)->nb_streams; i++)
        if ((int)i != *stream)
            (*out)->streams[i]->discard = AVDISCARD_ALL;
    if (cgv_hdr_transfer((*out)->streams[*stream]->codecpar->color_trc) == CGV_TRANSFER_SDR)
        return true;
    snprintf(reason, CGV_REASON,
             "HDR video is not supported: make it SDR first, as cgvideo -m identity does");
    return false;
}

static bool out_of_memory(char reason[CGV_REASON]) {
    snprintf(reason, CGV_REASON, "out of memory");
    return false;
}

// Arrays that grow by doubling, whenever their length is a power of two.
static bool push_time(cgv_clip *clip, int64_t time) {
    if (!(clip->count & (clip->count - 1))) {
        size_t room = clip->count ? 2 * (size_t)clip->count : 1;
        int64_t *grown = realloc(clip->times, room * sizeof *grown);
        if (!grown)
            return false;
        clip->times = grown;
    }
    clip->times[clip->count++] = time;
    return true;
}

static bool push_key(cgv_clip *clip, cgv_clip_key key) {
    if (!(clip->key_count & (clip->key_count - 1))) {
        size_t room = clip->key_count ? 2 * (size_t)clip->key_count : 1;
        cgv_clip_key *grown = realloc(clip->keys, room * sizeof *grown);
        if (!grown)
            return false;
        clip->keys = grown;
    }
    clip->keys[clip->key_count++] = key;
    return true;
}

// 0 when there are more packets: AVERROR_EOF behind the last one. Demuxers take what cannot be read
// for the end.
static int read_packet(AVFormatContext *input, AVPacket *packet) {
    int error = cgv_fault(CGV_FAULT_READ) ? AVERROR(EIO) : av_read_frame(input, packet);
    bool broken = error == AVERROR_EOF && input->pb && input->pb->error < 0;
    // What a file that is cut off has is used.
    return broken ? input->pb->error : error == AVERROR_INVALIDDATA ? AVERROR_EOF : error;
}

static bool read_packets(cgv_clip *clip, AVFormatContext *input, char reason[CGV_REASON],
                         const atomic_bool *stop) {
    const bool by_pts = input->iformat->flags & AVFMT_SEEK_TO_PTS;
    AVPacket *packet = av_packet_alloc();
    bool ok = packet != NULL;
    int error = 0;
    int64_t packets = 0;
    while (ok && !(stop && atomic_load(stop)) && (error = read_packet(input, packet)) >= 0) {
        bool wanted =
            packet->stream_index == clip->stream && !(packet->flags & AV_PKT_FLAG_DISCARD);
        bool key = packet->flags & AV_PKT_FLAG_KEY;
        if (wanted)
            packets++;
        if (wanted && packet->pts == AV_NOPTS_VALUE)
            clip->counted = true;
        // Nothing can be decoded before the first key frame.
        if (wanted && !clip->counted && (key || clip->key_count)) {
            bool by_dts = !by_pts && packet->dts != AV_NOPTS_VALUE;
            ok = push_time(clip, packet->pts);
            if (ok && key)
                ok =
                    push_key(clip, (cgv_clip_key){packet->pts, by_dts ? packet->dts : packet->pts});
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    if (clip->counted) {
        clip->count = 0;
        for (int64_t i = 0; ok && i < packets && i < INT32_MAX; i++)
            ok = push_time(clip, i);
    }
    if (!ok)
        return out_of_memory(reason);
    if (error >= 0)
        error = AVERROR_EXIT; // stopped
    return error == AVERROR_EOF || cgv_clip_av_reason(reason, "cannot read", error);
}

static int by_time(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int by_key_time(const void *a, const void *b) {
    return by_time(&((const cgv_clip_key *)a)->time, &((const cgv_clip_key *)b)->time);
}

static bool index_video(cgv_clip *clip, char reason[CGV_REASON], const atomic_bool *stop) {
    AVFormatContext *input = NULL;
    bool ok = cgv_clip_demux(&input, &clip->stream, reason, clip->path, false) &&
              read_packets(clip, input, reason, stop);
    if (ok) {
        const AVStream *stream = input->streams[clip->stream];
        AVRational rate = av_guess_frame_rate(input, input->streams[clip->stream], NULL);
        clip->seconds_per_unit = !clip->counted ? av_q2d(stream->time_base)
                                 : rate.num     ? av_q2d(av_inv_q(rate))
                                                : 0.04;
    }
    avformat_close_input(&input);
    if (ok && !clip->count) {
        snprintf(reason, CGV_REASON, "no video frames in it");
        return false;
    }
    if (!ok)
        return false;
    qsort(clip->times, (size_t)clip->count, sizeof *clip->times, by_time);
    if (clip->keys)
        qsort(clip->keys, (size_t)clip->key_count, sizeof *clip->keys, by_key_time);
    int unique = 1; // some files give two packets one time
    for (int i = 1; i < clip->count; i++)
        if (clip->times[i] != clip->times[unique - 1])
            clip->times[unique++] = clip->times[i];
    clip->count = unique;
    // Frames shown before the first key frame need ones that are not there.
    int first = 0;
    while (clip->keys && !clip->counted && clip->times[first] < clip->keys[0].time)
        first++;
    clip->count -= first;
    memmove(clip->times, clip->times + first, (size_t)clip->count * sizeof *clip->times);
    return true;
}

bool cgv_clip_open(cgv_clip *clip, char reason[CGV_REASON], const char *path, bool picture,
                   const atomic_bool *stop) {
    *clip = (cgv_clip){.picture = picture, .counted = picture};
    bool ok = (clip->path = strdup(path)) != NULL;
    if (!ok)
        return out_of_memory(reason);
    // A picture is opened when it is read.
    ok = picture ? push_time(clip, 0) || out_of_memory(reason) : index_video(clip, reason, stop);
    if (!ok)
        cgv_clip_close(clip);
    return ok;
}

void cgv_clip_close(cgv_clip *clip) {
    free(clip->path);
    free(clip->times);
    free(clip->keys);
    *clip = (cgv_clip){0};
}

double cgv_clip_seconds(const cgv_clip *clip, int frame) {
    return ((double)clip->times[frame] - (double)clip->times[0]) * clip->seconds_per_unit;
}
