// The forward operations against slow references in C. Every case runs in guarded memory, which
// also checks barriers, declared accesses and writes out of bounds (guarded.h).
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "op_test.h"
#include "ops/choose.h"
#include "support.h"

// ---- convolution ----

static bool run_conv(const conv_case *c) {
    const cgv_conv_params *p = &c->p;
    ref_shape in = conv_case_input(c), out = conv_case_output(c);
    size_t weight_count = conv_case_weights(c);
    float *x = numbers_random(&op_rng, ref_count(in), 0, 1);
    float *weights =
        numbers_random(&op_rng, weight_count, 0, 1 / sqrtf((float)(p->cin / p->groups)));
    float *bias = numbers_random(&op_rng, (size_t)p->cout, 0, 1);
    double *expected = conv_case_expected(c, x, weights, bias);

    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, ref_count(in));
    uint64_t weights_at = op_floats(GUARDED_INPUT, weights, weight_count);
    uint64_t bias_at = c->bias ? op_floats(GUARDED_INPUT, bias, (size_t)p->cout) : 0;
    uint64_t packed = op_scratch(cgv_conv_packed_bytes(p));
    uint64_t scratch_bytes = cgv_conv_scratch(cgv_test_device(), op_tensor(x_at, in), p);
    uint64_t scratch = op_scratch(scratch_bytes);
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(out));
    cgv_conv_pack(op_memory.cmd, packed, weights_at, p);
    cgv_conv(op_memory.cmd, op_tensor(y_at, out), op_tensor(x_at, in), packed, bias_at, scratch, p);
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, y_at), expected, ref_count(out), 1e-5);
    if (!right)
        conv_case_print(c);
    free(x);
    free(weights);
    free(bias);
    free(expected);
    return right;
}

static const conv_case conv_cases[] = {
    // The smallest.
    {1, 1, 1, false, CONV(1, 1, 0, ZERO, 1, 1, 1, ACT(NONE))},
    {2, 1, 1, true, CONV(3, 1, 1, ZERO, 1, 3, 7, ACT(NONE))},
    {1, 1, 1, true, CONV(3, 1, 1, REPLICATE, 1, 7, 3, ACT(RELU))},
    {1, 1, 1, true, CONV(4, 2, 2, ZERO, 1, 3, 1, ACT(NONE))},
    {1, 2, 2, true, CONV(3, 1, 1, REFLECT, 1, 3, 3, ACT(NONE))},
    {1, 3, 5, true, CONV(3, 1, 1, REFLECT, 1, 16, 33, ACT(TANH))},
    {1, 4, 4, true, CONV(7, 1, 3, REFLECT, 1, 3, 16, ACT(NONE))},
    // The layers of ResNet generators, depthwise-separable ones, and PatchGAN.
    {1, 31, 17, true, CONV(7, 1, 3, REFLECT, 1, 3, 16, ACT(NONE))},
    {1, 48, 64, true, CONV(7, 1, 3, REFLECT, 1, 3, 16, ACT(NONE))},
    {1, 48, 64, true, CONV(7, 1, 3, REFLECT, 1, 16, 3, ACT(TANH))},
    {1, 48, 64, true, CONV(3, 2, 1, ZERO, 1, 16, 33, ACT(NONE))},
    {1, 48, 64, true, CONV(3, 1, 1, REFLECT, 1, 33, 33, ACT(NONE))},
    {2, 48, 64, false, CONV(3, 1, 1, REFLECT, 1, 16, 16, ACT(NONE))},
    {2, 48, 64, true, CONV(3, 1, 1, REFLECT, 33, 33, 33, ACT(NONE))},
    {2, 48, 64, true, CONV(1, 1, 0, ZERO, 1, 33, 16, ACT(NONE))},
    {1, 48, 64, true, CONV(1, 1, 0, ZERO, 1, 32, 40, ACT(RELU))},
    {1, 48, 64, true, CONV(1, 1, 0, ZERO, 2, 14, 34, ACT(NONE), .exact = true)},
    {1, 48, 64, true, CONV(4, 2, 1, ZERO, 1, 3, 16, ACT(LEAKY_RELU))},
    {1, 31, 17, true, CONV(4, 1, 1, ZERO, 1, 33, 1, ACT(NONE))},
    // Widths that change how a row is split among lanes, around paths for even and full rows.
    {1, 8, 48, true, CONV(7, 1, 3, REFLECT, 1, 3, 7, ACT(NONE))},
    {1, 8, 16, true, CONV(7, 1, 3, REFLECT, 1, 3, 7, ACT(NONE))},
    {1, 8, 48, true, CONV(7, 1, 3, REPLICATE, 1, 3, 7, ACT(NONE))},
    {1, 8, 24, true, CONV(7, 1, 3, REPLICATE, 1, 3, 7, ACT(NONE))},
    {1, 8, 8, true, CONV(7, 1, 3, REPLICATE, 1, 3, 7, ACT(NONE))},
    {1, 9, 30, true, CONV(3, 1, 1, REFLECT, 1, 7, 7, ACT(NONE))},
    {1, 9, 33, true, CONV(3, 1, 1, REFLECT, 1, 7, 7, ACT(NONE))},
    {1, 9, 34, true, CONV(3, 1, 1, ZERO, 1, 7, 7, ACT(NONE))},
    {1, 9, 96, true, CONV(5, 1, 2, REFLECT, 1, 3, 7, ACT(NONE))},
    {1, 9, 48, true, CONV(5, 1, 2, REPLICATE, 1, 3, 7, ACT(NONE))},
    {1, 12, 40, true, CONV(5, 1, 2, ZERO, 3, 9, 21, ACT(NONE), .exact = true)},
    {1, 12, 200, true, CONV(9, 1, 4, REFLECT, 1, 3, 8, ACT(NONE))},
    {1, 12, 16, true, CONV(9, 1, 4, REFLECT, 1, 3, 8, ACT(NONE))},
    // Groups, channel multipliers, the filters of anti-aliased nets.
    {1, 17, 31, true, CONV(3, 1, 1, ZERO, 3, 21, 9, ACT(RELU))},
    {2, 17, 31, false, CONV(3, 1, 1, ZERO, 7, 7, 14, ACT(SIGMOID))},
    {1, 17, 31, false, CONV(3, 2, 1, REFLECT, 16, 16, 16, ACT(NONE))},
    {1, 18, 32, false, CONV(3, 2, 1, REFLECT, 16, 16, 16, ACT(NONE))},
};

// With the tile that the device's rule gives; random cases have the one that is the same
// everywhere.
static void test_conv_cases(void) {
    op_begin(OP_MEMORY, 1);
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++) {
        conv_case c = conv_cases[i];
        CU_ASSERT_FATAL(conv_case_possible(&c));
        c.p.choice = cgv_conv_rule_direct(cgv_test_device(), op_tensor(0, conv_case_output(&c)),
                                          op_tensor(0, conv_case_input(&c)), &c.p);
        CU_ASSERT(run_conv(&c));
    }
    op_end();
}

// Tiles that are larger than the picture, that it cuts, and that divide it; rows that end odd.
static void test_depthwise_cases(void) {
#define TILE(x, y) .choice = { CGV_CONV_DEPTHWISE, x, y, 1, 0 }
    static const conv_case cases[] = {
        {1, 1, 1, true, CONV(3, 1, 1, REPLICATE, 2, 2, 2, ACT(NONE), TILE(8, 8))},
        {2, 5, 4, false, CONV(3, 1, 1, REFLECT, 7, 7, 7, ACT(RELU), TILE(8, 8))},
        {2, 48, 64, true, CONV(3, 1, 1, REFLECT, 33, 33, 33, ACT(NONE), TILE(8, 8))},
        {1, 48, 64, true, CONV(3, 1, 1, REFLECT, 16, 16, 16, ACT(TANH), TILE(16, 8))},
        {1, 30, 52, true, CONV(3, 1, 1, REFLECT, 16, 16, 16, ACT(LEAKY_RELU), TILE(8, 8))},
        {1, 31, 33, true, CONV(3, 1, 1, ZERO, 16, 16, 16, ACT(NONE), TILE(8, 8), .exact = true)},
        {1, 16, 32, true, CONV(3, 1, 1, REPLICATE, 9, 9, 9, ACT(NONE), TILE(4, 4))},
        {1, 17, 30, true, CONV(3, 1, 2, ZERO, 5, 5, 5, ACT(NONE), TILE(2, 4))},
        {1, 18, 32, false, CONV(3, 2, 1, REFLECT, 16, 16, 16, ACT(NONE), TILE(8, 8))},
        {1, 17, 31, false, CONV(3, 2, 1, ZERO, 16, 16, 16, ACT(NONE), TILE(4, 2))},
        {1, 20, 24, true, CONV(4, 2, 1, ZERO, 6, 6, 6, ACT(NONE), TILE(8, 4))},
        {1, 24, 40, true, CONV(5, 1, 2, REFLECT, 6, 6, 6, ACT(NONE), TILE(8, 8), .exact = true)},
        {1, 19, 21, true, CONV(7, 1, 3, REFLECT, 3, 3, 3, ACT(NONE), TILE(1, 1))},
        {1, 16, 16, true, CONV(1, 1, 0, ZERO, 5, 5, 5, ACT(SIGMOID), TILE(1, 4))},
    };
#undef TILE
    op_begin(OP_MEMORY, 13);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_FATAL(conv_case_possible(&cases[i]) &&
                        cgv_conv_fits(CGV_CONV_DEPTHWISE, &cases[i].p));
        CU_ASSERT(run_conv(&cases[i]));
    }
    op_end();
}

// With the block of channels that is the same everywhere, and with the device's.
static void run_winograd(conv_case c) {
    c.p.choice.kernel = CGV_CONV_WINOGRAD;
    CU_ASSERT(run_conv(&c));
    c.p.choice = cgv_conv_rule_winograd(cgv_test_device(), &c.p);
    CU_ASSERT(run_conv(&c));
}

// Every case that Winograd's algorithm fits, and shapes that cut its tiles, panels and blocks.
static void test_winograd_cases(void) {
    static const conv_case cases[] = {
        {1, 1, 1, true, CONV(3, 1, 1, ZERO, 1, 1, 1, ACT(NONE))},
        {1, 5, 4, true, CONV(3, 1, 1, REFLECT, 1, 16, 16, ACT(RELU))},
        {3, 13, 22, true, CONV(3, 1, 1, ZERO, 1, 17, 35, ACT(LEAKY_RELU))},
        {2, 16, 33, false, CONV(3, 1, 1, REPLICATE, 1, 48, 64, ACT(NONE))},
        {1, 20, 20, true, CONV(3, 1, 1, REFLECT, 1, 40, 40, ACT(NONE))},
        {1, 64, 64, true, CONV(3, 1, 1, REFLECT, 1, 128, 96, ACT(NONE))},
        // More than the scratch memory holds at once.
        {1, 80, 200, true, CONV(3, 1, 1, REFLECT, 1, 128, 128, ACT(NONE))},
    };
    op_begin(OP_MEMORY, 12);
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++)
        if (cgv_conv_fits(CGV_CONV_WINOGRAD, &conv_cases[i].p))
            run_winograd(conv_cases[i]);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_FATAL(conv_case_possible(&cases[i]) &&
                        cgv_conv_fits(CGV_CONV_WINOGRAD, &cases[i].p));
        run_winograd(cases[i]);
    }
    op_end();
}

static void test_conv_random(void) {
    // Few, so that most cases find their pipeline compiled.
    static const cgv_conv_params kernels[] = {
        CONV(1, 1, 0, ZERO, 1, 1, 1, ACT(NONE)),
        CONV(1, 2, 0, ZERO, 1, 1, 1, ACT(RELU)),
        CONV(3, 1, 1, ZERO, 1, 1, 1, ACT(RELU)),
        CONV(3, 1, 1, REFLECT, 1, 1, 1, ACT(NONE), .exact = true),
        CONV(3, 1, 1, REPLICATE, 1, 1, 1, ACT(TANH)),
        CONV(3, 1, 0, ZERO, 1, 1, 1, ACT(SIGMOID)),
        CONV(3, 1, 2, ZERO, 1, 1, 1, ACT(NONE)),
        CONV(3, 2, 1, ZERO, 1, 1, 1, ACT(NONE)),
        CONV(3, 2, 1, REFLECT, 1, 1, 1, ACT(NONE)),
        CONV(3, 2, 1, REPLICATE, 1, 1, 1, ACT(NONE)),
        CONV(4, 2, 1, ZERO, 1, 1, 1, ACT(LEAKY_RELU), .exact = true),
        CONV(4, 1, 1, ZERO, 1, 1, 1, ACT(NONE)),
        CONV(4, 1, 2, REFLECT, 1, 1, 1, ACT(NONE)),
        CONV(7, 1, 3, REFLECT, 1, 1, 1, ACT(TANH), .exact = true),
        CONV(7, 1, 3, ZERO, 1, 1, 1, ACT(NONE)),
        CONV(7, 2, 3, REPLICATE, 1, 1, 1, ACT(RELU)),
    };
    op_begin(OP_MEMORY, 2);
    conv_case_run_random(kernels, sizeof kernels / sizeof *kernels, 150, 2e7, run_conv);
    op_end();
}

#define CONV_T(k, p_, op, g, ci, co, ...)                                                          \
    CONV(k, 2, p_, ZERO, g, ci, co, .output_pad = (op), .transposed = true, __VA_ARGS__)

static const conv_case transposed_cases[] = {
    {1, 1, 1, true, CONV_T(3, 1, 1, 1, 1, 1, ACT(NONE))},
    {1, 1, 1, true, CONV_T(3, 1, 0, 1, 3, 7, ACT(NONE))},
    {2, 3, 5, true, CONV_T(3, 1, 1, 1, 7, 3, ACT(RELU))},
    {1, 24, 32, true, CONV_T(3, 1, 1, 1, 33, 16, ACT(NONE))},
    {1, 24, 32, true, CONV_T(3, 1, 1, 1, 33, 16, ACT(NONE), .exact = true)},
    {1, 24, 32, false, CONV_T(3, 1, 1, 16, 16, 16, ACT(NONE))},
    {1, 24, 32, true, CONV_T(4, 1, 0, 1, 16, 3, ACT(TANH))}, // U-Net
    {1, 26, 34, false, CONV_T(4, 2, 0, 7, 7, 7, ACT(NONE))}, // anti-aliased upsampling
    {1, 17, 31, true, CONV_T(2, 0, 0, 1, 16, 7, ACT(NONE))},
    {1, 17, 31, true, CONV_T(5, 2, 1, 1, 3, 7, ACT(NONE))},
    {1, 17, 31, true, CONV_T(1, 0, 0, 1, 3, 7, ACT(NONE))},
    {1, 9, 9, true, CONV_T(3, 0, 0, 1, 3, 7, ACT(LEAKY_RELU))},
    {1, 9, 100, true, CONV_T(3, 1, 1, 1, 3, 7, ACT(SIGMOID))},
};

static void test_transposed_cases(void) {
    op_begin(OP_MEMORY, 3);
    for (size_t i = 0; i < sizeof transposed_cases / sizeof *transposed_cases; i++) {
        CU_ASSERT_FATAL(conv_case_possible(&transposed_cases[i]));
        CU_ASSERT(run_conv(&transposed_cases[i]));
    }
    op_end();
}

static void test_transposed_random(void) {
    static const cgv_conv_params kernels[] = {
        CONV_T(3, 1, 1, 1, 1, 1, ACT(NONE)),
        CONV_T(3, 1, 0, 1, 1, 1, ACT(RELU)),
        CONV_T(4, 1, 0, 1, 1, 1, ACT(NONE)),
        CONV_T(7, 3, 1, 1, 1, 1, ACT(NONE)),
    };
    op_begin(OP_MEMORY, 4);
    conv_case_run_random(kernels, sizeof kernels / sizeof *kernels, 40, 2e7, run_conv);
    op_end();
}

// ---- instance norm ----

typedef struct norm_case {
    ref_shape shape;
    bool scale, shift, residual, in_place;
    cgv_activation activation;
    float mean, deviation; // of x
    double tolerance;
    bool whole; // statistics and result at once
} norm_case;

static bool run_norm_as(const norm_case *c) {
    ref_shape s = c->shape;
    size_t count = ref_count(s), planes = (size_t)s.n * (size_t)s.c, channels = (size_t)s.c;
    const float epsilon = 1e-5f, slope = 0.2f;
    float *x = numbers_random(&op_rng, count, c->mean, c->deviation);
    float *residual = numbers_random(&op_rng, count, 0, 1);
    float *scale = numbers_random(&op_rng, channels, 1, 0.3f),
          *shift = numbers_random(&op_rng, channels, 0, 1);
    double *stats = numbers_allocate(2 * planes, sizeof *stats),
           *expected = numbers_allocate(count, sizeof *expected);
    double *wide_x = numbers_widen(x, count), *wide_residual = numbers_widen(residual, count);
    double *wide_scale = numbers_widen(scale, channels);
    double *wide_shift = numbers_widen(shift, channels);
    ref_instance_stats(stats, wide_x, s, epsilon);
    ref_instance_norm(expected, wide_x, s, stats,
                      &(ref_norm_params){c->scale ? wide_scale : NULL, c->shift ? wide_shift : NULL,
                                         c->residual ? wide_residual : NULL, c->activation, slope});

    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(c->in_place ? GUARDED_OUTPUT : GUARDED_INPUT, x, count);
    uint64_t residual_at = c->residual ? op_floats(GUARDED_INPUT, residual, count) : 0;
    uint64_t y_at = c->in_place ? x_at : op_floats(GUARDED_OUTPUT, NULL, count);
    uint64_t stats_at = op_floats(GUARDED_OUTPUT, NULL, 2 * planes);
    cgv_norm_params params = {
        .scale = c->scale ? op_floats(GUARDED_INPUT, scale, channels) : 0,
        .shift = c->shift ? op_floats(GUARDED_INPUT, shift, channels) : 0,
        .activation = c->activation,
        .slope = slope,
    };
    uint64_t scratch = op_scratch(cgv_instance_norm_scratch(op_tensor(x_at, s)));
    if (c->whole) {
        cgv_instance_norm_whole(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), stats_at, 0,
                                epsilon, op_tensor(residual_at, s), &params);
    } else {
        cgv_instance_norm_stats(op_memory.cmd, stats_at, op_tensor(x_at, s), scratch, 0, epsilon);
        cgv_instance_norm(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), stats_at,
                          op_tensor(residual_at, s), &params);
    }
    bool right =
        guarded_run(&op_memory) &&
        numbers_close(guarded_result(&op_memory, stats_at), stats, 2 * planes, c->tolerance) &&
        numbers_close(guarded_result(&op_memory, y_at), expected, count, c->tolerance);
    if (!right)
        printf("FAILED: instance norm of %dx%dx%dx%d, scale %d, shift %d, residual %d, in place "
               "%d, activation %d, x %g +- %g, at once %d\n",
               s.n, s.c, s.h, s.w, c->scale, c->shift, c->residual, c->in_place, c->activation,
               c->mean, c->deviation, c->whole);
    free(x);
    free(residual);
    free(scale);
    free(shift);
    free(wide_x);
    free(wide_residual);
    free(wide_scale);
    free(wide_shift);
    free(stats);
    free(expected);
    return right;
}

// Statistics first, and all at once.
static bool run_norm(const norm_case *c) {
    norm_case whole = *c;
    whole.whole = true;
    return run_norm_as(c) && run_norm_as(&whole);
}

static void test_norm(void) {
    static const ref_shape shapes[] = {{1, 1, 1, 1},    {2, 3, 1, 1},    {1, 7, 3, 5},
                                       {2, 33, 3, 5},   {2, 16, 17, 31}, {1, 3, 48, 64},
                                       {1, 2, 97, 131}, {2, 3, 128, 160}};
    op_begin(OP_MEMORY, 5);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        norm_case c = {.shape = shapes[i], .mean = 0.5f, .deviation = 2, .tolerance = 1e-5};
        CU_ASSERT(run_norm(&c));
        c.activation = CGV_ACT_RELU;
        CU_ASSERT(run_norm(&c));
        c.scale = c.shift = c.in_place = true;
        CU_ASSERT(run_norm(&c));
        c.residual = true;
        c.activation = CGV_ACT_NONE;
        c.in_place = i % 2;
        CU_ASSERT(run_norm(&c));
        c.scale = i % 2;
        c.shift = !c.scale;
        c.activation = (cgv_activation)(i % 5);
        CU_ASSERT(run_norm(&c));
    }
    op_end();
}

// Far from zero the squares of the values have no digits left for the variance: only what is
// summed about a mean gets it right. float32 itself keeps 1000 to 6e-5, 1/30000 of the deviation.
static void test_norm_far_from_zero(void) {
    op_begin(OP_MEMORY, 6);
    norm_case c = {.shape = {1, 3, 64, 100}, .mean = 1000, .deviation = 2, .tolerance = 1e-4};
    CU_ASSERT(run_norm(&c));
    c.shape = (ref_shape){2, 3, 17, 31};
    CU_ASSERT(run_norm(&c));
    c = (norm_case){.shape = {1, 2, 97, 131}, .mean = -0.1f, .tolerance = 1e-3}; // constant planes
    CU_ASSERT(run_norm(&c));
    op_end();
}

// A reduction that depends on the order in which the device works would differ now and then.
static void test_norm_is_reproducible(void) {
    ref_shape s = {1, 5, 211, 307};
    size_t count = ref_count(s);
    op_begin(OP_MEMORY, 7);
    float *x = numbers_random(&op_rng, count, 0, 1);
    float *first = numbers_allocate(count, sizeof *first);
    float first_stats[10];
    for (int run = 0; run < 5; run++) {
        guarded_begin(&op_memory);
        uint64_t x_at = op_floats(GUARDED_INPUT, x, count);
        uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, count);
        uint64_t stats_at = op_floats(GUARDED_OUTPUT, NULL, 10);
        uint64_t scratch = op_scratch(cgv_instance_norm_scratch(op_tensor(x_at, s)));
        cgv_instance_norm_stats(op_memory.cmd, stats_at, op_tensor(x_at, s), scratch, 0, 1e-5f);
        cgv_instance_norm(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), stats_at,
                          (cgv_tensor){0}, &(cgv_norm_params){0});
        CU_ASSERT_FATAL(guarded_run(&op_memory));
        if (run == 0) {
            memcpy(first, guarded_result(&op_memory, y_at), count * sizeof *first);
            memcpy(first_stats, guarded_result(&op_memory, stats_at), sizeof first_stats);
        }
        CU_ASSERT(!memcmp(first, guarded_result(&op_memory, y_at), count * sizeof *first));
        CU_ASSERT(!memcmp(first_stats, guarded_result(&op_memory, stats_at), sizeof first_stats));
    }
    free(x);
    free(first);
    op_end();
}

// ---- NaN ----

// A broken network must show: NaN has to come out where it went in, through every operation.
static void test_nan_survives(void) {
    ref_shape s = {1, 2, 4, 8};
    size_t count = ref_count(s);
    op_begin(OP_MEMORY, 11);
    float *x = numbers_random(&op_rng, count, 0, 1);
    x[5] = NAN;
    for (int a = CGV_ACT_NONE; a <= CGV_ACT_SIGMOID; a++) {
        guarded_begin(&op_memory);
        uint64_t x_at = op_floats(GUARDED_INPUT, x, count);
        uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, count);
        cgv_activation_apply(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s),
                             (cgv_activation)a, 0.2f);
        CU_ASSERT_FATAL(guarded_run_nan(&op_memory));
        const float *y = guarded_result(&op_memory, y_at);
        for (size_t i = 0; i < count; i++)
            if (!isnan(y[i]) != (i != 5)) {
                printf("FAILED: activation %d of %g is %g\n", a, x[i], y[i]);
                CU_FAIL("NaN is lost or made");
            }
    }
    cgv_conv_params p = CONV(3, 1, 1, REFLECT, 1, 2, 2, ACT(RELU));
    float *weights = numbers_random(&op_rng, 36, 0, 1);
    weights[20] = NAN; // of output channel 1
    guarded_begin(&op_memory);
    x[5] = 0;
    uint64_t x_at = op_floats(GUARDED_INPUT, x, count);
    uint64_t weights_at = op_floats(GUARDED_INPUT, weights, 36);
    uint64_t packed = op_scratch(cgv_conv_packed_bytes(&p));
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, count);
    cgv_conv_pack(op_memory.cmd, packed, weights_at, &p);
    cgv_conv(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), packed, 0, 0, &p);
    CU_ASSERT_FATAL(guarded_run_nan(&op_memory));
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL(!isnan(guarded_result(&op_memory, y_at)[i]), i < count / 2);
    free(x);
    free(weights);
    op_end();
}

int main(int argc, char **argv) {
    static const cgv_test_case cases[] = {
        {"conv: chosen cases", test_conv_cases},
        {"conv: random cases", test_conv_random},
        {"conv: depthwise", test_depthwise_cases},
        {"conv: Winograd", test_winograd_cases},
        {"transposed conv: chosen cases", test_transposed_cases},
        {"transposed conv: random cases", test_transposed_random},
        {"instance norm", test_norm},
        {"instance norm: far from zero", test_norm_far_from_zero},
        {"instance norm: the same bytes every time", test_norm_is_reproducible},
        {"NaN survives", test_nan_survives},
        {0},
    };
    int narrow = argc > 1 && !strcmp(argv[1], "narrow") ? op_check_narrow() : 0;
    return narrow ? narrow : cgv_test_run("ops", cases);
}
