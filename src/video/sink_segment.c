// A sink that writes in segments: what the encoder makes of their frames goes into files of its
// own.
#include "video/sink_internal.h"

cgv_sink_place cgv_sink_get_place(const cgv_sink *sink) {
    cgv_sink_stats stats = cgv_sink_get_stats(sink);
    return (cgv_sink_place){.frames = stats.frames,
                            .time = stats.time,
                            .bytes = stats.bytes,
                            .last_pts = sink->encoder.last_pts};
}

void cgv_sink_set_place(cgv_sink *sink, cgv_sink_place place) {
    atomic_store(&sink->frames, place.frames);
    atomic_store(&sink->time, place.time);
    atomic_store(&sink->bytes, place.bytes);
    sink->encoder.last_pts = place.last_pts;
}

cgv_status cgv_sink_keep_encoded(cgv_sink *sink, AVPacket *packet) {
    cgv_status status = cgv_packets_write(&sink->segment, packet);
    atomic_fetch_add(&sink->bytes, packet->size);
    av_packet_unref(packet);
    return status;
}

cgv_status cgv_sink_begin_segment(cgv_sink *sink, const char *path) {
    cgv_status status = CGV_OK;
    if (!sink->fresh)
        status =
            cgv_encoder_restart(&sink->encoder, sink->output->oformat, &sink->params, sink->source);
    sink->fresh = true;
    return status ? status : cgv_packets_create(&sink->segment, path, sink->encoder.context);
}

cgv_status cgv_sink_end_segment(cgv_sink *sink, cgv_packets_sum *sum) {
    cgv_status status = cgv_sink_drain_encoder(sink);
    sink->fresh = false;
    *sum = sink->segment.sum;
    return status ? status : cgv_packets_commit(&sink->segment);
}

cgv_status cgv_sink_open_segment(cgv_sink *sink, cgv_packets_reader **out, const char *path,
                                 const cgv_packets_sum *sum) {
    return cgv_packets_open(out, path, sum, sink->encoder.context);
}
