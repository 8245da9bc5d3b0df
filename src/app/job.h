// A long job: its output is written in segments, and what is whole of them survives whatever ends
// the program. cgv_job_write and cgv_job_finish are for the thread that writes.
#ifndef CGV_APP_JOB_H
#define CGV_APP_JOB_H

#include <jansson.h>

#include "cgvideo/device.h"
#include "video/sink.h"
#include "video/source.h"

typedef struct cgv_job cgv_job;

typedef struct cgv_job_params {
    const char *url, *path;   // of the output: for messages; the file, copied
    int64_t segment;          // microseconds of the output
    bool resume;              // go on with what is there of the same job
    json_t *identity;         // everything that the result depends on; taken, on failure too
    cgv_source_params source; // the input, once more, for its other streams
    cgv_device *device;       // which gets the kernels that were chosen for it before
    const atomic_bool *stop;
} cgv_job_params;

// Whether there is a job for the output that could be gone on with.
bool cgv_job_exists(const char *path);

CGV_NODISCARD cgv_status cgv_job_open(cgv_job **out, const cgv_job_params *params);

// What is done already, and how to go on behind it.
typedef struct cgv_job_done {
    int64_t segment;  // microseconds of one
    bool complete;    // nothing is left to translate
    int64_t frames;   // that are translated; further frames are those behind them
    int64_t last_pts; // of the last of them
    AVRational clock; // of last_pts
    cgv_sink_place place;
    const void *state; // of the filter behind it; NULL: it has none
    uint64_t state_size;
} cgv_job_done;
cgv_job_done cgv_job_get_done(const cgv_job *job);

// What the sink is opened with: cgv_sink_params.segmented.
const char *cgv_job_part(const cgv_job *job);

// Write a translated frame; takes it. One that begins a segment ends the one before.
CGV_NODISCARD cgv_status cgv_job_write(cgv_job *job, cgv_sink *sink, cgv_item item);

// Behind the last frame: end the last segment, join them all, finish the sink, and delete the
// folder. CGV_ERROR_INTERRUPTED: *stop was set; the job can be gone on with.
CGV_NODISCARD cgv_status cgv_job_finish(cgv_job *job, cgv_sink *sink);

// NULL-safe. Where the job is not finished, a message tells how to go on.
void cgv_job_close(cgv_job **job);

#endif
