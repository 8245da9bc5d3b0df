// Clocks that jump: broadcasts and discs (formats with AVFMT_TS_DISCONT) restart their clock where
// recordings were joined, and wrap it after a day. What lies behind a jump is moved so that it
// follows what came before, all streams alike.
#ifndef CGV_VIDEO_SPLICE_H
#define CGV_VIDEO_SPLICE_H

#include <stdbool.h>
#include <stdint.h>

#include <libavformat/avformat.h>

#include "cgvideo/status.h"

enum { CGV_SPLICE_PARTS = 8 }; // of the latest ones

typedef struct cgv_splice_track {
    int64_t next; // where its next packet is expected, microseconds; or AV_NOPTS_VALUE
    int part;     // the one it has reached; streams do not reach a jump together
} cgv_splice_track;

typedef struct cgv_splice {
    bool on; // the format's clock may jump
    int streams;
    cgv_splice_track *tracks;          // by stream
    int part;                          // the latest
    int64_t offsets[CGV_SPLICE_PARTS]; // of part p, at p % CGV_SPLICE_PARTS: what its times lack
    int64_t latest;                    // the largest of the tracks' next, or AV_NOPTS_VALUE
} cgv_splice;

// For the streams that `input` has now.
CGV_NODISCARD cgv_status cgv_splice_create(cgv_splice *splice, const AVFormatContext *input);

// Reading goes on somewhere else.
void cgv_splice_reset(cgv_splice *splice);

// Move the times of the next packet in the file, which is one of `stream`.
void cgv_splice_packet(cgv_splice *splice, AVPacket *packet, const AVStream *stream);

void cgv_splice_free(cgv_splice *splice);

#endif
