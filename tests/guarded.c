#include "guarded.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrier_check.h"

#define GUARD   4096u
#define PATTERN 0x7fcacaceu // a quiet NaN

cgv_status guarded_create(guarded *g, cgv_device *device, uint64_t bytes) {
    *g = (guarded){.before = malloc(bytes), .after = malloc(bytes)};
    cgv_status status = g->before && g->after ? CGV_OK : CGV_ERROR_MEMORY;
    if (!status)
        status = cgv_buffer_create(&g->buffer, device, bytes, CGV_MEMORY_DEVICE, "guarded memory");
    if (!status)
        status = cgv_cmd_create(&g->cmd, device, false);
    if (status)
        guarded_destroy(g);
    return status;
}

void guarded_destroy(guarded *g) {
    cgv_cmd_destroy(&g->cmd);
    cgv_buffer_destroy(&g->buffer);
    free(g->before);
    free(g->after);
    *g = (guarded){0};
}

static void fill(guarded *g, uint64_t from, uint64_t to) {
    static const uint32_t pattern = PATTERN;
    for (uint64_t i = from; i < to; i += 4)
        memcpy(g->before + i, &pattern, 4);
}

void guarded_begin(guarded *g) {
    g->zone_count = 0;
    g->used = GUARD + 8;
    fill(g, 0, g->used);
    cgv_cmd_begin(g->cmd);
}

uint64_t guarded_add(guarded *g, guarded_use use, const void *data, uint64_t bytes) {
    uint64_t offset = g->used, end = offset + (bytes + 15) / 16 * 16 + GUARD;
    if (g->zone_count == GUARDED_ZONES || end > g->buffer.size) {
        fprintf(stderr, "guarded memory is too small for this case\n");
        abort();
    }
    g->zones[g->zone_count++] = (guarded_zone){offset, bytes, use};
    fill(g, offset, end);
    if (data)
        memcpy(g->before + offset, data, bytes);
    g->used = end;
    return g->buffer.address + offset;
}

const float *guarded_result(const guarded *g, uint64_t address) {
    return (const float *)(const void *)(g->after + (address - g->buffer.address));
}

static const guarded_zone *zone_of(const guarded *g, uint64_t offset, uint64_t bytes) {
    for (int i = 0; i < g->zone_count; i++) {
        const guarded_zone *zone = &g->zones[i];
        if (offset >= zone->offset && offset + bytes <= zone->offset + zone->bytes)
            return zone;
    }
    return NULL;
}

// Every declared access is inside one tensor, and no write inside an input.
static bool check_declared(const guarded *g) {
    int count;
    const cgv_event *events = cgv_cmd_events(g->cmd, &count);
    const cgv_access *accesses = cgv_cmd_accesses(g->cmd);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < events[i].access_count; k++) {
            const cgv_access *access = &accesses[events[i].access_first + k];
            uint64_t offset = access->address - g->buffer.address;
            const guarded_zone *zone = zone_of(g, offset, access->bytes);
            if (!zone || (access->write && zone->use == GUARDED_INPUT)) {
                printf("%s declares that it %s %llu bytes at %llu, which is %s\n", events[i].label,
                       access->write ? "writes" : "reads", (unsigned long long)access->bytes,
                       (unsigned long long)offset, zone ? "an input" : "no tensor of this case");
                return false;
            }
        }
    return true;
}

static bool declared_write(const guarded *g, uint64_t offset) {
    int count;
    const cgv_event *events = cgv_cmd_events(g->cmd, &count);
    const cgv_access *accesses = cgv_cmd_accesses(g->cmd);
    int access_count = count ? events[count - 1].access_first + events[count - 1].access_count : 0;
    uint64_t address = g->buffer.address + offset;
    for (int i = 0; i < access_count; i++)
        if (accesses[i].write && address >= accesses[i].address &&
            address < accesses[i].address + accesses[i].bytes)
            return true;
    return false;
}

// Nothing changed but what was declared as written (which check_declared keeps inside tensors).
static bool check_changes(const guarded *g) {
    for (uint64_t i = 0; i < g->used; i += 4)
        if (memcmp(g->before + i, g->after + i, 4) && !declared_write(g, i)) {
            printf("the bytes at %llu changed, but no dispatch declared to write them\n",
                   (unsigned long long)i);
            return false;
        }
    return true;
}

static bool check_written(const guarded *g) {
    for (int z = 0; z < g->zone_count; z++) {
        const guarded_zone *zone = &g->zones[z];
        for (uint64_t i = 0; zone->use == GUARDED_OUTPUT && i < zone->bytes; i += 4) {
            float value;
            memcpy(&value, g->after + zone->offset + i, sizeof value);
            if (isnan(value)) {
                printf("element %llu of the output is %s\n", (unsigned long long)i / 4,
                       memcmp(g->before + zone->offset + i, &value, 4) ? "NaN" : "not written");
                return false;
            }
        }
    }
    return true;
}

bool guarded_run_nan(guarded *g) {
    if (cgv_buffer_write(&g->buffer, 0, g->before, g->used) || cgv_cmd_run(g->cmd) ||
        cgv_buffer_read(&g->buffer, 0, g->after, g->used)) {
        printf("the command list failed\n");
        return false;
    }
    return !cgv_check_cmd(g->cmd, &g->buffer, 1) && check_declared(g) && check_changes(g);
}

bool guarded_run(guarded *g) {
    return guarded_run_nan(g) && check_written(g);
}

bool guarded_run_twice(guarded *g, void (*record)(void *), void *opaque) {
    guarded_begin(g);
    record(opaque);
    if (!guarded_run(g))
        return false;
    uint64_t bytes = g->used;
    uint8_t *first = malloc(bytes);
    if (first)
        memcpy(first, g->after, bytes);
    guarded_begin(g);
    record(opaque);
    bool right = first && guarded_run(g);
    if (right && (g->used != bytes || memcmp(first, g->after, bytes))) {
        printf("the second run left other bytes than the first\n");
        right = false;
    }
    free(first);
    return right;
}
