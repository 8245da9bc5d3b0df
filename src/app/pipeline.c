#include "app/pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include <libavutil/imgutils.h>
#include <libavutil/time.h>

#include "app/blackness.h"
#include "app/ladder.h"
#include "app/outlet.h"
#include "app/pace.h"
#include "app/segments.h"
#include "base/log.h"
#include "filter/carry.h"
#include "filter/profile.h"
#include "video/av.h"
#include "video/black.h"
#include "video/colour.h"
#include "video/hdr.h"
#include "video/latency.h"
#include "video/rate.h"

enum {
    QUEUE_FRAMES = 4, // enough to keep every stage busy; frames are large
    QUEUE_PACKETS = 256,
    LIVE_FRAMES = 1,
    LIVE_PACKETS = 2048, // sound goes on while a heavy network takes its time
    MAX_SLOTS = 8,
    STAGES = 2,
};

struct cgv_pipeline {
    cgv_pipeline_params params;
    cgv_queue *decoded;
    cgv_outlet *outlets[CGV_MAX_OUTPUTS];
    pthread_t thread[STAGES];
    int started;
    pthread_mutex_t lock; // guards status, running, failed
    pthread_cond_t ended;
    cgv_status status; // the first failure of all
    int running, failed;
    bool output_ended[CGV_MAX_OUTPUTS];
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
    AVFrame *format; // of the input that the translator was made for; no data
    struct slot {
        AVFrame *out;
        AVFrame *in; // the input's picture, if it is still needed
        int repeat;
        bool begins; // a segment, with this state of the filter before it
        AVBufferRef *state;
        bool bright;    // the input's picture is
        int64_t sent;   // av_gettime_relative
    } slots[MAX_SLOTS]; // in flight, oldest first
    int in_flight;
    int64_t translated;
    cgv_blackness blackness;
    AVBufferPool *pool; // output pictures
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

// ---- translate

static cgv_status out_of_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "translate: out of memory");
}

static cgv_picture picture_of(const AVFrame *frame) {
    cgv_picture picture = {0};
    for (int i = 0; i < 4; i++) {
        picture.data[i] = frame->data[i];
        picture.stride[i] = frame->linesize[i];
    }
    return picture;
}

// The cause was said; this is what helps.
static void suggest_height(const cgv_pipeline *pipeline, const AVFrame *in) {
    int height = pipeline->made.net_height
                     ? pipeline->made.net_height
                     : cgv_carry_height(pipeline->params.model, in->width, in->height);
    height = height && height < in->height ? height : in->height;
    if (pipeline->params.auto_height && height > CGV_LADDER_LEAST)
        return; // a lower one is gone back to
    if (height > CGV_LADDER_LEAST)
        cgv_log(CGV_LOG_ERROR,
                "translate: the network at a height of %d is too large for this device: try "
                "-net_height %d",
                height, FFMAX(height / 2, CGV_LADDER_LEAST));
    else
        cgv_log(CGV_LOG_ERROR, "translate: pictures of %dx%d are too large for this device",
                in->width, in->height);
}

static cgv_status make_translator(cgv_pipeline *pipeline, const AVFrame *in) {
    const cgv_pipeline_params *params = &pipeline->params;
    cgv_picture_format from, to;
    cgv_status status = cgv_colour_format(&from, in);
    if (!status)
        status = cgv_colour_format(&to, params->format);
    if (status)
        return status;
    cgv_translator_destroy(&pipeline->translator);
    status = cgv_translator_create(&pipeline->translator, params->device, params->model, &from, &to,
                                   &pipeline->made);
    if (status == CGV_ERROR_DEVICE_MEMORY)
        suggest_height(pipeline, in);
    if (status)
        return status;
    int width, height;
    cgv_translator_net_size(pipeline->translator, &width, &height);
    atomic_store(&pipeline->net_height, height);
    atomic_store(&pipeline->memory, cgv_translator_memory(pipeline->translator));
    cgv_log(CGV_LOG_VERBOSE, "translator: %dx%d, %.1f MiB", from.width, from.height,
            (double)cgv_translator_memory(pipeline->translator) / (1 << 20));
    cgv_colour_copy(pipeline->format, in);
    return CGV_OK;
}

// A frame with room for the output picture; times and side data as the input's.
static AVFrame *output_frame(cgv_pipeline *pipeline, const AVFrame *in) {
    const AVFrame *like = pipeline->params.format;
    AVFrame *frame = av_frame_alloc();
    if (!frame || av_frame_copy_props(frame, in) < 0)
        goto fail;
    cgv_colour_copy(frame, like);
    if (cgv_hdr_transfer(in->color_trc) != CGV_TRANSFER_SDR)
        cgv_hdr_strip(frame);
    frame->buf[0] = av_buffer_pool_get(pipeline->pool);
    if (!frame->buf[0] || av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data,
                                               frame->format, frame->width, frame->height, 64) < 0)
        goto fail;
    return frame;
fail:
    av_frame_free(&frame);
    return NULL;
}

static void free_slot(struct slot *slot) {
    av_frame_free(&slot->out);
    av_frame_free(&slot->in);
    av_buffer_unref(&slot->state);
}

// To every output; the last one gets the item itself.
static cgv_status hand_out(cgv_pipeline *pipeline, cgv_item item) {
    int last = pipeline->params.sink_count - 1;
    cgv_status status = CGV_OK;
    if (item.kind == CGV_ITEM_FRAME && pipeline->params.show)
        pipeline->params.show(pipeline->params.show_to, &item);
    av_frame_free(&item.before);
    for (int i = 0; i < last && !status; i++) {
        cgv_item copy;
        status = cgv_item_clone(&copy, &item);
        if (!status)
            cgv_outlet_push(pipeline->outlets[i], copy);
    }
    if (status || last < 0)
        cgv_item_free(&item);
    else
        cgv_outlet_push(pipeline->outlets[last], item);
    return status;
}

// The time that there is for a frame, in seconds.
static double interval(const cgv_pipeline *pipeline) {
    AVRational rate = cgv_source_get_info(pipeline->params.source)->rate;
    return rate.num ? av_q2d(av_inv_q(rate)) : 1. / 25;
}

static void take_parts(cgv_pipeline *pipeline) {
    const cgv_profile_entry *entries;
    int count;
    double ms[CGV_PARTS];
    if (!pipeline->made.profile || cgv_translator_profile(pipeline->translator, &entries, &count))
        return;
    cgv_parts_sum(ms, entries, count);
    for (int p = 0; p < CGV_PARTS; p++) {
        double before = atomic_load(&pipeline->device_ms[p]);
        atomic_store(&pipeline->device_ms[p], before > 0 ? before + (ms[p] - before) / 16 : ms[p]);
    }
}

static void take_time(cgv_pipeline *pipeline, int64_t microseconds) {
    cgv_latency_add(&pipeline->translate, microseconds);
    take_parts(pipeline);
    if (!pipeline->params.auto_height)
        return;
    double seconds = (double)microseconds / AV_TIME_BASE;
    bool begun = pipeline->ladder.phase == CGV_LADDER_STEADY;
    cgv_ladder_next(&pipeline->ladder, seconds, interval(pipeline));
    bool steady = pipeline->ladder.phase == CGV_LADDER_STEADY;
    if (steady && (!begun || pipeline->ladder.height != pipeline->made.net_height))
        cgv_log(
            CGV_LOG_INFO,
            "quality: the network runs at a height of %d: %.1f ms a frame are expected, of %.1f",
            pipeline->ladder.height, 1000 * cgv_ladder_expected(&pipeline->ladder),
            1000 * interval(pipeline));
}

// The filter said what happened, but not where in the video.
static cgv_status failed_at(int64_t frame, cgv_status status) {
    cgv_log(CGV_LOG_ERROR, "translate: failed at frame %lld: %s", (long long)frame,
            cgv_status_text(status));
    return status;
}

// Wait for the oldest picture in flight and hand it on.
static cgv_status receive(cgv_pipeline *pipeline) {
    struct slot *slot = &pipeline->slots[0];
    cgv_picture picture = picture_of(slot->out);
    cgv_status status = cgv_translator_receive(pipeline->translator, &picture);
    if (status)
        return failed_at(pipeline->translated, status);
    take_time(pipeline, av_gettime_relative() - slot->sent);
    cgv_blackness_note(&pipeline->blackness, slot->bright, slot->bright && cgv_black(slot->out));
    if (slot->in && cgv_colour_keeps_alpha(slot->in, slot->out->format))
        cgv_colour_copy_alpha(slot->out, slot->in);
    cgv_item item = {.kind = CGV_ITEM_FRAME,
                     .frame = slot->out,
                     .before = slot->in,
                     .repeat = slot->repeat,
                     .begins = slot->begins,
                     .state = slot->state};
    pipeline->translated++;
    pipeline->in_flight--;
    for (int i = 0; i < pipeline->in_flight; i++)
        pipeline->slots[i] = pipeline->slots[i + 1];
    return hand_out(pipeline, item);
}

static cgv_status receive_all(cgv_pipeline *pipeline) {
    cgv_status status = CGV_OK;
    while (!status && pipeline->in_flight)
        status = receive(pipeline);
    return status;
}

// The translator for this frame and for what is wanted now.
static cgv_status suit_translator(cgv_pipeline *pipeline, const AVFrame *in) {
    cgv_translator_params wanted = pipeline->made;
    wanted.strength = atomic_load(&pipeline->strength);
    if (pipeline->params.auto_height)
        wanted.net_height = pipeline->ladder.height;
    if (cgv_colour_same(in, pipeline->format) && wanted.strength == pipeline->made.strength &&
        wanted.net_height == pipeline->made.net_height)
        return CGV_OK;
    int before = pipeline->translated ? pipeline->made.net_height : 0;
    cgv_status status = receive_all(pipeline);
    pipeline->made = wanted;
    if (!status)
        status = make_translator(pipeline, in);
    if (status != CGV_ERROR_DEVICE_MEMORY || !pipeline->params.auto_height ||
        wanted.net_height <= before || !before)
        return status;
    cgv_ladder_limit(&pipeline->ladder, before);
    pipeline->made.net_height = before;
    cgv_log(CGV_LOG_WARNING, "quality: so the network stays at a height of %d", before);
    return make_translator(pipeline, in);
}

static cgv_status send(cgv_pipeline *pipeline, const AVFrame *in) {
    cgv_picture picture = picture_of(in);
    cgv_status status = cgv_translator_send(pipeline->translator, &picture);
    bool failed = status && status != CGV_AGAIN;
    return failed ? failed_at(pipeline->translated + pipeline->in_flight, status) : status;
}

// The frame that is to be sent next may begin a segment.
static cgv_status begin_segment(cgv_pipeline *pipeline, struct slot *slot, const AVFrame *in) {
    bool first = pipeline->segments.segment < 0;
    slot->begins = cgv_segments_begin(&pipeline->segments, in);
    if (!slot->begins)
        return CGV_OK;
    if (first)
        return cgv_segments_restore(&pipeline->segments, pipeline->translator);
    cgv_status status = receive_all(pipeline);
    return status ? status : cgv_segments_save(&slot->state, pipeline->translator);
}

static cgv_status translate_frame(cgv_pipeline *pipeline, const cgv_item *item) {
    const AVFrame *in = item->frame;
    cgv_status status = suit_translator(pipeline, in);
    if (status)
        return status;
    struct slot slot = {.out = output_frame(pipeline, in),
                        .repeat = item->repeat,
                        .bright = cgv_bright(in),
                        .sent = av_gettime_relative()};
    bool keep =
        pipeline->params.show || cgv_colour_keeps_alpha(in, pipeline->params.format->format);
    if (keep)
        slot.in = av_frame_clone(in);
    status = !slot.out || (keep && !slot.in) ? out_of_memory() : begin_segment(pipeline, &slot, in);
    if (status) {
        free_slot(&slot);
        return status;
    }
    while ((status = send(pipeline, in)) == CGV_AGAIN) {
        status = receive(pipeline);
        if (status)
            break;
    }
    if (status)
        free_slot(&slot);
    else
        pipeline->slots[pipeline->in_flight++] = slot;
    // The next frame comes when it likes: this one does not wait for it.
    return status || !pipeline->params.live ? status : receive_all(pipeline);
}

static cgv_status translate(cgv_pipeline *pipeline) {
    for (;;) {
        cgv_item item;
        cgv_status status = cgv_queue_pop(pipeline->decoded, &item);
        if (status)
            return status;
        if (item.kind == CGV_ITEM_PACKET) {
            status = hand_out(pipeline, item);
        } else if (item.kind == CGV_ITEM_FRAME) {
            status = translate_frame(pipeline, &item);
            cgv_item_free(&item);
        } else {
            status = receive_all(pipeline);
            if (!status && !atomic_load(pipeline->params.stop)) // who stops it wants what there is
                status = cgv_blackness_judge(&pipeline->blackness);
            return status ? status : hand_out(pipeline, item);
        }
        if (status)
            return status;
    }
}

static void *translate_thread(void *opaque) {
    stage_ended(opaque, translate(opaque));
    return NULL;
}

// ----

static cgv_status create_outlets(cgv_pipeline *pipeline) {
    const cgv_pipeline_params *params = &pipeline->params;
    cgv_status status = CGV_OK;
    for (int i = 0; i < params->sink_count && !status; i++) {
        cgv_outlet_params outlet = {
            .sink = params->sinks[i],
            .job = params->job,
            .rate = params->rate.num ? (AVRational){0, 1} : cgv_sink_rate(params->sinks[i]),
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
        return out_of_memory();
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
    return status ? status : make_translator(pipeline, in);
}

static void count_running(cgv_pipeline *pipeline, int more) {
    pthread_mutex_lock(&pipeline->lock);
    pipeline->running += more;
    pthread_mutex_unlock(&pipeline->lock);
}

static cgv_status start_threads(cgv_pipeline *pipeline) {
    static void *(*const stage[STAGES])(void *) = {decode_thread, translate_thread};
    cgv_status status = CGV_OK;
    for (int i = 0; i < pipeline->params.sink_count && !status; i++) {
        count_running(pipeline, 1);
        status = cgv_outlet_start(pipeline->outlets[i]);
        if (status)
            stage_ended(pipeline, status);
    }
    while (!status && pipeline->started < STAGES) {
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
        return out_of_memory();
    pipeline->params = *params;
    cgv_segments_init(&pipeline->segments, params->job,
                      cgv_source_get_info(params->source)->input->url);
    pipeline->made = params->translator;
    pipeline->made.profile = params->live && cgv_device_has_timestamps(params->device);
    atomic_init(&pipeline->strength, params->translator.strength);
    pthread_mutex_init(&pipeline->lock, NULL);
    pthread_cond_init(&pipeline->ended, NULL);
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
    clock_gettime(CLOCK_REALTIME, &until);
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

int64_t cgv_pipeline_latency(cgv_pipeline *pipeline, double share) {
    int64_t most = 0;
    for (int i = 0; i < pipeline->params.sink_count; i++)
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
        free_slot(&pipeline->slots[i]);
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
