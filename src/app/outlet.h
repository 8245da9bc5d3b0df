// One output of a pipeline: a queue, a thread, a sink. What happens to it happens to no other one.
#ifndef CGV_APP_OUTLET_H
#define CGV_APP_OUTLET_H

#include <stdbool.h>

#include "app/job.h"
#include "video/queue.h"
#include "video/sink.h"

typedef struct cgv_outlet cgv_outlet;

typedef struct cgv_outlet_params {
    cgv_sink *sink;
    cgv_job *job;    // the sink is a segmented one; NULL: it is not
    AVRational rate; // constant rate to make of the frames that come; {0, 1}: they are as they are
    int most;        // ticks of that rate that a frame is given at most; 0: as many as there are
    bool live;       // never make others wait
    // Called from the outlet's thread when it is done: CGV_OK after the sink was finished.
    void (*ended)(void *opaque, cgv_outlet *outlet, cgv_status status);
    void *opaque;
} cgv_outlet_params;

// Set up; nothing runs yet. What params holds outlives the outlet.
CGV_NODISCARD cgv_status cgv_outlet_create(cgv_outlet **out, const cgv_outlet_params *params);
CGV_NODISCARD cgv_status cgv_outlet_start(cgv_outlet *outlet);

// Hand an item on; takes it. Waits while the queue is full, unless it is a live one: then the
// oldest frame goes. Items for an outlet that has ended vanish. Returns whether a frame went as the
// encoder was too slow, and not whoever reads the output.
bool cgv_outlet_push(cgv_outlet *outlet, cgv_item item);

// Whether its sink has been taking nothing for so long that it is stuck.
bool cgv_outlet_stuck(cgv_outlet *outlet);

// Have it end with a failure soon, even if its sink waits for somebody.
// May be called again: a signal may come too early.
void cgv_outlet_abandon(cgv_outlet *outlet);
bool cgv_outlet_abandoned(cgv_outlet *outlet);

// Nothing more comes in or out; for the end of everything.
void cgv_outlet_abort(cgv_outlet *outlet);

cgv_sink *cgv_outlet_sink(const cgv_outlet *outlet);

// Frames that were dropped as the sink was too slow, or by the rate conversion, and repeated.
void cgv_outlet_counts(cgv_outlet *outlet, int64_t *dropped, int64_t *repeated);

// Wait for its thread, free. NULL-safe.
void cgv_outlet_destroy(cgv_outlet **outlet);

#endif
