// What goes out of a sink: packets to the muxer, their times mended.
#include <libavutil/mathematics.h>
#include <libavutil/time.h>

#include "video/av.h"
#include "video/sink_internal.h"

// Muxers refuse decoding times that are missing or do not advance, as damaged inputs and coarse
// clocks have them.
static void mend_times(cgv_sink *sink, AVPacket *packet) {
    int flags = sink->output->oformat->flags;
    int64_t *last = &sink->last_dts[packet->stream_index];
    if (flags & AVFMT_NOTIMESTAMPS)
        return;
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = packet->pts;
    int64_t least = *last == AV_NOPTS_VALUE ? INT64_MIN : *last + !(flags & AVFMT_TS_NONSTRICT);
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = *last == AV_NOPTS_VALUE ? 0 : *last + FFMAX(packet->duration, 1);
    packet->dts = FFMAX(packet->dts, least);
    if (packet->pts == AV_NOPTS_VALUE || packet->pts < packet->dts)
        packet->pts = packet->dts;
    *last = packet->dts;
}

// Sound that primes its decoder, in a container where it would be heard, and move the rest.
static bool comes_too_early(const cgv_sink *sink, const AVPacket *packet) {
    const AVStream *stream = sink->output->streams[packet->stream_index];
    return sink->from_zero && stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO &&
           packet->pts != AV_NOPTS_VALUE && packet->pts + packet->duration / 2 < 0;
}

void cgv_sink_begin_waiting(cgv_sink *sink) {
    if (!sink->part && !sink->single)
        atomic_store(&sink->waiting_since, av_gettime_relative());
}

void cgv_sink_end_waiting(cgv_sink *sink) {
    atomic_store(&sink->waiting_since, 0);
}

int cgv_sink_file_error(const cgv_sink *sink, int error) {
    int broken = sink->files ? cgv_files_error(sink->files) : 0;
    if (broken >= 0)
        return error;
    cgv_av_clear_error(); // the muxer complains that the file, which was deleted, is not there
    return broken;
}

cgv_status cgv_sink_mux(cgv_sink *sink, AVPacket *packet) {
    if (comes_too_early(sink, packet)) {
        av_packet_unref(packet);
        return CGV_OK;
    }
    int64_t delay = cgv_av_mux_delay(sink->output, sink->output->streams[packet->stream_index]);
    packet->pts += packet->pts == AV_NOPTS_VALUE ? 0 : delay;
    packet->dts += packet->dts == AV_NOPTS_VALUE ? 0 : delay;
    mend_times(sink, packet);
    cgv_av_clear_error();
    cgv_sink_begin_waiting(sink);
    int error = av_interleaved_write_frame(sink->output, packet);
    cgv_sink_end_waiting(sink);
    error = cgv_sink_file_error(sink, error);
    if (error < 0 && atomic_load(&sink->abandoned))
        return CGV_ERROR_INTERRUPTED;
    if (error < 0)
        return cgv_av_fail(error, "%s: mux: cannot write", sink->url);
    if (sink->output->pb)
        atomic_store(&sink->bytes, avio_tell(sink->output->pb));
    return CGV_OK;
}

int64_t cgv_sink_waiting(cgv_sink *sink) {
    int64_t since = atomic_load(&sink->waiting_since);
    return since ? av_gettime_relative() - since : 0;
}

void cgv_sink_abandon(cgv_sink *sink) {
    atomic_store(&sink->abandoned, true);
}
