#include "video/join.h"

#include <libavutil/mathematics.h>

#include "base/log.h"

// The packets of all segments in a row.
typedef struct reel {
    cgv_sink *sink;
    const cgv_segment *segments;
    int left; // segments that are not open yet
    cgv_packets_reader *reader;
    AVPacket *packet; // the next one
} reel;

// CGV_END behind the last.
static cgv_status advance(reel *r) {
    for (;;) {
        cgv_status status = r->reader ? cgv_packets_read(r->reader, r->packet) : CGV_END;
        if (status != CGV_END)
            return status;
        cgv_packets_close(&r->reader);
        if (!r->left)
            return CGV_END;
        r->left--;
        status = cgv_sink_open_segment(r->sink, &r->reader, r->segments->path, &r->segments->sum);
        if (status)
            return status;
        r->segments++;
    }
}

static int64_t time_of(const AVPacket *packet) {
    return packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
}

// Write pictures up to the time of a packet of another stream, NULL: all. Muxers put things in
// order, but do not hold any amount of one stream until another one comes.
static cgv_status write_until(reel *r, cgv_status *pictures, const AVPacket *other) {
    while (!*pictures) {
        int64_t time = other ? time_of(other) : AV_NOPTS_VALUE;
        if (other &&
            (time == AV_NOPTS_VALUE ||
             av_compare_ts(time_of(r->packet), r->packet->time_base, time, other->time_base) > 0))
            return CGV_OK;
        cgv_status status = cgv_sink_write_encoded(r->sink, r->packet);
        if (status)
            return status;
        *pictures = advance(r);
    }
    return *pictures == CGV_END ? CGV_OK : *pictures;
}

static cgv_status join(reel *r, cgv_source *source, const atomic_bool *stop) {
    cgv_status pictures = advance(r), status = CGV_OK;
    while (!status) {
        cgv_item item;
        status = cgv_source_read(source, &item);
        if (atomic_load(stop)) {
            if (!status)
                cgv_item_free(&item);
            return CGV_ERROR_INTERRUPTED;
        }
        if (status)
            break;
        status = write_until(r, &pictures, item.packet);
        if (status)
            cgv_item_free(&item);
        else
            status = cgv_sink_write(r->sink, item);
    }
    return status == CGV_END ? write_until(r, &pictures, NULL) : status;
}

cgv_status cgv_join_segments(cgv_sink *sink, cgv_source *source, const cgv_segment *segments,
                             int count, const atomic_bool *stop) {
    reel r = {.sink = sink, .segments = segments, .left = count, .packet = av_packet_alloc()};
    cgv_status status =
        r.packet ? join(&r, source, stop) : cgv_fail(CGV_ERROR_MEMORY, "mux: out of memory");
    cgv_packets_close(&r.reader);
    av_packet_free(&r.packet);
    return status;
}
