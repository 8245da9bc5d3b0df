// Changes of resolution, and warps.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "op_test.h"
#include "ops/grad.h"
#include "ops/ops.h"
#include "support.h"

static cgv_rng rng;

static void use_memory(guarded *memory, uint64_t stream) {
    CU_ASSERT_EQUAL_FATAL(guarded_create(memory, cgv_test_device(), 8u << 20), CGV_OK);
    cgv_rng_seed(&rng, 7, stream);
}

// ---- shrink ----

// Share of element `i` of a line that output element `o` covers, both of unit length in sum.
static double covered(int i, int o, int size, int out) {
    double step = (double)size / out;
    double low = fmax(i, o * step), high = fmin(i + 1, (o + 1) * step);
    return high > low ? (high - low) / step : 0;
}

static void ref_shrink(double *y, ref_shape out, const double *x, ref_shape in) {
    for (int n = 0; n < out.n; n++)
        for (int c = 0; c < out.c; c++)
            for (int oy = 0; oy < out.h; oy++)
                for (int ox = 0; ox < out.w; ox++) {
                    double sum = 0;
                    for (int iy = 0; iy < in.h; iy++)
                        for (int ix = 0; ix < in.w; ix++)
                            sum += x[ref_at(in, n, c, iy, ix)] * covered(iy, oy, in.h, out.h) *
                                   covered(ix, ox, in.w, out.w);
                    y[ref_at(out, n, c, oy, ox)] = sum;
                }
}

static bool run_shrink(guarded *memory, ref_shape in, int h, int w) {
    ref_shape out = {in.n, in.c, h, w};
    float *x = numbers_random(&rng, ref_count(in), 0, 1);
    double *wide = numbers_widen(x, ref_count(in));
    double *expected = numbers_allocate(ref_count(out), sizeof *expected);
    ref_shrink(expected, out, wide, in);
    guarded_begin(memory);
    uint64_t x_at = guarded_add(memory, GUARDED_INPUT, x, ref_count(in) * sizeof *x);
    uint64_t y_at = guarded_add(memory, GUARDED_OUTPUT, NULL, ref_count(out) * sizeof *x);
    cgv_shrink(memory->cmd, op_tensor(y_at, out), op_tensor(x_at, in));
    bool right = guarded_run(memory) &&
                 numbers_close(guarded_result(memory, y_at), expected, ref_count(out), 1e-5);
    if (!right)
        printf("FAILED: shrink %dx%d to %dx%d\n", in.w, in.h, w, h);
    free(x);
    free(wide);
    free(expected);
    return right;
}

static void test_shrink(void) {
    static guarded memory;
    use_memory(&memory, 1);
    CU_ASSERT(run_shrink(&memory, (ref_shape){2, 3, 12, 16}, 6, 4));
    CU_ASSERT(run_shrink(&memory, (ref_shape){1, 3, 17, 31}, 5, 8));
    CU_ASSERT(run_shrink(&memory, (ref_shape){1, 3, 17, 31}, 16, 30));
    CU_ASSERT(run_shrink(&memory, (ref_shape){1, 1, 9, 9}, 9, 9));
    CU_ASSERT(run_shrink(&memory, (ref_shape){1, 2, 40, 7}, 1, 1));
    CU_ASSERT(run_shrink(&memory, (ref_shape){1, 3, 67, 125}, 24, 48));
    CU_ASSERT(run_shrink(&memory, (ref_shape){1, 1, 12, 854}, 4, 122)); // seven columns each
    CU_ASSERT(run_shrink(&memory, (ref_shape){1, 1, 12, 675}, 4, 225));
    CU_ASSERT(run_shrink(&memory, (ref_shape){1, 1, 10, 420}, 3, 9)); // many
    CU_ASSERT(run_shrink(&memory, (ref_shape){1, 1, 10, 421}, 3, 9));
    guarded_destroy(&memory);
}

static void test_shrink_grad(void) {
    static const ref_shape shapes[] = {{1, 1, 1, 1}, {2, 3, 5, 7}, {1, 6, 9, 4}};
    static guarded memory;
    use_memory(&memory, 5);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int factor = 1; factor <= 4; factor++) {
            ref_shape out = shapes[i], in = {out.n, out.c, factor * out.h, factor * out.w};
            float *dy = numbers_random(&rng, ref_count(out), 0, 1);
            double *expected = numbers_allocate(ref_count(in), sizeof *expected);
            for (size_t k = 0; k < ref_count(in); k++) {
                size_t x = k % (size_t)in.w / (size_t)factor;
                size_t row = k / (size_t)in.w, plane = row / (size_t)in.h;
                size_t y = row % (size_t)in.h / (size_t)factor;
                expected[k] =
                    dy[(plane * (size_t)out.h + y) * (size_t)out.w + x] / (double)(factor * factor);
            }
            guarded_begin(&memory);
            uint64_t dy_at = guarded_add(&memory, GUARDED_INPUT, dy, ref_count(out) * sizeof *dy);
            uint64_t dx_at = guarded_add(&memory, GUARDED_OUTPUT, NULL, ref_count(in) * sizeof *dy);
            cgv_shrink_grad(memory.cmd, op_tensor(dx_at, in), op_tensor(dy_at, out), factor);
            CU_ASSERT(guarded_run(&memory) &&
                      numbers_close(guarded_result(&memory, dx_at), expected, ref_count(in), 1e-6));
            free(dy);
            free(expected);
        }
    guarded_destroy(&memory);
}

// ---- warp ----

static bool run_warp(guarded *memory, ref_shape s, const cgv_warp_map *maps) {
    size_t count = ref_count(s), bytes = count * sizeof(float);
    float *x = numbers_random(&rng, count, 0, 1);
    double *wide = numbers_widen(x, count);
    double *expected = numbers_allocate(count, sizeof *expected);
    ref_warp(expected, wide, s, maps);
    guarded_begin(memory);
    uint64_t x_at = guarded_add(memory, GUARDED_INPUT, x, bytes);
    uint64_t maps_at = guarded_add(memory, GUARDED_INPUT, maps, (size_t)s.n * sizeof *maps);
    uint64_t y_at = guarded_add(memory, GUARDED_OUTPUT, NULL, bytes);
    cgv_warp(memory->cmd, op_tensor(y_at, s), op_tensor(x_at, s), maps_at);
    bool right =
        guarded_run(memory) && numbers_close(guarded_result(memory, y_at), expected, count, 1e-4);
    if (!right)
        printf("FAILED: warp of %dx%d\n", s.w, s.h);
    free(x);
    free(wide);
    free(expected);
    return right;
}

static void test_warp(void) {
    static const cgv_warp_map same = {{1, 0, 0, 1}, {0, 0}};
    static const cgv_warp_map maps[] = {{{1, 0, 0, 1}, {1, -2}},
                                        {{1.04f, 0, 0, 1.04f}, {-3.7f, 0.4f}},
                                        {{0.9f, 0.3f, -0.2f, 1.1f}, {0.5f, 8}}};
    static guarded memory;
    use_memory(&memory, 9);
    CU_ASSERT(run_warp(&memory, (ref_shape){1, 3, 5, 7}, &same));
    CU_ASSERT(run_warp(&memory, (ref_shape){1, 1, 1, 1}, &maps[2]));
    CU_ASSERT(run_warp(&memory, (ref_shape){1, 2, 3, 40}, &maps[2]));
    CU_ASSERT(run_warp(&memory, (ref_shape){3, 2, 17, 31}, maps));
    guarded_destroy(&memory);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"shrink", test_shrink},
        {"shrink, backward", test_shrink_grad},
        {"warp", test_warp},
        {0},
    };
    return cgv_test_run("resample", cases);
}
