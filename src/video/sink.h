// Encode and mux: files, pictures, picture sequences, pipes, streams, loopback devices.
#ifndef CGV_VIDEO_SINK_H
#define CGV_VIDEO_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>

#include "cgvideo/status.h"
#include "video/carry.h"
#include "video/options.h"
#include "video/packets.h"
#include "video/queue.h"
#include "video/source.h"

typedef struct cgv_sink cgv_sink;

// When frames are dropped and repeated: ffmpeg's -fps_mode.
typedef enum cgv_sync {
    CGV_SYNC_AUTO,        // where the container or the codec has one rate, or one was asked for
    CGV_SYNC_PASSTHROUGH, // never
    CGV_SYNC_CFR,         // for a constant rate, the input's if none was asked for
    CGV_SYNC_VFR,         // dropped only where two fall on one tick of the output's clock
} cgv_sync;

typedef struct cgv_sink_params {
    const char *url;                              // "-" is standard output
    const char *format;                           // muxer; NULL: guessed from the name
    const char *codec;                            // encoder; NULL: the container's default
    const char *preset, *bit_rate, *pixel_format; // as ffmpeg; NULL: defaults
    double crf;                                   // negative: default
    double quality;                               // -q:v; negative: default
    const char *tag;                              // codec tag, four characters; NULL: default
    AVRational rate;                              // constant output rate, or {0, 1}: as the input
    cgv_sync sync;
    int threads;             // 0: one a core
    bool live;               // encode without delay, and write at once
    const char *segmented;   // write in segments (see below); what the file is called until it is
                             // whole. NULL: at once, under a hidden name
    const atomic_bool *stop; // set while the output is being opened: give up; NULL: never
    const cgv_av_options *options;
    cgv_carry_params carry;
} cgv_sink_params;

// Choose muxer, encoder and output format for what the source delivers, create the output beside
// its final name and write its header. The source and its info must outlive the sink.
CGV_NODISCARD cgv_status cgv_sink_open(cgv_sink **out, const cgv_sink_params *params,
                                       const cgv_source_info *source);

// Size, pixel format (one that cgv_colour_layout takes) and colour tags of the frames to send.
const AVFrame *cgv_sink_format(const cgv_sink *sink);

// The constant rate at which to send them, or {0, 1}.
AVRational cgv_sink_rate(const cgv_sink *sink);

// Write a frame or a packet; takes it, on failure too.
CGV_NODISCARD cgv_status cgv_sink_write(cgv_sink *sink, cgv_item item);

// Drain the encoder, write the trailer and give the file its name. Only closing may follow.
CGV_NODISCARD cgv_status cgv_sink_finish(cgv_sink *sink);

// ---- in segments: what frames become goes into files of its own, and later into the output

// How far the frames have come, for another sink to go on there.
typedef struct cgv_sink_place {
    int64_t frames, time, bytes; // as in cgv_sink_stats
    int64_t last_pts;            // of the encoder's last frame, on its clock
} cgv_sink_place;
cgv_sink_place cgv_sink_get_place(const cgv_sink *sink);
void cgv_sink_set_place(cgv_sink *sink, cgv_sink_place place);

// Around the frames of a segment: they are encoded without any before them.
CGV_NODISCARD cgv_status cgv_sink_begin_segment(cgv_sink *sink, const char *path);
CGV_NODISCARD cgv_status cgv_sink_end_segment(cgv_sink *sink, cgv_packets_sum *sum);

// Then, before cgv_sink_finish, all packets: those of other streams by cgv_sink_write, and these.
CGV_NODISCARD cgv_status cgv_sink_open_segment(cgv_sink *sink, cgv_packets_reader **out,
                                               const char *path, const cgv_packets_sum *sum);
// A packet from there; not freed.
CGV_NODISCARD cgv_status cgv_sink_write_encoded(cgv_sink *sink, AVPacket *packet);

// ----

// Microseconds that it has been waiting in one call for whoever reads the output; 0: it does not. A
// regular file keeps nobody waiting, however slow it is. From any thread.
int64_t cgv_sink_waiting(cgv_sink *sink);

// Let the writing thread fail, from another one, when it next waits for whoever reads the output.
void cgv_sink_abandon(cgv_sink *sink);

// Without a successful cgv_sink_finish before, what was written is removed; but what a live sink
// recorded stays under its unfinished name, and a message tells it. NULL-safe.
void cgv_sink_close(cgv_sink **sink);

// For progress; may be called from another thread than the writing one.
typedef struct cgv_sink_stats {
    int64_t frames, time, bytes; // frames taken, where they end in microseconds, bytes written
} cgv_sink_stats;
cgv_sink_stats cgv_sink_get_stats(const cgv_sink *sink);

// Microseconds from capture until the muxer has a picture: the value that `share` of the last ones
// do not exceed. From any thread.
int64_t cgv_sink_latency(cgv_sink *sink, double share);

const char *cgv_sink_url(const cgv_sink *sink);

// The partial file, which a signal handler may unlink; NULL when there is none. Valid until the
// sink is closed.
const char *cgv_sink_part(const cgv_sink *sink);

// The regular file that `url` names (malloc'ed): NULL for pipes, protocols, devices.
char *cgv_sink_regular_file(const char *url);

#endif
