// Inside of a sink, one concern a file: sink_choose.c what it is to be, sink_open.c making it,
// sink.c what comes in, sink_segment.c the same in segments, sink_mux.c what goes out,
// sink_finish.c its end.
#ifndef CGV_VIDEO_SINK_INTERNAL_H
#define CGV_VIDEO_SINK_INTERNAL_H

#include <stdatomic.h>

#include "video/encoder.h"
#include "video/files.h"
#include "video/latency.h"
#include "video/sink.h"

struct cgv_sink {
    const char *url; // for messages
    AVFormatContext *output;
    cgv_files *files; // that the muxer opens itself; NULL: it opens none
    AVStream *video;
    cgv_encoder encoder;
    AVPacket *packet;
    cgv_track *tracks; // by input stream
    int streams;
    int64_t *last_dts; // by output stream
    char *path, *part; // the regular file, and the name that it has until it is whole
    bool single;       // one picture, not a sequence
    bool playlist;     // the URL is that of a list of segments
    bool finished;
    bool cut;          // the source sends a little sound from before the beginning
    bool from_zero;    // nothing says when a stream begins
    int64_t slip;      // microseconds that the clock of such a container moves the video
    bool drop_discard; // the container cannot say that a packet is not to be presented
    bool live;
    cgv_sink_params params; // to begin the encoder anew in segments
    const cgv_source_info *source;
    bool fresh;                 // the encoder has seen no frame
    cgv_packets_writer segment; // at hand
    const atomic_bool *stop;    // while it is being opened
    atomic_bool abandoned;
    atomic_int_fast64_t waiting_since; // av_gettime_relative; 0: for nobody
    cgv_latency latency;
    atomic_int_fast64_t frames, bytes, time;
};

static inline bool cgv_sink_segmented(const cgv_sink *sink) {
    return sink->params.segmented;
}

// ---- sink_choose.c

CGV_NODISCARD cgv_status cgv_sink_choose_muxer(const AVOutputFormat **out,
                                               const cgv_sink_params *params);
CGV_NODISCARD cgv_status cgv_sink_choose_encoder(const AVCodec **out, const AVOutputFormat *muxer,
                                                 const cgv_sink_params *params);
// Where to write: the part name of a regular file, or the very URL.
CGV_NODISCARD cgv_status cgv_sink_choose_name(cgv_sink *sink, const AVOutputFormat *muxer);
// Can they be made in segments, if they are to be?
CGV_NODISCARD cgv_status cgv_sink_check_segmented(const cgv_sink *sink, const AVOutputFormat *muxer,
                                                  const AVCodec *codec);

// ---- sink.c

// All that the encoder still holds.
CGV_NODISCARD cgv_status cgv_sink_drain_encoder(cgv_sink *sink);
// Sound or subtitles that are encoded anew; packet NULL: all that is still held.
CGV_NODISCARD cgv_status cgv_sink_write_reencoded(cgv_sink *sink, cgv_track *track,
                                                  const AVPacket *packet);

// ---- sink_mux.c

// A packet on its stream's clock; not freed.
CGV_NODISCARD cgv_status cgv_sink_mux(cgv_sink *sink, AVPacket *packet);
// Around what blocks while nobody reads.
void cgv_sink_begin_waiting(cgv_sink *sink);
void cgv_sink_end_waiting(cgv_sink *sink);
// `error`, or what befell the files that the muxer opens itself.
int cgv_sink_file_error(const cgv_sink *sink, int error);

// ---- sink_segment.c

// A packet into the segment at hand, which takes it.
CGV_NODISCARD cgv_status cgv_sink_keep_encoded(cgv_sink *sink, AVPacket *packet);

#endif
