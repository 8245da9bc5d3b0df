// How far a translation is: the line on the terminal, and -progress for programs.
#ifndef CGV_APP_PROGRESS_H
#define CGV_APP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <libavformat/avio.h>

#include "app/pipeline.h"
#include "cgvideo/status.h"
#include "video/sink.h"

typedef struct cgv_progress_numbers {
    cgv_sink_stats sink; // bytes of all outputs; the most frames and time of those that go on
    cgv_pipeline_stats pipeline;
    bool live;
    int64_t latency_median, latency_95; // microseconds from capture to sink
} cgv_progress_numbers;

typedef struct cgv_progress {
    AVIOContext *report;                // of -progress, or NULL
    int64_t opened, line_at, report_at; // microseconds of av_gettime_relative
    int64_t length;                     // microseconds that the output will have; 0 if unknown
    cgv_sink_stats before;              // what was written by an earlier run
    // When this run had written something, and what: before that kernels are compiled, and what an
    // earlier run has done is read again.
    int64_t first_at;
    cgv_sink_stats first;
    // Frames a second of the last seconds, and what was counted when they were taken.
    double in_rate, out_rate;
    int64_t rates_at, received, written;
    int failed;          // outputs, at that time
    cgv_sink_stats told; // the most frames and time so far
    bool estimated;      // what the whole job takes
} cgv_progress;

// `url` of -progress, or NULL.
CGV_NODISCARD cgv_status cgv_progress_open(cgv_progress *progress, const char *url, int64_t length);

// Call often: prints what is due, and everything when `last`.
void cgv_progress_update(cgv_progress *progress, cgv_progress_numbers numbers, bool last);

void cgv_progress_close(cgv_progress *progress);

#endif
