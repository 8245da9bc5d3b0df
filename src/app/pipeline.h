// The translation itself: decode, translate and encode, each on its own thread.
#ifndef CGV_APP_PIPELINE_H
#define CGV_APP_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "cgvideo/translator.h"
#include "video/sink.h"
#include "video/source.h"

typedef struct cgv_pipeline cgv_pipeline;

typedef struct cgv_pipeline_params {
    cgv_source *source;
    cgv_sink *sink;
    cgv_device *device;
    const cgv_model *model;
    cgv_translator_params translator;
    AVRational rate; // constant output rate, or {0, 1}
} cgv_pipeline_params;

// Prepare the translator and start the stages. Everything in params outlives the pipeline.
CGV_NODISCARD cgv_status cgv_pipeline_start(cgv_pipeline **out, const cgv_pipeline_params *params);

// Wait for the end, at most `milliseconds`; whether it has come.
bool cgv_pipeline_wait(cgv_pipeline *pipeline, int milliseconds);

// Wake the decode thread from a blocked read, after the source's stop flag was set.
void cgv_pipeline_interrupt(cgv_pipeline *pipeline);

// Frames that the rate conversion dropped and repeated so far.
void cgv_pipeline_rate_counts(const cgv_pipeline *pipeline, int64_t *dropped, int64_t *repeated);

// Stop what still runs, free, and return the first failure. On CGV_OK the sink was finished.
CGV_NODISCARD cgv_status cgv_pipeline_end(cgv_pipeline **pipeline);

#endif
