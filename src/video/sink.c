#include "video/sink.h"

#include <libavutil/mathematics.h>
#include <libavutil/time.h>

#include "base/log.h"
#include "video/av.h"
#include "video/sink_internal.h"

const AVFrame *cgv_sink_format(const cgv_sink *sink) {
    return sink->encoder.format;
}

AVRational cgv_sink_rate(const cgv_sink *sink) {
    return sink->encoder.rate;
}

const char *cgv_sink_part(const cgv_sink *sink) {
    return sink->part;
}

const char *cgv_sink_url(const cgv_sink *sink) {
    return sink->url;
}

cgv_sink_stats cgv_sink_get_stats(const cgv_sink *sink) {
    cgv_sink *s = (cgv_sink *)sink; // atomic_load takes no const before C17
    return (cgv_sink_stats){.frames = atomic_load(&s->frames),
                            .time = atomic_load(&s->time),
                            .bytes = atomic_load(&s->bytes)};
}

int64_t cgv_sink_latency(cgv_sink *sink, double share) {
    return cgv_latency_quantile(&sink->latency, share);
}

cgv_status cgv_sink_write_encoded(cgv_sink *sink, AVPacket *packet) {
    av_packet_rescale_ts(packet, sink->encoder.context->time_base, sink->video->time_base);
    packet->stream_index = sink->video->index;
    if (!sink->output->pb)
        atomic_fetch_add(&sink->bytes, packet->size);
    return cgv_sink_mux(sink, packet);
}

static cgv_status take_encoded(cgv_sink *sink) {
    cgv_status status;
    int64_t captured;
    while (!(status = cgv_encoder_receive(&sink->encoder, sink->packet, &captured))) {
        status = cgv_sink_segmented(sink) ? cgv_sink_keep_encoded(sink, sink->packet)
                                          : cgv_sink_write_encoded(sink, sink->packet);
        if (status)
            return status;
        if (captured)
            cgv_latency_add(&sink->latency, av_gettime_relative() - captured);
    }
    return status == CGV_AGAIN || status == CGV_END ? CGV_OK : status;
}

cgv_status cgv_sink_drain_encoder(cgv_sink *sink) {
    cgv_status status = cgv_encoder_send(&sink->encoder, NULL);
    return status ? status : take_encoded(sink);
}

static cgv_status encode(cgv_sink *sink, const AVFrame *picture, int64_t pts) {
    AVFrame *frame = av_frame_clone(picture);
    if (!frame)
        return cgv_fail(CGV_ERROR_MEMORY, "encode: out of memory");
    frame->pts = pts;
    sink->fresh = false;
    cgv_status status = cgv_encoder_send(&sink->encoder, frame);
    return status ? status : take_encoded(sink);
}

static cgv_status write_frame(cgv_sink *sink, cgv_item *item) {
    int64_t frames = atomic_load(&sink->frames) + item->repeat;
    if (sink->single && frames > 1)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: mux: there is more than one frame: name the pictures by a pattern "
                        "like out%%03d.png, or shorten with -t",
                        sink->url);
    int64_t pts = item->frame->pts, duration = cgv_av_frame_duration(item->frame);
    cgv_status status = CGV_OK;
    if (sink->from_zero && frames == item->repeat && pts > 0) {
        // The first picture is shown until the second one's time.
        status = encode(sink, item->frame, 0);
        if (sink->encoder.rate.num) {
            item->repeat += (int)pts - 1;
            pts = 1;
        }
    }
    for (int i = 0; !status && i < item->repeat; i++)
        status = atomic_load(&sink->abandoned) ? CGV_ERROR_INTERRUPTED
                                               : encode(sink, item->frame, pts + i * duration);
    if (status)
        return status;
    // Counted before the encoder's delay, so that the time left can be told from the start.
    atomic_store(&sink->frames, frames);
    atomic_store(&sink->time, av_rescale_q(pts + item->repeat * duration, item->frame->time_base,
                                           AV_TIME_BASE_Q));
    return CGV_OK;
}

cgv_status cgv_sink_write_reencoded(cgv_sink *sink, cgv_track *track, const AVPacket *packet) {
    AVPacket *out = sink->packet;
    cgv_status status = cgv_reencode_send(track->reencode, packet);
    while (!status && !(status = cgv_reencode_receive(track->reencode, out))) {
        av_packet_rescale_ts(out, out->time_base, sink->output->streams[track->index]->time_base);
        out->stream_index = track->index;
        status = cgv_sink_mux(sink, out);
    }
    return status == CGV_AGAIN || status == CGV_END ? CGV_OK : status;
}

static cgv_status write_packet(cgv_sink *sink, AVPacket *packet) {
    cgv_track none = {.index = -1};
    cgv_track *track =
        packet->stream_index < sink->streams ? &sink->tracks[packet->stream_index] : &none;
    if (track->index >= 0 && track->reencode) {
        int64_t slip = av_rescale_q(sink->slip, AV_TIME_BASE_Q, packet->time_base);
        packet->pts += packet->pts == AV_NOPTS_VALUE ? 0 : slip;
        packet->dts += packet->dts == AV_NOPTS_VALUE ? 0 : slip;
        return cgv_sink_write_reencoded(sink, track, packet);
    }
    bool early = sink->cut && packet->pts != AV_NOPTS_VALUE && packet->pts < 0;
    if (track->index < 0 || early || (sink->drop_discard && packet->flags & AV_PKT_FLAG_DISCARD))
        return CGV_OK;
    av_packet_rescale_ts(packet, packet->time_base, sink->output->streams[track->index]->time_base);
    packet->stream_index = track->index;
    packet->pos = -1;
    return cgv_sink_mux(sink, packet);
}

cgv_status cgv_sink_write(cgv_sink *sink, cgv_item item) {
    cgv_status status = item.kind == CGV_ITEM_FRAME    ? write_frame(sink, &item)
                        : item.kind == CGV_ITEM_PACKET ? write_packet(sink, item.packet)
                                                       : CGV_OK;
    cgv_item_free(&item);
    return status;
}
