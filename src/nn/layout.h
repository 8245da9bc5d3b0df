// Where temporary tensors lie in memory: those that are never alive together share it.
// Plain host code, no Vulkan.
#ifndef CGV_NN_LAYOUT_H
#define CGV_NN_LAYOUT_H

#include <stdint.h>

#include "cgvideo/status.h"

// A piece of memory alive from step `first` to step `last`, both included.
typedef struct cgv_storage {
    uint64_t bytes;
    int first, last;
    int block;       // where it was placed
    uint64_t offset; // a multiple of CGV_STORAGE_ALIGN
} cgv_storage;

#define CGV_STORAGE_ALIGN 256
#define CGV_MAX_BLOCKS    64

typedef struct cgv_layout_plan {
    uint64_t block_bytes[CGV_MAX_BLOCKS];
    int blocks;
} cgv_layout_plan;

// Place the storages in as few bytes as a greedy search finds (largest first, lowest offset that
// is free over its lifetime), in blocks of at most `block_limit` bytes each.
// CGV_ERROR_DEVICE_MEMORY when one storage alone exceeds the limit, or CGV_MAX_BLOCKS do not
// suffice.
CGV_NODISCARD cgv_status cgv_layout_place(cgv_layout_plan *out, cgv_storage *storages, int count,
                                          uint64_t block_limit);

#endif
