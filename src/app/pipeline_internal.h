// What a pipeline is made of: shared by pipeline.c and pipeline_translate.c.
#ifndef CGV_APP_PIPELINE_INTERNAL_H
#define CGV_APP_PIPELINE_INTERNAL_H

#include <pthread.h>

#include "app/blackness.h"
#include "app/ladder.h"
#include "app/outlet.h"
#include "app/pace.h"
#include "app/pipeline.h"
#include "app/segments.h"
#include "video/latency.h"

enum { CGV_PIPELINE_SLOTS = 8 * CGV_BATCH_MOST, CGV_PIPELINE_STAGES = 2 };

// A picture in the translator.
typedef struct cgv_pipeline_slot {
    AVFrame *out;
    AVFrame *in; // the input's picture, if it is still needed
    int repeat;
    bool begins; // a segment, with this state of the filter before it
    AVBufferRef *state;
    bool bright;  // the input's picture is
    int64_t sent; // av_gettime_relative
} cgv_pipeline_slot;

struct cgv_pipeline {
    cgv_pipeline_params params;
    cgv_queue *decoded;
    cgv_outlet *outlets[CGV_MAX_OUTPUTS];
    pthread_t thread[CGV_PIPELINE_STAGES];
    int started;
    pthread_mutex_t lock; // guards status, running, failed, output_ended, output_failed
    pthread_cond_t ended;
    cgv_status status; // the first failure of all
    int running, failed;
    bool output_ended[CGV_MAX_OUTPUTS], output_failed[CGV_MAX_OUTPUTS];
    cgv_pace pace;
    cgv_segments segments;
    atomic_int_fast64_t received, late, dropped, repeated;
    _Atomic float strength;       // wanted
    atomic_int net_height;        // of the network's picture
    atomic_uint_least64_t memory; // of the translator, bytes
    cgv_latency translate;
    _Atomic double device_ms[CGV_PARTS]; // running averages
    // Of the translate stage:
    cgv_translator *translator;
    cgv_translator_params made; // what it was made with
    cgv_ladder ladder;
    int64_t starved; // frames that went as some encoder was too slow
    int64_t lost;    // that the ladder knows of
    AVFrame *format; // of the input that the translator was made for; no data
    cgv_pipeline_slot slots[CGV_PIPELINE_SLOTS]; // in flight, oldest first
    int in_flight;
    int64_t translated;
    cgv_blackness blackness;
    AVBufferPool *pool; // output pictures
};

// The stage between the queue of decoded items and the outlets, until the end of the input.
CGV_NODISCARD cgv_status cgv_pipeline_translate(cgv_pipeline *pipeline);
// The translator for pictures like this one; in place of another.
CGV_NODISCARD cgv_status cgv_pipeline_make_translator(cgv_pipeline *pipeline, const AVFrame *in);
void cgv_pipeline_free_slot(cgv_pipeline_slot *slot);

#endif
