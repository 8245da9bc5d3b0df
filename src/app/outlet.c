#include "app/outlet.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "video/rate.h"

enum {
    QUEUE_FRAMES = 4,
    LIVE_FRAMES = 2, // for an encoder that is late now and then; more is only delay
    QUEUE_PACKETS = 256,
    LIVE_PACKETS = 2048,
    STUCK = 5000000, // microseconds in one call
};

struct cgv_outlet {
    cgv_outlet_params params;
    cgv_queue *queue;
    cgv_rate rate;
    pthread_t thread;
    bool started;
    atomic_bool abandoned;
    atomic_int_fast64_t late, dropped, repeated;
};

static cgv_status run(cgv_outlet *outlet) {
    cgv_sink *sink = outlet->params.sink;
    cgv_job *job = outlet->params.job;
    for (;;) {
        cgv_item item, out;
        cgv_status status = cgv_queue_pop(outlet->queue, &item);
        if (status)
            return status;
        bool end = item.kind == CGV_ITEM_END;
        if (item.kind == CGV_ITEM_PACKET)
            out = item;
        else
            cgv_rate_next(&outlet->rate, &out, item);
        atomic_store(&outlet->dropped, outlet->rate.dropped);
        atomic_store(&outlet->repeated, outlet->rate.repeated);
        status = job && out.kind == CGV_ITEM_FRAME ? cgv_job_write(job, sink, out)
                                                   : cgv_sink_write(sink, out);
        if (status)
            return status;
        if (end)
            break;
    }
    return job ? cgv_job_finish(job, sink) : cgv_sink_finish(sink);
}

static void *thread(void *opaque) {
    cgv_outlet *outlet = opaque;
    cgv_status status = run(outlet);
    cgv_queue_abort(outlet->queue);
    outlet->params.ended(outlet->params.opaque, outlet, status);
    return NULL;
}

cgv_status cgv_outlet_create(cgv_outlet **out, const cgv_outlet_params *params) {
    *out = NULL;
    cgv_outlet *outlet = calloc(1, sizeof *outlet);
    if (!outlet)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", cgv_sink_url(params->sink));
    outlet->params = *params;
    outlet->rate.rate = params->rate;
    outlet->rate.most = params->most;
    cgv_status status = cgv_queue_create(&outlet->queue, params->live ? LIVE_FRAMES : QUEUE_FRAMES,
                                         params->live ? LIVE_PACKETS : QUEUE_PACKETS);
    if (status)
        cgv_outlet_destroy(&outlet);
    *out = outlet;
    return status;
}

cgv_status cgv_outlet_start(cgv_outlet *outlet) {
    outlet->started = !pthread_create(&outlet->thread, NULL, thread, outlet);
    return outlet->started ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "cannot start a thread");
}

bool cgv_outlet_push(cgv_outlet *outlet, cgv_item item) {
    bool frame = item.kind == CGV_ITEM_FRAME, dropped = false;
    cgv_status ended = outlet->params.live ? cgv_queue_push_latest(outlet->queue, item, &dropped)
                                           : cgv_queue_push(outlet->queue, item);
    bool late = !ended && dropped && frame;
    atomic_fetch_add(&outlet->late, late);
    return late && !cgv_sink_waiting(outlet->params.sink);
}

bool cgv_outlet_stuck(cgv_outlet *outlet) {
    return cgv_sink_waiting(outlet->params.sink) > STUCK;
}

void cgv_outlet_abandon(cgv_outlet *outlet) {
    atomic_store(&outlet->abandoned, true);
    cgv_sink_abandon(outlet->params.sink);
    pthread_kill(outlet->thread, SIGUSR1); // a write that is blocked returns
}

bool cgv_outlet_abandoned(cgv_outlet *outlet) {
    return atomic_load(&outlet->abandoned);
}

void cgv_outlet_abort(cgv_outlet *outlet) {
    cgv_queue_abort(outlet->queue);
}

cgv_sink *cgv_outlet_sink(const cgv_outlet *outlet) {
    return outlet->params.sink;
}

void cgv_outlet_counts(cgv_outlet *outlet, int64_t *dropped, int64_t *repeated) {
    *dropped = atomic_load(&outlet->late) + atomic_load(&outlet->dropped);
    *repeated = atomic_load(&outlet->repeated);
}

void cgv_outlet_destroy(cgv_outlet **handle) {
    if (!handle || !*handle)
        return;
    cgv_outlet *outlet = *handle;
    if (outlet->started)
        pthread_join(outlet->thread, NULL);
    cgv_rate_clear(&outlet->rate);
    cgv_queue_destroy(&outlet->queue);
    free(outlet);
    *handle = NULL;
}
