// What a device can do at best: what is run to find out does what it says, and the rates make
// sense.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "barrier_check.h"
#include "base/rng.h"
#include "ops/roofline.h"
#include "support.h"

#include "roofline_fma.h"

static void create(cgv_buffer *buffer, uint64_t bytes) {
    CU_ASSERT_EQUAL_FATAL(
        cgv_buffer_create(buffer, cgv_test_device(), bytes, CGV_MEMORY_DEVICE, "test"), CGV_OK);
}

static void run(cgv_cmd *cmd, const cgv_buffer *buffers, int count) {
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_run(cmd), CGV_OK);
    CU_ASSERT_EQUAL(cgv_check_cmd(cmd, buffers, count), 0);
}

static double expected(int invocation, int rounds, float a, float b) {
    double sum = 0;
    for (int c = 0; c < ROOFLINE_CHAINS; c++) {
        float x = (float)((invocation & 63) + c);
        for (int i = 0; i < rounds * ROOFLINE_STEPS; i++)
            x = fmaf(a, x, b);
        sum += x;
    }
    return sum;
}

// Every product counts: with `a` near 1 a result tells how many there were.
static void test_fma(void) {
    enum { COUNT = 1000, SPARE = 24 };
    static const int rounds[] = {0, 1, 2, 7};
    static float got[COUNT + SPARE];
    const float a = 0.99f, b = -0.5f;
    cgv_buffer y;
    cgv_cmd *cmd;
    create(&y, sizeof got);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, cgv_test_device(), false), CGV_OK);
    for (size_t r = 0; r < sizeof rounds / sizeof *rounds; r++) {
        cgv_cmd_begin(cmd);
        cgv_cmd_fill(cmd, &y, 0, sizeof got, 0x42f60000); // 123
        cgv_roofline_fma(cmd, y.address, COUNT, rounds[r], a, b);
        run(cmd, &y, 1);
        CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(&y, 0, got, sizeof got), CGV_OK);
        for (int i = 0; i < COUNT; i++) {
            double wanted = expected(i, rounds[r], a, b);
            CU_ASSERT_DOUBLE_EQUAL(got[i], wanted, 1e-4 * (1 + fabs(wanted)));
        }
        for (int i = COUNT; i < COUNT + SPARE; i++)
            CU_ASSERT_EQUAL(got[i], 123);
    }
    CU_ASSERT_DOUBLE_EQUAL(cgv_roofline_fma_flops(COUNT, 7),
                           2.0 * COUNT * 7 * ROOFLINE_STEPS * ROOFLINE_CHAINS, 0);
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&y);
}

static void test_copy(void) {
    static const uint64_t sizes[] = {64, 4160, 3 << 20};
    cgv_rng rng;
    cgv_rng_seed(&rng, 5, 0);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint64_t bytes = sizes[s], spare = 256;
        float *from = malloc(bytes), *to = malloc(bytes + spare);
        CU_ASSERT_FATAL(from && to);
        for (uint64_t i = 0; i < bytes / sizeof *from; i++)
            from[i] = cgv_rng_float(&rng);
        cgv_buffer buffers[2]; // to, from
        cgv_cmd *cmd;
        create(&buffers[0], bytes + spare);
        create(&buffers[1], bytes);
        CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, cgv_test_device(), false), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_buffer_write(&buffers[1], 0, from, bytes), CGV_OK);
        cgv_cmd_begin(cmd);
        cgv_cmd_fill(cmd, &buffers[0], 0, bytes + spare, 0x42f60000);
        cgv_roofline_copy(cmd, buffers[0].address, buffers[1].address, bytes);
        run(cmd, buffers, 2);
        CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(&buffers[0], 0, to, bytes + spare), CGV_OK);
        CU_ASSERT(!memcmp(to, from, bytes));
        for (uint64_t i = bytes / sizeof *to; i < (bytes + spare) / sizeof *to; i++)
            CU_ASSERT_EQUAL(to[i], 123);
        cgv_cmd_destroy(&cmd);
        cgv_buffer_destroy(&buffers[0]);
        cgv_buffer_destroy(&buffers[1]);
        free(from);
        free(to);
    }
}

// Any device that runs this is between a millionth and a thousand times of one of today.
static void test_measure(void) {
    cgv_roofline roofline;
    CU_ASSERT_EQUAL_FATAL(cgv_roofline_measure(&roofline, cgv_test_device()), CGV_OK);
    CU_ASSERT(isfinite(roofline.flops) && roofline.flops > 1e7 && roofline.flops < 1e17);
    CU_ASSERT(isfinite(roofline.bytes) && roofline.bytes > 1e7 && roofline.bytes < 1e15);
    CU_ASSERT(roofline.copied > 0 && roofline.copied % 64 == 0);
    CU_ASSERT(roofline.copied <= cgv_device_get_info(cgv_test_device())->memory / 16);
}

static void test_bound(void) {
    const cgv_roofline roofline = {.flops = 1e9, .bytes = 1e8};
    cgv_roofline_bound arithmetic = cgv_roofline_of(&roofline, 2e9, 1e8);
    CU_ASSERT(arithmetic.arithmetic);
    CU_ASSERT_DOUBLE_EQUAL(arithmetic.ms, 2000, 1e-9);
    cgv_roofline_bound memory = cgv_roofline_of(&roofline, 2e9, 3e8);
    CU_ASSERT(!memory.arithmetic);
    CU_ASSERT_DOUBLE_EQUAL(memory.ms, 3000, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cgv_roofline_of(&roofline, 0, 0).ms, 0, 0);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"chains of multiply-adds", test_fma},
        {"copy", test_copy},
        {"both rates", test_measure},
        {"what bounds a work", test_bound},
        {0},
    };
    return cgv_test_run("roofline", cases);
}
