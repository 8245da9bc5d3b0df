// Which dispatches need a barrier before them. Plain host code: no validation layer sees accesses
// through device addresses, so this decision is tested on its own (tests/test_barriers.c).
#ifndef CGV_GPU_HAZARD_H
#define CGV_GPU_HAZARD_H

#include <stdbool.h>

#include "gpu/gpu.h"

// The accesses since the last barrier.
typedef struct cgv_hazards {
    cgv_access *pending;
    int count, capacity;
} cgv_hazards;

// True when an access of `next` conflicts (overlaps, and one of the two writes) with a pending one.
bool cgv_hazards_conflict(const cgv_hazards *hazards, const cgv_access *next, int count);

// False when out of memory.
CGV_NODISCARD bool cgv_hazards_add(cgv_hazards *hazards, const cgv_access *accesses, int count);

void cgv_hazards_barrier(cgv_hazards *hazards); // forget what is pending
void cgv_hazards_free(cgv_hazards *hazards);

#endif
