// Placing temporary tensors in memory.
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "messages.h"
#include "nn/layout.h"
#include "support.h"

#define MAX_STORAGES 80
#define STEPS        40

static uint64_t aligned(uint64_t bytes) {
    return (bytes + CGV_STORAGE_ALIGN - 1) / CGV_STORAGE_ALIGN * CGV_STORAGE_ALIGN;
}

static bool disjoint(const cgv_storage *a, const cgv_storage *b) {
    return a->block != b->block || a->last < b->first || b->last < a->first ||
           a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset;
}

// What every layout must hold to.
static bool valid(const cgv_layout_plan *plan, const cgv_storage *storages, int count,
                  uint64_t limit) {
    uint64_t sum = 0, total = 0, end[CGV_MAX_BLOCKS] = {0};
    bool right = true;
    for (int i = 0; i < count; i++) {
        const cgv_storage *s = &storages[i];
        right &= s->block >= 0 && s->block < plan->blocks && s->offset % CGV_STORAGE_ALIGN == 0;
        if (!right)
            return false;
        if (s->offset + s->bytes > end[s->block])
            end[s->block] = s->offset + s->bytes;
        sum += aligned(s->bytes);
        for (int j = 0; j < i; j++)
            right &= disjoint(s, &storages[j]);
    }
    for (int b = 0; b < plan->blocks; b++) {
        right &= plan->block_bytes[b] == end[b] && end[b] <= limit;
        total += plan->block_bytes[b];
    }
    // At no step is more alive than there is memory.
    for (int step = 0; step < STEPS; step++) {
        uint64_t alive = 0;
        for (int i = 0; i < count; i++)
            if (storages[i].first <= step && step <= storages[i].last)
                alive += storages[i].bytes;
        right &= alive <= total;
    }
    return right && total <= sum;
}

static int random_storages(cgv_rng *rng, cgv_storage *storages) {
    int count = 1 + (int)cgv_rng_below(rng, MAX_STORAGES);
    for (int i = 0; i < count; i++) {
        int first = (int)cgv_rng_below(rng, STEPS), length = (int)cgv_rng_below(rng, 8);
        int last = first + length < STEPS ? first + length : STEPS - 1;
        storages[i] = (cgv_storage){.bytes = cgv_rng_below(rng, i % 3 ? 5000 : 700),
                                    .first = first,
                                    .last = last,
                                    .block = -1};
    }
    return count;
}

static void test_random(void) {
    cgv_rng rng;
    cgv_rng_seed(&rng, 1, 1);
    int several = 0;
    for (int round = 0; round < 500; round++) {
        cgv_storage storages[MAX_STORAGES], again[MAX_STORAGES];
        int count = random_storages(&rng, storages);
        uint64_t limit = round % 2 ? UINT64_MAX / 2 : 5000 + cgv_rng_below(&rng, 5000);
        memcpy(again, storages, sizeof storages);
        cgv_layout_plan plan, second;
        CU_ASSERT_EQUAL_FATAL(cgv_layout_place(&plan, storages, count, limit), CGV_OK);
        CU_ASSERT(valid(&plan, storages, count, limit));
        CU_ASSERT(plan.blocks == 1 || !(round % 2));
        several += plan.blocks > 1;
        CU_ASSERT_EQUAL(cgv_layout_place(&second, again, count, limit), CGV_OK);
        for (int i = 0; i < count; i++)
            CU_ASSERT(again[i].block == storages[i].block && again[i].offset == storages[i].offset);
        CU_ASSERT_EQUAL(second.blocks, plan.blocks);
        CU_ASSERT_EQUAL(memcmp(second.block_bytes, plan.block_bytes, sizeof plan.block_bytes), 0);
    }
    CU_ASSERT(several > 100); // the limits were tight enough to be tested
}

static void test_chain(void) {
    // Each is read by the next only: two places are enough, whatever the length.
    cgv_storage chain[20];
    for (int i = 0; i < 20; i++)
        chain[i] = (cgv_storage){.bytes = 1000, .first = i, .last = i + 1};
    cgv_layout_plan plan;
    CU_ASSERT_EQUAL_FATAL(cgv_layout_place(&plan, chain, 20, 1 << 20), CGV_OK);
    CU_ASSERT(valid(&plan, chain, 20, 1 << 20));
    CU_ASSERT_EQUAL(plan.blocks, 1);
    CU_ASSERT_EQUAL(plan.block_bytes[0], 1024 + 1000);

    // All alive at once: nothing can be shared.
    for (int i = 0; i < 20; i++)
        chain[i] = (cgv_storage){.bytes = 1000, .first = 0, .last = 9};
    CU_ASSERT_EQUAL_FATAL(cgv_layout_place(&plan, chain, 20, 1 << 20), CGV_OK);
    CU_ASSERT(valid(&plan, chain, 20, 1 << 20));
    CU_ASSERT_EQUAL(plan.block_bytes[0], 19 * 1024 + 1000);

    CU_ASSERT_EQUAL(cgv_layout_place(&plan, chain, 0, 1 << 20), CGV_OK);
    CU_ASSERT_EQUAL(plan.blocks, 0);
}

static void test_limit(void) {
    cgv_test_listen();
    cgv_storage storages[CGV_MAX_BLOCKS + 1];
    for (int i = 0; i <= CGV_MAX_BLOCKS; i++)
        storages[i] = (cgv_storage){.bytes = 1000, .first = 0, .last = 1};
    cgv_layout_plan plan;
    CU_ASSERT_EQUAL(cgv_layout_place(&plan, storages, 1, 1000), CGV_OK);
    CU_ASSERT_EQUAL(cgv_layout_place(&plan, storages, 1, 999), CGV_ERROR_DEVICE_MEMORY);
    CU_ASSERT(cgv_test_said("does not fit"));
    // One a block, and one block too few.
    CU_ASSERT_EQUAL(cgv_layout_place(&plan, storages, CGV_MAX_BLOCKS, 1500), CGV_OK);
    CU_ASSERT_EQUAL(plan.blocks, CGV_MAX_BLOCKS);
    CU_ASSERT(valid(&plan, storages, CGV_MAX_BLOCKS, 1500));
    CU_ASSERT_EQUAL(cgv_layout_place(&plan, storages, CGV_MAX_BLOCKS + 1, 1500),
                    CGV_ERROR_DEVICE_MEMORY);
    CU_ASSERT(cgv_test_said("does not fit"));
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"random storages", test_random},
        {"chains", test_chain},
        {"limits", test_limit},
        {0},
    };
    return cgv_test_run("layout", cases);
}
