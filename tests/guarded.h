// Device memory for op tests. Tensors lie between zones of a NaN pattern and outputs are filled
// with it, so that a read or write out of bounds and an element that was forgotten all show.
#ifndef CGV_TESTS_GUARDED_H
#define CGV_TESTS_GUARDED_H

#include "gpu/gpu.h"

#define GUARDED_ZONES 16

typedef enum guarded_use {
    GUARDED_INPUT,   // must stay as it is
    GUARDED_OUTPUT,  // must be written entirely, with no NaN
    GUARDED_SCRATCH, // may hold anything
} guarded_use;

typedef struct guarded_zone {
    uint64_t offset, bytes;
    guarded_use use;
} guarded_zone;

typedef struct guarded {
    cgv_buffer buffer;
    cgv_cmd *cmd; // what the case records into
    uint8_t *before, *after;
    uint64_t used;
    guarded_zone zones[GUARDED_ZONES];
    int zone_count;
} guarded;

CGV_NODISCARD cgv_status guarded_create(guarded *g, cgv_device *device, uint64_t bytes);
void guarded_destroy(guarded *g);

// Begin a case: forgets all tensors, begins the command list.
void guarded_begin(guarded *g);

// Add a tensor; its address is a multiple of 8 and not of 16. data NULL: filled with NaN.
// An output with data is worked on in place.
uint64_t guarded_add(guarded *g, guarded_use use, const void *data, uint64_t bytes);

// Upload, run the list and check it all: barriers and declared addresses (barrier_check.h), every
// declared access inside one tensor, no byte changed but in outputs and scratch and where a write
// was declared, outputs without NaN. False after printing what is wrong.
bool guarded_run(guarded *g);

// Begin, let `record` add tensors and record, and run; all of it twice. Right when both runs are,
// and leave the same bytes: no sum may depend on the order in which the device works.
bool guarded_run_twice(guarded *g, void (*record)(void *), void *opaque);

// guarded_run without the check for NaN, for cases that are about them.
bool guarded_run_nan(guarded *g);

// What the tensor at this address holds after the run.
const float *guarded_result(const guarded *g, uint64_t address);

#endif
