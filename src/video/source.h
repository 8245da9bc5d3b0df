// Demux and decode: files, pictures, picture sequences, pipes, cameras, streams; whatever
// libavformat and libavdevice open.
#ifndef CGV_VIDEO_SOURCE_H
#define CGV_VIDEO_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <libavformat/avformat.h>

#include "cgvideo/status.h"
#include "video/queue.h"
#include "video/ready.h"
#include "video/select.h"

typedef struct cgv_source cgv_source;

typedef struct cgv_source_params {
    const char *url;       // "-" is standard input
    const char *format;    // demuxer; NULL: guessed
    const char *rate;      // of picture sequences and raw video; NULL: the demuxer's default
    int64_t start, length; // microseconds; length INT64_MAX: to the end
    cgv_select_params select;
    cgv_deinterlacing deinterlace;
    cgv_hdr_manner hdr;
    const char *hwaccel;     // as cgv_hwaccel_attach
    AVDictionary *options;   // of demuxer and decoder
    int threads;             // 0: one a core
    bool live;               // it is a live one even if it does not look so
    int64_t patience;        // microseconds without data until a live one is lost; 0: for ever
    bool no_frames;          // cgv_source_read gives packets of other streams alone
    const atomic_bool *stop; // set: behave as if the input ended here; NULL: never
} cgv_source_params;

typedef struct cgv_source_info {
    const AVFormatContext *input; // its streams, metadata and chapters
    const AVStream *video;        // the one that is decoded
    const int *streams;           // those that belong into the output, in its order
    int stream_count;
    const AVFrame *first; // its first frame: size, format, colours. No pixel data.
    AVRational rate;      // average; {0, 1} if unknown
    int64_t shift;        // microseconds that have been subtracted from all timestamps
    int64_t length;       // microseconds that will be delivered; 0 if unknown
    int64_t wanted;       // params->length
    bool cut;             // something before the start was left out
    bool live;            // it runs on its own: what is not read in time is lost or late
} cgv_source_info;

// Open, choose the video stream, and decode up to its first frame. Frames come in a format that
// cgv_colour_layout takes. params->url and stop must outlive the source.
CGV_NODISCARD cgv_status cgv_source_open(cgv_source **out, const cgv_source_params *params);

// Valid as long as the source; constant from the first cgv_source_read on.
const cgv_source_info *cgv_source_get_info(const cgv_source *source);

// The next frame, or packet of another stream; the caller's. CGV_END at the end. Where the
// beginning is cut off, sound comes from a little before it, with times below zero: what is decoded
// again needs that to be exact.
CGV_NODISCARD cgv_status cgv_source_read(cgv_source *source, cgv_item *item);

// Packets, and how many of them could not be decoded.
typedef struct cgv_source_errors {
    int64_t packets, damaged;
} cgv_source_errors;
cgv_source_errors cgv_source_get_errors(const cgv_source *source);

// Says when nothing comes from a live input. Call now and then from another thread, as a read that
// is blocked tells nobody. True: it is lost; wake the reading thread up, which then finds the end.
bool cgv_source_watch(cgv_source *source);

// Whether a live input ended by an error, or as nothing came any more. What came before is whole.
bool cgv_source_lost(cgv_source *source);

// Frames of a live video that were left out as decoding was too far behind; from any thread.
int64_t cgv_source_skipped(const cgv_source *source);

void cgv_source_close(cgv_source **source);

#endif
