// What ops that blend pixels with the past share.
#ifndef CGV_OPS_STEADY_INTERNAL_H
#define CGV_OPS_STEADY_INTERNAL_H

#include "ops/steady.h"

// For the push constants of a shader with steady_pixel.glsl.
typedef struct cgv_steady_places {
    uint64_t history, offsets, state;
    int blocks_w;
} cgv_steady_places;

// Find where each block of y was, and declare what the dispatch that follows reads and writes.
cgv_steady_places cgv_steady_find(cgv_cmd *cmd, cgv_tensor y, const cgv_past *past);

#endif
