// Operations element by element and changes of size against slow references in C, in guarded memory
// as those of test_ops.c.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "op_test.h"
#include "support.h"

static const ref_shape shapes[] = {{1, 1, 1, 1},    {1, 3, 3, 5},    {2, 7, 17, 31},
                                   {1, 33, 17, 31}, {2, 16, 48, 64}, {1, 3, 301, 467}};
#define SHAPES (sizeof shapes / sizeof *shapes)

static bool run_activation(ref_shape s, cgv_activation activation, bool in_place) {
    static const float special[] = {0, -0.0f, 1e-8f, -1e-8f, 8.9f, -9.1f, 100, -100, 1e30f, -1e30f};
    size_t count = ref_count(s);
    float *x = numbers_random(&op_rng, count, 0, 3);
    double *expected = numbers_allocate(count, sizeof *expected);
    for (size_t i = 0; i < sizeof special / sizeof *special && i + 1 < count; i++)
        x[i] = activation == CGV_ACT_TANH || activation == CGV_ACT_SIGMOID ? special[i] : x[i];
    for (size_t i = 0; i < count; i++)
        expected[i] = ref_activate(x[i], activation, 0.2f);
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(in_place ? GUARDED_OUTPUT : GUARDED_INPUT, x, count);
    uint64_t y_at = in_place ? x_at : op_floats(GUARDED_OUTPUT, NULL, count);
    cgv_activation_apply(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), activation, 0.2f);
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, y_at), expected, count, 1e-5);
    if (!right)
        printf("FAILED: activation %d of %dx%dx%dx%d, in place %d\n", activation, s.n, s.c, s.h,
               s.w, in_place);
    free(x);
    free(expected);
    return right;
}

static void test_activations(void) {
    op_begin(OP_MEMORY, 8);
    for (size_t i = 0; i < SHAPES; i++)
        for (int a = CGV_ACT_NONE; a <= CGV_ACT_SIGMOID; a++)
            CU_ASSERT(run_activation(shapes[i], (cgv_activation)a, (i + (size_t)a) % 2));
    op_end();
}

// target: 0 y apart, 1 y is a, 2 y is b, 3 a, b and y are one.
static bool run_add(ref_shape s, int target) {
    size_t count = ref_count(s);
    float *a = numbers_random(&op_rng, count, 0, 1), *b = numbers_random(&op_rng, count, 0, 1);
    double *expected = numbers_allocate(count, sizeof *expected);
    for (size_t i = 0; i < count; i++)
        expected[i] = (double)a[i] + (target == 3 ? a[i] : b[i]);
    guarded_begin(&op_memory);
    uint64_t a_at = op_floats(target & 1 ? GUARDED_OUTPUT : GUARDED_INPUT, a, count);
    uint64_t b_at =
        target == 3 ? a_at : op_floats(target == 2 ? GUARDED_OUTPUT : GUARDED_INPUT, b, count);
    uint64_t y_at = target == 0   ? op_floats(GUARDED_OUTPUT, NULL, count)
                    : target == 2 ? b_at
                                  : a_at;
    cgv_add(op_memory.cmd, op_tensor(y_at, s), op_tensor(a_at, s), op_tensor(b_at, s));
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, y_at), expected, count, 1e-6);
    if (!right)
        printf("FAILED: add of %dx%dx%dx%d, target %d\n", s.n, s.c, s.h, s.w, target);
    free(a);
    free(b);
    free(expected);
    return right;
}

static void test_add(void) {
    op_begin(OP_MEMORY, 9);
    for (size_t i = 0; i < SHAPES; i++)
        for (int target = 0; target < 4; target++)
            CU_ASSERT(run_add(shapes[i], target));
    op_end();
}

// Pictures of `a` and of `b` channels behind each other.
static bool run_join(ref_shape s, int a_channels, int b_channels) {
    ref_shape a_shape = s, b_shape = s;
    a_shape.c = a_channels;
    b_shape.c = b_channels;
    s.c = a_channels + b_channels;
    float *a = numbers_random(&op_rng, ref_count(a_shape), 0, 1);
    float *b = numbers_random(&op_rng, ref_count(b_shape), 0, 1);
    double *expected = numbers_allocate(ref_count(s), sizeof *expected);
    for (int n = 0; n < s.n; n++)
        for (int c = 0; c < s.c; c++)
            for (int i = 0; i < s.h * s.w; i++)
                expected[ref_at(s, n, c, 0, i)] = c < a_channels
                                                      ? a[ref_at(a_shape, n, c, 0, i)]
                                                      : b[ref_at(b_shape, n, c - a_channels, 0, i)];
    guarded_begin(&op_memory);
    uint64_t a_at = op_floats(GUARDED_INPUT, a, ref_count(a_shape));
    uint64_t b_at = op_floats(GUARDED_INPUT, b, ref_count(b_shape));
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(s));
    cgv_join(op_memory.cmd, op_tensor(y_at, s), op_tensor(a_at, a_shape), op_tensor(b_at, b_shape));
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, y_at), expected, ref_count(s), 0);
    if (!right)
        printf("FAILED: join of %d and %d channels, %dx%dx%d\n", a_channels, b_channels, s.n, s.h,
               s.w);
    free(a);
    free(b);
    free(expected);
    return right;
}

static void test_join(void) {
    op_begin(OP_MEMORY, 12);
    for (size_t i = 0; i < SHAPES - 1; i++) {
        CU_ASSERT(run_join(shapes[i], 1, 1));
        CU_ASSERT(run_join(shapes[i], 3, 5));
        CU_ASSERT(run_join(shapes[i], 4, 1));
    }
    op_end();
}

// ---- coordinate ----

static bool run_coord(ref_shape s) {
    ref_shape out = {s.n, s.c + 1, s.h, s.w};
    float *x = numbers_random(&op_rng, ref_count(s), 0, 1);
    double *expected = numbers_allocate(ref_count(out), sizeof *expected);
    double *wide_x = numbers_widen(x, ref_count(s));
    ref_coord(expected, wide_x, s);
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, ref_count(s));
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(out));
    cgv_coord(op_memory.cmd, op_tensor(y_at, out), op_tensor(x_at, s));
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, y_at), expected, ref_count(out), 1e-6);
    if (!right)
        printf("FAILED: coordinate of %dx%dx%dx%d\n", s.n, s.c, s.h, s.w);
    free(x);
    free(wide_x);
    free(expected);
    return right;
}

static void test_coord(void) {
    op_begin(OP_MEMORY, 13);
    for (size_t i = 0; i < SHAPES - 1; i++)
        CU_ASSERT(run_coord(shapes[i]));
    CU_ASSERT(run_coord((ref_shape){2, 3, 1, 5}));
    op_end();
}

// ---- resampling ----

static bool run_upsample(ref_shape s, int factor, cgv_upsample_mode mode) {
    ref_shape out = {s.n, s.c, factor * s.h, factor * s.w};
    float *x = numbers_random(&op_rng, ref_count(s), 0, 1);
    double *expected = numbers_allocate(ref_count(out), sizeof *expected);
    double *wide_x = numbers_widen(x, ref_count(s));
    ref_upsample(expected, wide_x, s, factor, mode);
    free(wide_x);
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, ref_count(s));
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(out));
    cgv_upsample(op_memory.cmd, op_tensor(y_at, out), op_tensor(x_at, s), factor, mode);
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, y_at), expected, ref_count(out), 1e-5);
    if (!right)
        printf("FAILED: upsample of %dx%dx%dx%d by %d, mode %d\n", s.n, s.c, s.h, s.w, factor,
               mode);
    free(x);
    free(expected);
    return right;
}

static void test_upsample(void) {
    op_begin(OP_MEMORY, 10);
    for (size_t i = 0; i < SHAPES - 1; i++)
        for (int factor = 1; factor <= 4; factor++) {
            CU_ASSERT(run_upsample(shapes[i], factor, CGV_UPSAMPLE_NEAREST));
            CU_ASSERT(run_upsample(shapes[i], factor, CGV_UPSAMPLE_BILINEAR));
        }
    op_end();
}

int main(int argc, char **argv) {
    static const cgv_test_case cases[] = {
        {"activations", test_activations}, {"add", test_add},           {"join", test_join},
        {"coordinate", test_coord},        {"upsample", test_upsample}, {0},
    };
    int narrow = argc > 1 && !strcmp(argv[1], "narrow") ? op_check_narrow() : 0;
    return narrow ? narrow : cgv_test_run("pointwise", cases);
}
