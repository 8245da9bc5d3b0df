#include "video/splice.h"

#include <stdlib.h>

#include "base/log.h"

// Microseconds. Pauses of less are pauses; decoding times that fall back by less are only untidy.
enum { LEAP = 10 * AV_TIME_BASE, FALL = AV_TIME_BASE / 10 };

cgv_status cgv_splice_create(cgv_splice *splice, const AVFormatContext *input) {
    *splice = (cgv_splice){.on = input->iformat->flags & AVFMT_TS_DISCONT,
                           .streams = (int)input->nb_streams};
    splice->tracks = calloc(input->nb_streams + 1, sizeof *splice->tracks);
    if (!splice->tracks)
        return cgv_fail(CGV_ERROR_MEMORY, "demux: out of memory");
    cgv_splice_reset(splice);
    return CGV_OK;
}

void cgv_splice_reset(cgv_splice *splice) {
    for (int i = 0; i < splice->streams; i++)
        splice->tracks[i] = (cgv_splice_track){.next = AV_NOPTS_VALUE};
    splice->part = 0;
    splice->offsets[0] = 0;
    splice->latest = AV_NOPTS_VALUE;
}

static int64_t offset_of(const cgv_splice *splice, int part) {
    return splice->offsets[part % CGV_SPLICE_PARTS];
}

// A stream that pauses for long has not jumped while others go on.
static bool plausible(const cgv_splice *splice, const cgv_splice_track *track, int64_t time) {
    if (splice->latest == AV_NOPTS_VALUE)
        return true;
    int64_t next = track->next == AV_NOPTS_VALUE ? splice->latest : track->next;
    int64_t fall = track->next == AV_NOPTS_VALUE ? LEAP : FALL;
    return time >= next - fall && time <= FFMAX(next, splice->latest) + LEAP;
}

// The part that a packet of this decoding time belongs to: the one of the packet before it in its
// stream, else the latest that fits, as streams jump one after the other, and a single wrong
// timestamp is followed by right ones; else it begins a new one.
static int find_part(cgv_splice *splice, const cgv_splice_track *track, int64_t dts) {
    int oldest = FFMAX(splice->part - CGV_SPLICE_PARTS + 1, 0);
    if (track->part >= oldest && plausible(splice, track, dts + offset_of(splice, track->part)))
        return track->part;
    for (int part = splice->part; part >= oldest; part--)
        if (plausible(splice, track, dts + offset_of(splice, part)))
            return part;
    splice->part++;
    splice->offsets[splice->part % CGV_SPLICE_PARTS] =
        (track->next == AV_NOPTS_VALUE ? splice->latest : track->next) - dts;
    cgv_log(CGV_LOG_VERBOSE, "demux: the clock jumps to %.3f s, where %.3f s was expected",
            (double)dts / AV_TIME_BASE,
            (double)(dts + offset_of(splice, splice->part)) / AV_TIME_BASE);
    return splice->part;
}

static int64_t duration_of(const AVPacket *packet, const AVStream *stream) {
    AVRational rate = stream->avg_frame_rate;
    if (packet->duration > 0)
        return av_rescale_q(packet->duration, stream->time_base, AV_TIME_BASE_Q);
    return rate.num && rate.den ? av_rescale_q(1, av_inv_q(rate), AV_TIME_BASE_Q) : 0;
}

void cgv_splice_packet(cgv_splice *splice, AVPacket *packet, const AVStream *stream) {
    if (!splice->on || stream->index >= splice->streams)
        return;
    cgv_splice_track *track = &splice->tracks[stream->index];
    enum AVMediaType type = stream->codecpar->codec_type;
    bool steady = (type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO) &&
                  !(stream->disposition & AV_DISPOSITION_ATTACHED_PIC);
    if (!steady) {
        track->part = splice->part; // its times come and go as they like
    } else if (packet->dts != AV_NOPTS_VALUE) {
        int64_t dts = av_rescale_q(packet->dts, stream->time_base, AV_TIME_BASE_Q);
        track->part = find_part(splice, track, dts);
        track->next = dts + offset_of(splice, track->part) + duration_of(packet, stream);
        splice->latest = FFMAX(splice->latest, track->next);
    }
    int64_t offset =
        av_rescale_q(offset_of(splice, track->part), AV_TIME_BASE_Q, stream->time_base);
    packet->dts += packet->dts == AV_NOPTS_VALUE ? 0 : offset;
    packet->pts += packet->pts == AV_NOPTS_VALUE ? 0 : offset;
}

void cgv_splice_free(cgv_splice *splice) {
    free(splice->tracks);
    *splice = (cgv_splice){0};
}
