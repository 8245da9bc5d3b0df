#include "nn/layout.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/log.h"

static uint64_t align_up(uint64_t value) {
    return (value + CGV_STORAGE_ALIGN - 1) / CGV_STORAGE_ALIGN * CGV_STORAGE_ALIGN;
}

static int by_size_descending(const void *a, const void *b) {
    const cgv_storage *s = *(cgv_storage *const *)a, *t = *(cgv_storage *const *)b;
    if (s->bytes != t->bytes)
        return s->bytes < t->bytes ? 1 : -1;
    return s < t ? -1 : 1; // a total order, so that the layout is the same everywhere
}

static bool alive_together(const cgv_storage *a, const cgv_storage *b) {
    return a->first <= b->last && b->first <= a->last;
}

// The lowest offset in `block` that stays clear of the placed storages alive at the same time.
static uint64_t lowest_offset(cgv_storage *const *placed, int count, const cgv_storage *storage,
                              int block) {
    uint64_t offset = 0;
    bool moved;
    do {
        moved = false;
        for (int i = 0; i < count; i++) {
            const cgv_storage *other = placed[i];
            if (other->block == block && alive_together(other, storage) &&
                offset < other->offset + other->bytes && other->offset < offset + storage->bytes) {
                offset = align_up(other->offset + other->bytes);
                moved = true;
            }
        }
    } while (moved);
    return offset;
}

cgv_status cgv_layout_place(cgv_layout_plan *out, cgv_storage *storages, int count,
                            uint64_t block_limit) {
    *out = (cgv_layout_plan){0};
    cgv_storage **order = calloc((size_t)count + 1, sizeof *order);
    if (!order)
        return cgv_fail(CGV_ERROR_MEMORY, "planning memory: out of memory");
    for (int i = 0; i < count; i++)
        order[i] = &storages[i];
    qsort(order, (size_t)count, sizeof *order, by_size_descending);

    cgv_status status = CGV_OK;
    for (int i = 0; i < count && !status; i++) {
        cgv_storage *storage = order[i];
        int block = 0;
        uint64_t offset = 0;
        for (; block < CGV_MAX_BLOCKS; block++) {
            offset = lowest_offset(order, i, storage, block);
            if (offset + storage->bytes <= block_limit)
                break;
        }
        if (block == CGV_MAX_BLOCKS) {
            status = cgv_fail(CGV_ERROR_DEVICE_MEMORY,
                              "planning memory: a tensor of %llu MiB does not fit into %d "
                              "allocations of %llu MiB",
                              (unsigned long long)(storage->bytes >> 20), CGV_MAX_BLOCKS,
                              (unsigned long long)(block_limit >> 20));
            break;
        }
        storage->block = block;
        storage->offset = offset;
        if (offset + storage->bytes > out->block_bytes[block])
            out->block_bytes[block] = offset + storage->bytes;
        if (block >= out->blocks)
            out->blocks = block + 1;
    }
    free(order);
    return status;
}
