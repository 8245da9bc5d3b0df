// The decision where barriers go, and the checker that the other tests trust. No device needed.
#include <stdio.h>
#include <string.h>

#include "barrier_check.h"
#include "base/rng.h"
#include "gpu/hazard.h"
#include "support.h"

static cgv_access reads(uint64_t address, uint64_t bytes) {
    return (cgv_access){address, bytes, false};
}

static cgv_access writes(uint64_t address, uint64_t bytes) {
    return (cgv_access){address, bytes, true};
}

static bool conflicts_after(cgv_access pending, cgv_access next) {
    cgv_hazards hazards = {0};
    CU_ASSERT_FATAL(cgv_hazards_add(&hazards, &pending, 1));
    bool conflict = cgv_hazards_conflict(&hazards, &next, 1);
    cgv_hazards_free(&hazards);
    return conflict;
}

static void test_kinds(void) {
    CU_ASSERT(conflicts_after(writes(1024, 64), reads(1024, 64)));  // read after write
    CU_ASSERT(conflicts_after(reads(1024, 64), writes(1024, 64)));  // write after read
    CU_ASSERT(conflicts_after(writes(1024, 64), writes(1024, 64))); // write after write
    CU_ASSERT_FALSE(conflicts_after(reads(1024, 64), reads(1024, 64)));
}

static void test_ranges(void) {
    cgv_access base = writes(1024, 64);
    CU_ASSERT_FALSE(conflicts_after(base, reads(4096, 64))); // far away
    CU_ASSERT_FALSE(conflicts_after(base, reads(1088, 64))); // begins where it ends
    CU_ASSERT_FALSE(conflicts_after(base, reads(960, 64)));  // ends where it begins
    CU_ASSERT(conflicts_after(base, reads(1087, 1)));        // its last byte
    CU_ASSERT(conflicts_after(base, reads(960, 65)));        // its first byte
    CU_ASSERT(conflicts_after(base, reads(1040, 8)));        // a part of it
    CU_ASSERT(conflicts_after(base, reads(0, 1 << 20)));     // all around it
    CU_ASSERT_FALSE(conflicts_after(writes(0xffff000000, 16), reads(0xff000000, 16)));
}

static void test_pending(void) {
    cgv_hazards hazards = {0};
    cgv_access first[] = {writes(0x1000, 256), reads(0x2000, 256)};
    cgv_access second[] = {reads(0x3000, 256), writes(0x2080, 4)};
    CU_ASSERT_FALSE(cgv_hazards_conflict(&hazards, first, 2)); // nothing pending
    CU_ASSERT_FATAL(cgv_hazards_add(&hazards, first, 2));
    CU_ASSERT(cgv_hazards_conflict(&hazards, second, 2)); // its second with the second pending
    CU_ASSERT_FALSE(cgv_hazards_conflict(&hazards, second, 1));
    CU_ASSERT_FALSE(cgv_hazards_conflict(&hazards, second, 0));
    cgv_hazards_barrier(&hazards);
    CU_ASSERT_FALSE(cgv_hazards_conflict(&hazards, second, 2));
    CU_ASSERT_FATAL(cgv_hazards_add(&hazards, second, 2));
    CU_ASSERT(cgv_hazards_conflict(&hazards, first, 2));
    // Old accesses stay pending while many are added.
    for (int i = 0; i < 1000; i++) {
        cgv_access far = reads(0x100000 + 256 * (uint64_t)i, 256);
        CU_ASSERT_FATAL(cgv_hazards_add(&hazards, &far, 1));
    }
    CU_ASSERT(cgv_hazards_conflict(&hazards, first, 2));
    cgv_hazards_free(&hazards);
}

// ---- lists as a command list would record them ----

#define MAX_EVENTS 256

typedef struct list {
    cgv_event events[MAX_EVENTS];
    cgv_access accesses[4 * MAX_EVENTS];
    int count, access_count;
} list;

// Commands with up to three accesses to a few overlapping ranges.
static void random_list(list *l, cgv_rng *rng, int commands) {
    cgv_hazards hazards = {0};
    l->count = l->access_count = 0;
    for (int i = 0; i < commands; i++) {
        cgv_access *next = l->accesses + l->access_count;
        int n = 1 + (int)cgv_rng_below(rng, 3);
        for (int k = 0; k < n; k++)
            next[k] = (cgv_access){0x10000 + 64 * cgv_rng_below(rng, 40),
                                   1 + cgv_rng_below(rng, 200), cgv_rng_below(rng, 3) == 0};
        if (cgv_hazards_conflict(&hazards, next, n)) {
            cgv_hazards_barrier(&hazards);
            l->events[l->count++] = (cgv_event){0};
        }
        CU_ASSERT_FATAL(cgv_hazards_add(&hazards, next, n));
        l->events[l->count++] =
            (cgv_event){.label = "command", .access_first = l->access_count, .access_count = n};
        l->access_count += n;
    }
    cgv_hazards_free(&hazards);
}

// Every list passes, and none does without one of its barriers: each was needed, and the checker
// can tell.
static void test_random_lists(void) {
    static list l;
    static cgv_event without[MAX_EVENTS];
    cgv_rng rng;
    cgv_rng_seed(&rng, 7, 1);
    int barriers = 0, unnoticed = 0;
    for (int round = 0; round < 200; round++) {
        random_list(&l, &rng, 1 + (int)cgv_rng_below(&rng, 60));
        CU_ASSERT_EQUAL(cgv_check_barriers(l.events, l.count, l.accesses, stdout), 0);
    }
    for (int round = 0; round < 20; round++) {
        random_list(&l, &rng, 40);
        for (int i = 0; i < l.count; i++) {
            if (l.events[i].label)
                continue;
            barriers++;
            memcpy(without, l.events, (size_t)i * sizeof *without);
            memcpy(without + i, l.events + i + 1, (size_t)(l.count - i - 1) * sizeof *without);
            unnoticed += !cgv_check_barriers(without, l.count - 1, l.accesses, NULL);
        }
    }
    CU_ASSERT(barriers > 100);
    CU_ASSERT_EQUAL(unnoticed, 0);
}

static void test_undeclared_address(void) {
    cgv_buffer buffers[] = {{.address = 0x10000, .size = 4096}, {.address = 0x80000, .size = 256}};
    cgv_access accesses[] = {reads(0x10000, 1024), writes(0x80000, 256)};
    cgv_event event = {.label = "command", .access_count = 2, .push_bytes = 32};
    uint64_t good[4] = {0x10000, 0x80000 + 255, 0, 0x90000};
    memcpy(event.push, good, sizeof good);
    CU_ASSERT_EQUAL(cgv_check_addresses(&event, 1, accesses, buffers, 2, stdout), 0);
    event.access_count = 1; // the write is not declared
    CU_ASSERT_EQUAL(cgv_check_addresses(&event, 1, accesses, buffers, 2, NULL), 1);
    uint64_t beyond = 0x10000 + 1024; // in the buffer, past what is declared
    event.access_count = 2;
    memcpy(event.push + 24, &beyond, sizeof beyond);
    CU_ASSERT_EQUAL(cgv_check_addresses(&event, 1, accesses, buffers, 2, NULL), 1);
    event.push_bytes = 24; // what lies behind the push constants does not count
    CU_ASSERT_EQUAL(cgv_check_addresses(&event, 1, accesses, buffers, 2, NULL), 0);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"hazards: kinds of accesses", test_kinds},
        {"hazards: ranges", test_ranges},
        {"hazards: pending accesses and barriers", test_pending},
        {"random lists pass, and fail without any one barrier", test_random_lists},
        {"addresses that were not declared", test_undeclared_address},
        {0},
    };
    return cgv_test_run("barriers", cases);
}
