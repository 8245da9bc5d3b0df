#include "gpu/hazard.h"

#include <stdlib.h>
#include <string.h>

static bool overlap(const cgv_access *a, const cgv_access *b) {
    return a->address < b->address + b->bytes && b->address < a->address + a->bytes;
}

bool cgv_hazards_conflict(const cgv_hazards *hazards, const cgv_access *next, int count) {
    for (int i = 0; i < hazards->count; i++)
        for (int j = 0; j < count; j++)
            if ((hazards->pending[i].write || next[j].write) &&
                overlap(&hazards->pending[i], &next[j]))
                return true;
    return false;
}

bool cgv_hazards_add(cgv_hazards *hazards, const cgv_access *accesses, int count) {
    if (hazards->count + count > hazards->capacity) {
        int capacity = 2 * (hazards->count + count);
        cgv_access *grown = realloc(hazards->pending, (size_t)capacity * sizeof *grown);
        if (!grown)
            return false;
        hazards->pending = grown;
        hazards->capacity = capacity;
    }
    if (count)
        memcpy(hazards->pending + hazards->count, accesses, (size_t)count * sizeof *accesses);
    hazards->count += count;
    return true;
}

void cgv_hazards_barrier(cgv_hazards *hazards) {
    hazards->count = 0;
}

void cgv_hazards_free(cgv_hazards *hazards) {
    free(hazards->pending);
    *hazards = (cgv_hazards){0};
}
