#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include <libavutil/imgutils.h>
#include <libavutil/time.h>

#include "app/pipeline_internal.h"
#include "base/log.h"
#include "filter/carry.h"
#include "video/av.h"
#include "video/rate.h"

enum {
    QUEUE_FRAMES = 4, // enough to keep every stage busy; frames are large
    QUEUE_PACKETS = 256,
    LIVE_FRAMES = 1,
    LIVE_PACKETS = 2048, // sound goes on while a heavy network takes its time
};

static void abort_all(cgv_pipeline *pipeline) {
    cgv_queue_abort(pipeline->decoded);
    for (int i = 0; i < pipeline->params.sink_count; i++)
        if (pipeline->outlets[i])
            cgv_outlet_abort(pipeline->outlets[i]);
}

// The first failure stops the other stages; what they then report is only its echo.
static void stage_ended(cgv_pipeline *pipeline, cgv_status status) {
    pthread_mutex_lock(&pipeline->lock);
    if (!pipeline->status)
        pipeline->status = status;
    pthread_mutex_unlock(&pipeline->lock);
    if (status)
        abort_all(pipeline);
    // The last thing: cgv_pipeline_end frees all of it when none is running.
    pthread_mutex_lock(&pipeline->lock);
    pipeline->running--;
    pthread_cond_signal(&pipeline->ended);
    pthread_mutex_unlock(&pipeline->lock);
}

// The others go on without a failed output, as long as there are any.
static void outlet_ended(void *opaque, cgv_outlet *outlet, cgv_status status) {
    cgv_pipeline *pipeline = opaque;
    int count = pipeline->params.sink_count, index = 0;
    while (pipeline->outlets[index] != outlet)
        index++;
    pthread_mutex_lock(&pipeline->lock);
    pipeline->output_ended[index] = true;
    bool echo = pipeline->status;
    pipeline->output_failed[index] = status && !echo;
    pipeline->failed += status && !echo;
    bool others = pipeline->failed < count, goes_on = others || pipeline->params.show;
    pthread_mutex_unlock(&pipeline->lock);
    if (status && !echo && goes_on)
        cgv_log(CGV_LOG_WARNING, "%s: dropped%s", cgv_sink_url(cgv_outlet_sink(outlet)),
                others ? "; the others go on" : "");
    stage_ended(pipeline, goes_on ? CGV_OK : status);
}

// ---- decode

static cgv_status push_decoded(cgv_pipeline *pipeline, cgv_item item) {
    bool frame = item.kind == CGV_ITEM_FRAME, dropped = false;
    if (!pipeline->params.live)
        return cgv_queue_push(pipeline->decoded, item);
    cgv_status status = cgv_queue_push_latest(pipeline->decoded, item, &dropped);
    if (dropped && frame)
        atomic_fetch_add(&pipeline->late, 1);
    return status;
}

static cgv_status push_end(cgv_pipeline *pipeline) {
    return cgv_queue_push(pipeline->decoded, (cgv_item){.kind = CGV_ITEM_END});
}

static cgv_status decode(cgv_pipeline *pipeline, cgv_rate *rate) {
    cgv_segments *segments = &pipeline->segments;
    if (segments->done.complete)
        return push_end(pipeline);
    for (;;) {
        cgv_item item, out;
        cgv_status status = cgv_source_read(pipeline->params.source, &item);
        bool end = status == CGV_END;
        if (status && !end)
            return status;
        if (!end && pipeline->params.paced)
            cgv_pace_wait(&pipeline->pace, &item, pipeline->params.stop);
        if (item.kind == CGV_ITEM_PACKET && segments->on) { // they are read anew in the end
            cgv_item_free(&item);
            continue;
        }
        if (item.kind == CGV_ITEM_PACKET) {
            out = item;
        } else {
            atomic_fetch_add(&pipeline->received, !end);
            cgv_rate_next(rate, &out, item);
            atomic_store(&pipeline->dropped, rate->dropped);
            atomic_store(&pipeline->repeated, rate->repeated);
        }
        status = cgv_segments_pass(segments, &out);
        if (!status && out.kind != CGV_ITEM_END)
            status = push_decoded(pipeline, out);
        if (!status && end && !atomic_load(pipeline->params.stop))
            status = cgv_segments_end(segments);
        if (!status && end)
            return push_end(pipeline);
        if (status)
            return status;
    }
}

static void *decode_thread(void *opaque) {
    cgv_pipeline *pipeline = opaque;
    cgv_rate rate = {.rate = pipeline->params.rate};
    cgv_status status = decode(pipeline, &rate);
    cgv_rate_clear(&rate);
    stage_ended(pipeline, status);
    return NULL;
}

static void *translate_thread(void *opaque) {
    stage_ended(opaque, cgv_pipeline_translate(opaque));
    return NULL;
}

// ----

// Behind a jump of a live source's clock nobody waits for hours of one picture: a second, or twice
// the time that it lasts.
static int most_ticks(const cgv_pipeline *pipeline, AVRational rate) {
    AVRational source = cgv_source_get_info(pipeline->params.source)->rate;
    double seconds = source.num ? FFMAX(1, 2 / av_q2d(source)) : 1;
    return pipeline->params.live && rate.num ? (int)ceil(seconds * av_q2d(rate)) : 0;
}

static cgv_status create_outlets(cgv_pipeline *pipeline) {
    const cgv_pipeline_params *params = &pipeline->params;
    cgv_status status = CGV_OK;
    for (int i = 0; i < params->sink_count && !status; i++) {
        cgv_outlet_params outlet = {
            .sink = params->sinks[i],
            .job = params->job,
            .rate = params->rate.num ? (AVRational){0, 1} : cgv_sink_rate(params->sinks[i]),
            .most = most_ticks(pipeline, cgv_sink_rate(params->sinks[i])),
            .live = params->live,
            .ended = outlet_ended,
            .opaque = pipeline,
        };
        status = cgv_outlet_create(&pipeline->outlets[i], &outlet);
    }
    return status;
}

static cgv_status prepare(cgv_pipeline *pipeline) {
    const cgv_pipeline_params *params = &pipeline->params;
    const AVFrame *out = params->format, *in = cgv_source_get_info(params->source)->first;
    int size = av_image_get_buffer_size(out->format, out->width, out->height, 64);
    if (size < 0)
        return cgv_av_fail(size, "translate: %dx%d pictures", out->width, out->height);
    pipeline->pool = av_buffer_pool_init((size_t)size, NULL);
    pipeline->format = av_frame_alloc();
    if (!pipeline->pool || !pipeline->format)
        return cgv_fail(CGV_ERROR_MEMORY, "translate: out of memory");
    if (params->auto_height) {
        int trained = cgv_carry_height(params->model, in->width, in->height);
        cgv_ladder_begin(&pipeline->ladder, trained ? FFMIN(trained, in->height) : in->height);
        pipeline->made.net_height = pipeline->ladder.height;
    }
    cgv_status status =
        cgv_queue_create(&pipeline->decoded, params->live ? LIVE_FRAMES : QUEUE_FRAMES,
                         params->live ? LIVE_PACKETS : QUEUE_PACKETS);
    if (!status)
        status = create_outlets(pipeline);
    return status ? status : cgv_pipeline_make_translator(pipeline, in);
}

static void count_running(cgv_pipeline *pipeline, int more) {
    pthread_mutex_lock(&pipeline->lock);
    pipeline->running += more;
    pthread_mutex_unlock(&pipeline->lock);
}

static cgv_status start_threads(cgv_pipeline *pipeline) {
    static void *(*const stage[CGV_PIPELINE_STAGES])(void *) = {decode_thread, translate_thread};
    cgv_status status = CGV_OK;
    for (int i = 0; i < pipeline->params.sink_count && !status; i++) {
        count_running(pipeline, 1);
        status = cgv_outlet_start(pipeline->outlets[i]);
        if (status)
            stage_ended(pipeline, status);
    }
    while (!status && pipeline->started < CGV_PIPELINE_STAGES) {
        count_running(pipeline, 1);
        if (pthread_create(&pipeline->thread[pipeline->started], NULL, stage[pipeline->started],
                           pipeline)) {
            status = cgv_fail(CGV_ERROR_MEMORY, "cannot start a thread");
            stage_ended(pipeline, status);
        } else {
            pipeline->started++;
        }
    }
    return status;
}

cgv_status cgv_pipeline_start(cgv_pipeline **out, const cgv_pipeline_params *params) {
    *out = NULL;
    cgv_pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        return cgv_fail(CGV_ERROR_MEMORY, "translate: out of memory");
    pipeline->params = *params;
    cgv_segments_init(&pipeline->segments, params->job,
                      cgv_source_get_info(params->source)->input->url);
    pipeline->made = params->translator;
    enum { PROFILED = 16 }; // one picture of so many
    pipeline->made.profile =
        params->live && cgv_device_has_timestamps(params->device) ? PROFILED : 0;
    atomic_init(&pipeline->strength, params->translator.strength);
    pthread_mutex_init(&pipeline->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC); // the other one can be set
    pthread_cond_init(&pipeline->ended, &clock);
    pthread_condattr_destroy(&clock);
    cgv_latency_init(&pipeline->translate);
    cgv_status status = prepare(pipeline);
    if (!status)
        status = start_threads(pipeline);
    if (!status) {
        *out = pipeline;
        return CGV_OK;
    }
    cgv_status ignored = cgv_pipeline_end(&pipeline, NULL); // the same failure, or its echo
    (void)ignored;
    return status;
}

// An output that is stuck holds nobody up but for the end; the last one left is waited for until
// somebody wants the end.
static void watch_outlets(cgv_pipeline *pipeline) {
    int count = pipeline->params.sink_count;
    for (int i = 0; i < count; i++) {
        pthread_mutex_lock(&pipeline->lock);
        bool running = !pipeline->output_ended[i];
        bool others = pipeline->failed + 1 < count || pipeline->params.show ||
                      atomic_load(pipeline->params.stop);
        pthread_mutex_unlock(&pipeline->lock);
        if (!running || !others || !cgv_outlet_stuck(pipeline->outlets[i]))
            continue;
        if (!cgv_outlet_abandoned(pipeline->outlets[i]))
            cgv_log(CGV_LOG_ERROR, "%s: it takes nothing any more",
                    cgv_sink_url(pipeline->params.sinks[i]));
        cgv_outlet_abandon(pipeline->outlets[i]);
    }
}

bool cgv_pipeline_wait(cgv_pipeline *pipeline, int milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += milliseconds % 1000 * 1000000L;
    until.tv_sec += milliseconds / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&pipeline->lock);
    int timed_out = 0;
    while (pipeline->running && timed_out != ETIMEDOUT)
        timed_out = pthread_cond_timedwait(&pipeline->ended, &pipeline->lock, &until);
    bool ended = !pipeline->running;
    pthread_mutex_unlock(&pipeline->lock);
    if (pipeline->params.live && !ended)
        watch_outlets(pipeline);
    if (cgv_source_watch(pipeline->params.source) && !ended)
        cgv_pipeline_interrupt(pipeline);
    return ended;
}

void cgv_pipeline_interrupt(cgv_pipeline *pipeline) {
    pthread_kill(pipeline->thread[0], SIGUSR1);
}

void cgv_pipeline_set_strength(cgv_pipeline *pipeline, float strength) {
    atomic_store(&pipeline->strength, strength);
}

void cgv_pipeline_pause(cgv_pipeline *pipeline, bool paused) {
    atomic_store(&pipeline->pace.paused, paused);
}

cgv_pipeline_stats cgv_pipeline_get_stats(cgv_pipeline *pipeline) {
    cgv_pipeline_stats stats = {
        .received = atomic_load(&pipeline->received),
        .dropped = atomic_load(&pipeline->late) + atomic_load(&pipeline->dropped),
        .repeated = atomic_load(&pipeline->repeated),
        .net_height = atomic_load(&pipeline->net_height),
        .memory = atomic_load(&pipeline->memory),
        .translate = cgv_latency_quantile(&pipeline->translate, .5),
        .outputs = pipeline->params.sink_count,
    };
    for (int p = 0; p < CGV_PARTS; p++)
        stats.device[p] = atomic_load(&pipeline->device_ms[p]);
    for (int i = 0; i < stats.outputs; i++) {
        int64_t dropped, repeated;
        cgv_outlet_counts(pipeline->outlets[i], &dropped, &repeated);
        stats.dropped += dropped;
        stats.repeated += repeated;
    }
    pthread_mutex_lock(&pipeline->lock);
    stats.failed = pipeline->failed;
    pthread_mutex_unlock(&pipeline->lock);
    return stats;
}

bool cgv_pipeline_output_failed(cgv_pipeline *pipeline, int output) {
    pthread_mutex_lock(&pipeline->lock);
    bool failed = pipeline->output_failed[output];
    pthread_mutex_unlock(&pipeline->lock);
    return failed;
}

int64_t cgv_pipeline_latency(cgv_pipeline *pipeline, double share) {
    int64_t most = 0;
    for (int i = 0; i < pipeline->params.sink_count; i++)
        if (!cgv_pipeline_output_failed(pipeline, i))
            most = FFMAX(most, cgv_sink_latency(pipeline->params.sinks[i], share));
    return most;
}

cgv_status cgv_pipeline_end(cgv_pipeline **handle, int *failed) {
    cgv_pipeline *pipeline = *handle;
    // An outlet that fails late stops the others: none is freed before all are through.
    pthread_mutex_lock(&pipeline->lock);
    while (pipeline->running)
        pthread_cond_wait(&pipeline->ended, &pipeline->lock);
    pthread_mutex_unlock(&pipeline->lock);
    for (int i = 0; i < pipeline->started; i++)
        pthread_join(pipeline->thread[i], NULL);
    for (int i = 0; i < pipeline->params.sink_count; i++)
        cgv_outlet_destroy(&pipeline->outlets[i]);
    cgv_status status = pipeline->status;
    if (failed)
        *failed = pipeline->failed;
    cgv_translator_destroy(&pipeline->translator);
    for (int i = 0; i < pipeline->in_flight; i++)
        cgv_pipeline_free_slot(&pipeline->slots[i]);
    av_frame_free(&pipeline->format);
    cgv_queue_destroy(&pipeline->decoded);
    av_buffer_pool_uninit(&pipeline->pool);
    cgv_latency_destroy(&pipeline->translate);
    pthread_cond_destroy(&pipeline->ended);
    pthread_mutex_destroy(&pipeline->lock);
    free(pipeline);
    *handle = NULL;
    return status;
}
