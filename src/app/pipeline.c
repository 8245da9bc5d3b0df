#include "app/pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include <libavutil/imgutils.h>

#include "base/log.h"
#include "video/av.h"
#include "video/colour.h"
#include "video/hdr.h"
#include "video/rate.h"

enum {
    QUEUE_FRAMES = 4, // enough to keep every stage busy; frames are large
    QUEUE_PACKETS = 256,
    MAX_SLOTS = 8,
    STAGES = 3,
};

struct cgv_pipeline {
    cgv_pipeline_params params;
    cgv_queue *decoded, *translated;
    pthread_t thread[STAGES];
    int started;
    pthread_mutex_t lock; // guards status, running
    pthread_cond_t ended;
    cgv_status status; // the first failure
    int running;
    atomic_int_fast64_t dropped, repeated;
    // Of the translate stage:
    cgv_translator *translator;
    AVFrame *format; // of the input that the translator was made for; no data
    struct slot {
        AVFrame *out;
        AVFrame *alpha; // the input frame, if its alpha is wanted
        int repeat;
    } slots[MAX_SLOTS]; // in flight, oldest first
    int in_flight;
    int64_t received;
    AVBufferPool *pool; // output pictures
};

// The first failure stops the other stages; what they then report is only its echo.
static void stage_ended(cgv_pipeline *pipeline, cgv_status status) {
    if (status) {
        cgv_queue_abort(pipeline->decoded);
        cgv_queue_abort(pipeline->translated);
    }
    pthread_mutex_lock(&pipeline->lock);
    if (!pipeline->status)
        pipeline->status = status;
    pipeline->running--;
    pthread_cond_signal(&pipeline->ended);
    pthread_mutex_unlock(&pipeline->lock);
}

// ---- decode

static cgv_status decode(cgv_pipeline *pipeline, cgv_rate *rate) {
    for (;;) {
        cgv_item item, out;
        cgv_status status = cgv_source_read(pipeline->params.source, &item);
        bool end = status == CGV_END;
        if (status && !end)
            return status;
        if (item.kind == CGV_ITEM_PACKET) {
            out = item;
        } else {
            cgv_rate_next(rate, &out, item);
            atomic_store(&pipeline->dropped, rate->dropped);
            atomic_store(&pipeline->repeated, rate->repeated);
        }
        status = out.kind == CGV_ITEM_END ? CGV_OK : cgv_queue_push(pipeline->decoded, out);
        if (!status && end)
            return cgv_queue_push(pipeline->decoded, (cgv_item){.kind = CGV_ITEM_END});
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

static cgv_status make_translator(cgv_pipeline *pipeline, const AVFrame *in) {
    const cgv_pipeline_params *params = &pipeline->params;
    const AVFrame *out = cgv_sink_format(params->sink);
    cgv_picture_format from, to;
    cgv_status status = cgv_colour_format(&from, in);
    if (!status)
        status = cgv_colour_format(&to, out);
    if (status)
        return status;
    cgv_translator_destroy(&pipeline->translator);
    status = cgv_translator_create(&pipeline->translator, params->device, params->model, &from, &to,
                                   &params->translator);
    if (status)
        return status;
    cgv_log(CGV_LOG_VERBOSE, "translator: %dx%d, %.1f MiB", from.width, from.height,
            (double)cgv_translator_memory(pipeline->translator) / (1 << 20));
    cgv_colour_copy(pipeline->format, in);
    return CGV_OK;
}

// A frame with room for the output picture; times and side data as the input's.
static AVFrame *output_frame(cgv_pipeline *pipeline, const AVFrame *in) {
    const AVFrame *like = cgv_sink_format(pipeline->params.sink);
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
    av_frame_free(&slot->alpha);
}

// Wait for the oldest picture in flight and hand it on.
static cgv_status receive(cgv_pipeline *pipeline) {
    struct slot *slot = &pipeline->slots[0];
    cgv_picture picture = picture_of(slot->out);
    cgv_status status = cgv_translator_receive(pipeline->translator, &picture);
    if (status) {
        // The filter said what happened, but not where in the video.
        cgv_log(CGV_LOG_ERROR, "translate: failed at frame %lld: %s", (long long)pipeline->received,
                cgv_status_text(status));
        return status;
    }
    if (slot->alpha)
        cgv_colour_copy_alpha(slot->out, slot->alpha);
    cgv_item item = {.kind = CGV_ITEM_FRAME, .frame = slot->out, .repeat = slot->repeat};
    slot->out = NULL;
    free_slot(slot);
    pipeline->received++;
    pipeline->in_flight--;
    for (int i = 0; i < pipeline->in_flight; i++)
        pipeline->slots[i] = pipeline->slots[i + 1];
    return cgv_queue_push(pipeline->translated, item);
}

static cgv_status receive_all(cgv_pipeline *pipeline) {
    cgv_status status = CGV_OK;
    while (!status && pipeline->in_flight)
        status = receive(pipeline);
    return status;
}

static cgv_status translate_frame(cgv_pipeline *pipeline, const cgv_item *item) {
    const AVFrame *in = item->frame;
    cgv_status status = CGV_OK;
    if (!cgv_colour_same(in, pipeline->format)) {
        status = receive_all(pipeline);
        if (!status)
            status = make_translator(pipeline, in);
    }
    if (status)
        return status;
    struct slot slot = {.out = output_frame(pipeline, in), .repeat = item->repeat};
    bool alpha = cgv_colour_keeps_alpha(in, cgv_sink_format(pipeline->params.sink)->format);
    if (alpha)
        slot.alpha = av_frame_clone(in);
    if (!slot.out || (alpha && !slot.alpha)) {
        free_slot(&slot);
        return out_of_memory();
    }
    cgv_picture picture = picture_of(in);
    while ((status = cgv_translator_send(pipeline->translator, &picture)) == CGV_AGAIN) {
        status = receive(pipeline);
        if (status)
            break;
    }
    if (status)
        free_slot(&slot);
    else
        pipeline->slots[pipeline->in_flight++] = slot;
    return status;
}

static cgv_status translate(cgv_pipeline *pipeline) {
    for (;;) {
        cgv_item item;
        cgv_status status = cgv_queue_pop(pipeline->decoded, &item);
        if (status)
            return status;
        if (item.kind == CGV_ITEM_PACKET) {
            status = cgv_queue_push(pipeline->translated, item);
        } else if (item.kind == CGV_ITEM_FRAME) {
            status = translate_frame(pipeline, &item);
            cgv_item_free(&item);
        } else {
            status = receive_all(pipeline);
            return status ? status : cgv_queue_push(pipeline->translated, item);
        }
        if (status)
            return status;
    }
}

static void *translate_thread(void *opaque) {
    stage_ended(opaque, translate(opaque));
    return NULL;
}

// ---- encode

static cgv_status encode(cgv_pipeline *pipeline) {
    for (;;) {
        cgv_item item;
        cgv_status status = cgv_queue_pop(pipeline->translated, &item);
        if (status)
            return status;
        if (item.kind == CGV_ITEM_END)
            return cgv_sink_finish(pipeline->params.sink);
        status = cgv_sink_write(pipeline->params.sink, item);
        if (status)
            return status;
    }
}

static void *encode_thread(void *opaque) {
    stage_ended(opaque, encode(opaque));
    return NULL;
}

// ----

static cgv_status prepare(cgv_pipeline *pipeline) {
    const AVFrame *out = cgv_sink_format(pipeline->params.sink);
    int size = av_image_get_buffer_size(out->format, out->width, out->height, 64);
    if (size < 0)
        return cgv_av_fail(size, "translate: %dx%d pictures", out->width, out->height);
    pipeline->pool = av_buffer_pool_init((size_t)size, NULL);
    pipeline->format = av_frame_alloc();
    if (!pipeline->pool || !pipeline->format)
        return out_of_memory();
    cgv_status status = cgv_queue_create(&pipeline->decoded, QUEUE_FRAMES, QUEUE_PACKETS);
    if (!status)
        status = cgv_queue_create(&pipeline->translated, QUEUE_FRAMES, QUEUE_PACKETS);
    if (!status)
        status = make_translator(pipeline, cgv_source_get_info(pipeline->params.source)->first);
    return status;
}

cgv_status cgv_pipeline_start(cgv_pipeline **out, const cgv_pipeline_params *params) {
    static void *(*const stage[STAGES])(void *) = {decode_thread, translate_thread, encode_thread};
    *out = NULL;
    cgv_pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        return out_of_memory();
    pipeline->params = *params;
    pthread_mutex_init(&pipeline->lock, NULL);
    pthread_cond_init(&pipeline->ended, NULL);
    cgv_status status = prepare(pipeline);
    while (!status && pipeline->started < STAGES) {
        pthread_mutex_lock(&pipeline->lock);
        pipeline->running++;
        pthread_mutex_unlock(&pipeline->lock);
        if (pthread_create(&pipeline->thread[pipeline->started], NULL, stage[pipeline->started],
                           pipeline)) {
            status = cgv_fail(CGV_ERROR_MEMORY, "cannot start a thread");
            stage_ended(pipeline, status);
        } else {
            pipeline->started++;
        }
    }
    if (!status) {
        *out = pipeline;
        return CGV_OK;
    }
    cgv_status ignored = cgv_pipeline_end(&pipeline); // the same failure, or its echo
    (void)ignored;
    return status;
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
    return ended;
}

void cgv_pipeline_interrupt(cgv_pipeline *pipeline) {
    pthread_kill(pipeline->thread[0], SIGUSR1);
}

void cgv_pipeline_rate_counts(const cgv_pipeline *pipeline, int64_t *dropped, int64_t *repeated) {
    cgv_pipeline *p = (cgv_pipeline *)pipeline; // atomic_load takes no const before C17
    *dropped = atomic_load(&p->dropped);
    *repeated = atomic_load(&p->repeated);
}

cgv_status cgv_pipeline_end(cgv_pipeline **handle) {
    cgv_pipeline *pipeline = *handle;
    for (int i = 0; i < pipeline->started; i++)
        pthread_join(pipeline->thread[i], NULL);
    cgv_status status = pipeline->status;
    cgv_translator_destroy(&pipeline->translator);
    for (int i = 0; i < pipeline->in_flight; i++)
        free_slot(&pipeline->slots[i]);
    av_frame_free(&pipeline->format);
    cgv_queue_destroy(&pipeline->decoded);
    cgv_queue_destroy(&pipeline->translated);
    av_buffer_pool_uninit(&pipeline->pool);
    pthread_cond_destroy(&pipeline->ended);
    pthread_mutex_destroy(&pipeline->lock);
    free(pipeline);
    *handle = NULL;
    return status;
}
