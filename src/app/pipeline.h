// The translation itself: decode, translate, and one or more outputs, each on its own thread.
//
// A live source is never made to wait: of the frames that nobody had time for only the latest is
// translated, and each output drops for itself what it is too slow for. A failed output harms no
// other.
#ifndef CGV_APP_PIPELINE_H
#define CGV_APP_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "app/job.h"
#include "app/parts.h"
#include "cgvideo/translator.h"
#include "video/sink.h"
#include "video/source.h"

typedef struct cgv_pipeline cgv_pipeline;

enum { CGV_MAX_OUTPUTS = 8 };

typedef struct cgv_pipeline_params {
    cgv_source *source;
    cgv_sink *const *sinks;
    int sink_count;        // may be 0 where there is `show`
    cgv_job *job;          // of a single segmented sink; else NULL
    const AVFrame *format; // of the translated pictures; sinks make theirs from them
    cgv_device *device;
    const cgv_model *model;
    cgv_translator_params translator;
    AVRational rate;  // constant rate at which frames are translated, or {0, 1}: as they come. Then
                      // each sink gets its own.
    bool live;        // the latest frame wins
    bool paced;       // read no faster than the timestamps go
    bool auto_height; // choose translator.net_height by measured times; needs live
    // Called from the translating thread with each translated frame, `before` set; may be NULL.
    void (*show)(void *opaque, const cgv_item *item);
    void *show_to;
    const atomic_bool *stop; // the source's
} cgv_pipeline_params;

// Prepare the translator and start the stages. Everything in params outlives the pipeline.
CGV_NODISCARD cgv_status cgv_pipeline_start(cgv_pipeline **out, const cgv_pipeline_params *params);

// Wait for the end, at most `milliseconds`; whether it has come. In between it looks after what is
// stuck, so call it often.
bool cgv_pipeline_wait(cgv_pipeline *pipeline, int milliseconds);

// Wake the decode thread from a blocked read, after the source's stop flag was set.
void cgv_pipeline_interrupt(cgv_pipeline *pipeline);

// Blend of the network's picture with the input, from the next frame on.
void cgv_pipeline_set_strength(cgv_pipeline *pipeline, float strength);

// Hold a paced source up, or let it go on.
void cgv_pipeline_pause(cgv_pipeline *pipeline, bool paused);

typedef struct cgv_pipeline_stats {
    int64_t received;          // frames that came from the source
    int64_t dropped, repeated; // by all stages
    int net_height;            // of the picture that the network runs on
    uint64_t memory;           // bytes that the translator takes
    int64_t translate;         // microseconds that a frame spends there, half of them less; 0: none
    double device[CGV_PARTS];  // milliseconds of the last frames on the device; 0: not measured
    int outputs, failed;       // how many outputs there were, and how many have failed
} cgv_pipeline_stats;
cgv_pipeline_stats cgv_pipeline_get_stats(cgv_pipeline *pipeline);

// Whether this one of the sinks has failed; the pipeline goes on if there are others.
bool cgv_pipeline_output_failed(cgv_pipeline *pipeline, int output);

// Microseconds from capture to sink that `share` of the last frames do not exceed, of the output
// where that is most, but for those that have failed; 0 where nothing was measured.
int64_t cgv_pipeline_latency(cgv_pipeline *pipeline, double share);

// Stop what still runs, free, and return the first failure. On CGV_OK each sink that has not
// failed was finished; *failed, where not NULL, tells how many have.
CGV_NODISCARD cgv_status cgv_pipeline_end(cgv_pipeline **pipeline, int *failed);

#endif
