// Convolution and instance norm in half precision on matrix units, against the references in C.
// Operands are numbers that half precision holds exactly: what differs is the rounding of results.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "op_test.h"
#include "ops/matrix.h"
#include "support.h"

#define HALF_TOLERANCE 6e-4 // relative; half precision rounds by up to 2^-11

static float *grid_numbers(size_t count, float deviation, float unit) {
    float *x = numbers_random(&op_rng, count, 0, deviation);
    for (size_t i = 0; i < count; i++)
        x[i] = roundf(fmaxf(fminf(x[i], 2000 * unit), -2000 * unit) / unit) * unit;
    return x;
}

// Scratch memory at a multiple of 16; guarded memory promises 8.
static uint64_t aligned_scratch(uint64_t bytes) {
    return (op_scratch(bytes + 8) + 15) / 16 * 16;
}

static cgv_pixels add_pixels(ref_shape s) {
    cgv_pixels p = {0, s.n, s.c, s.h, s.w};
    p.address = aligned_scratch(cgv_pixels_bytes(p));
    return p;
}

static bool run_conv(const conv_case *c) {
    const cgv_conv_params *p = &c->p;
    ref_shape in = conv_case_input(c), out = conv_case_output(c);
    cgv_tensor shape = op_tensor(0, in);
    if (!cgv_matrix_conv_fits(cgv_device_limits(cgv_test_device()), shape, p)) {
        conv_case_print(c);
        return false;
    }
    size_t weight_count = conv_case_weights(c);
    float *x = grid_numbers(ref_count(in), 1, 1.f / 256);
    float *weights = grid_numbers(weight_count, 1 / sqrtf((float)p->cin), 1.f / 2048);
    float *bias = numbers_random(&op_rng, (size_t)p->cout, 0, 1);
    double *expected = conv_case_expected(c, x, weights, bias);

    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, ref_count(in));
    uint64_t weights_at = op_floats(GUARDED_INPUT, weights, weight_count);
    uint64_t bias_at = c->bias ? op_floats(GUARDED_INPUT, bias, (size_t)p->cout) : 0;
    uint64_t packed = aligned_scratch(cgv_matrix_conv_packed_bytes(p));
    uint64_t scratch = aligned_scratch(cgv_matrix_conv_scratch(shape, p));
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(out));
    cgv_cmd *cmd = op_memory.cmd;
    cgv_matrix_operand a = {.planes = op_tensor(x_at, in)}, b = {.planes = op_tensor(y_at, out)};
    if (!cgv_matrix_conv_takes_planes(p)) {
        a.pixels = add_pixels(in);
        cgv_pixels_from_planes(cmd, a.pixels, a.planes);
    }
    if (!cgv_matrix_conv_gives_planes(p))
        b.pixels = add_pixels(out);
    cgv_matrix_conv_pack(cmd, packed, weights_at, p);
    cgv_matrix_conv(cmd, b, a, packed, bias_at, scratch, p);
    if (!cgv_matrix_conv_gives_planes(p))
        cgv_pixels_to_planes(cmd, b.planes, b.pixels);
    bool right = guarded_run(&op_memory) && numbers_close(guarded_result(&op_memory, y_at),
                                                          expected, ref_count(out), HALF_TOLERANCE);
    if (!right)
        conv_case_print(c);
    free(x);
    free(weights);
    free(bias);
    free(expected);
    return right;
}

static const conv_case conv_cases[] = {
    // The smallest, and channels that are padded.
    {1, 1, 1, false, CONV(1, 1, 0, ZERO, 1, 32, 32, ACT(NONE))},
    {2, 2, 3, true, CONV(3, 1, 1, REFLECT, 1, 33, 7, ACT(RELU))},
    // The layers of ResNet generators and of U-Nets.
    {1, 31, 17, true, CONV(7, 1, 3, REFLECT, 1, 3, 64, ACT(NONE))},
    {2, 24, 40, true, CONV(7, 1, 3, REFLECT, 1, 3, 32, ACT(RELU))},
    {1, 24, 40, true, CONV(7, 1, 3, ZERO, 1, 3, 32, ACT(NONE))},
    {1, 31, 17, true, CONV(7, 1, 3, REFLECT, 1, 64, 3, ACT(TANH))},
    {2, 24, 40, false, CONV(7, 1, 3, ZERO, 1, 32, 3, ACT(NONE))},
    {1, 9, 12, true, CONV(9, 1, 4, REPLICATE, 1, 32, 3, ACT(NONE))},
    {1, 48, 64, true, CONV(3, 2, 1, ZERO, 1, 64, 128, ACT(NONE))},
    {2, 31, 17, true, CONV(3, 2, 1, ZERO, 1, 32, 64, ACT(LEAKY_RELU))},
    {1, 19, 23, true, CONV(3, 1, 1, REFLECT, 1, 256, 256, ACT(NONE))},
    {2, 16, 16, true, CONV(3, 1, 1, ZERO, 1, 64, 96, ACT(SIGMOID))},
    {1, 17, 20, true, CONV(3, 1, 1, REPLICATE, 1, 64, 64, ACT(NONE))},
    {1, 24, 17, true, CONV(4, 2, 1, ZERO, 1, 64, 128, ACT(NONE))},
    {1, 12, 20, true, CONV(3, 2, 1, ZERO, 1, 128, 64, .output_pad = 1, .transposed = true)},
    {2, 7, 9, false,
     CONV(3, 2, 1, ZERO, 1, 64, 32, .output_pad = 1, .transposed = true, ACT(RELU))},
    {1, 8, 10, true, CONV(4, 2, 1, ZERO, 1, 64, 64, .transposed = true)},
    {1, 24, 40, true, CONV(1, 1, 0, ZERO, 1, 96, 160, ACT(NONE))},
};

static void test_conv_cases(void) {
    op_begin(OP_MEMORY, 1);
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++)
        CU_ASSERT(run_conv(&conv_cases[i]));
    op_end();
}

// What the matrix units are not used for: the planes' kernels run there.
static void test_refused(void) {
    const cgv_limits *limits = cgv_device_limits(cgv_test_device());
    cgv_tensor x = {.n = 1, .c = 32, .h = 8, .w = 8};
    cgv_conv_params grouped = CONV(3, 1, 1, ZERO, 1, 32, 32, ACT(NONE));
    grouped.groups = 2;
    CU_ASSERT_FALSE(cgv_matrix_conv_fits(limits, x, &grouped));
    cgv_conv_params bare = CONV(1, 2, 0, ZERO, 1, 32, 32, .output_pad = 1, .transposed = true);
    CU_ASSERT_FALSE(cgv_matrix_conv_fits(limits, x, &bare));
    cgv_conv_params odd = CONV(3, 2, 1, ZERO, 1, 32, 32, .transposed = true);
    CU_ASSERT_FALSE(cgv_matrix_conv_fits(limits, x, &odd));
    cgv_tensor huge = {.n = 1, .c = 3, .h = 9000, .w = 9000}; // as 32 channels: too many to index
    cgv_conv_params first = CONV(7, 1, 3, REFLECT, 1, 3, 32, ACT(NONE));
    CU_ASSERT_FALSE(cgv_matrix_conv_fits(limits, huge, &first));
    cgv_limits none = *limits;
    none.matrix = (cgv_matrix_shape){0};
    cgv_conv_params plain = CONV(3, 1, 1, ZERO, 1, 32, 32, ACT(NONE));
    CU_ASSERT_FALSE(cgv_matrix_conv_fits(&none, x, &plain));
}

static bool run_norm(ref_shape s, bool affine, bool residual, cgv_activation activation,
                     float mean) {
    size_t count = ref_count(s);
    float *x = grid_numbers(count, 1, 1.f / 64);
    for (size_t i = 0; i < count; i++)
        x[i] += mean;
    float *other = grid_numbers(count, 1, 1.f / 256);
    float *scale = numbers_random(&op_rng, (size_t)s.c, 1, 0.3f);
    float *shift = numbers_random(&op_rng, (size_t)s.c, 0, 0.5f);
    double *wide_x = numbers_widen(x, count), *wide_other = numbers_widen(other, count);
    double *wide_scale = numbers_widen(scale, (size_t)s.c);
    double *wide_shift = numbers_widen(shift, (size_t)s.c);
    double *stats = numbers_allocate((size_t)(s.n * s.c) * 2, sizeof *stats);
    double *expected = numbers_allocate(count, sizeof *expected);
    ref_instance_stats(stats, wide_x, s, 1e-5);
    ref_instance_norm(expected, wide_x, s, stats,
                      &(ref_norm_params){.scale = affine ? wide_scale : NULL,
                                         .shift = affine ? wide_shift : NULL,
                                         .residual = residual ? wide_other : NULL,
                                         .activation = activation,
                                         .slope = 0.2});

    guarded_begin(&op_memory);
    cgv_cmd *cmd = op_memory.cmd;
    uint64_t x_at = op_floats(GUARDED_INPUT, x, count);
    uint64_t other_at = op_floats(GUARDED_INPUT, other, count);
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, count);
    cgv_pixels a = add_pixels(s), b = add_pixels(s), r = add_pixels(s);
    uint64_t stats_at = op_scratch(cgv_pixels_stats_bytes(a));
    uint64_t scratch = op_scratch(cgv_pixels_norm_scratch(a));
    cgv_norm_params params = {.activation = activation, .slope = 0.2f};
    if (affine) {
        params.scale = op_floats(GUARDED_INPUT, scale, (size_t)s.c);
        params.shift = op_floats(GUARDED_INPUT, shift, (size_t)s.c);
    }
    cgv_pixels_from_planes(cmd, a, op_tensor(x_at, s));
    cgv_pixels_from_planes(cmd, r, op_tensor(other_at, s));
    cgv_pixels_norm_stats(cmd, stats_at, a, scratch, 0, 1e-5f);
    cgv_pixels_norm(cmd, b, a, stats_at, residual ? r : (cgv_pixels){0}, &params);
    cgv_pixels_to_planes(cmd, op_tensor(y_at, s), b);
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, y_at), expected, count, HALF_TOLERANCE);
    if (!right)
        printf("FAILED: norm of %d x %d x %d x %d\n", s.n, s.c, s.h, s.w);
    free(x);
    free(other);
    free(scale);
    free(shift);
    free(wide_x);
    free(wide_other);
    free(wide_scale);
    free(wide_shift);
    free(stats);
    free(expected);
    return right;
}

static void test_norm(void) {
    op_begin(OP_MEMORY, 2);
    CU_ASSERT(run_norm((ref_shape){1, 32, 1, 2}, false, false, CGV_ACT_NONE, 0));
    CU_ASSERT(run_norm((ref_shape){2, 33, 7, 9}, true, true, CGV_ACT_RELU, 0));
    CU_ASSERT(run_norm((ref_shape){1, 64, 31, 33}, false, true, CGV_ACT_NONE, 3));
    CU_ASSERT(run_norm((ref_shape){1, 256, 40, 64}, true, false, CGV_ACT_LEAKY_RELU, -8));
    CU_ASSERT(run_norm((ref_shape){2, 12, 90, 160}, false, false, CGV_ACT_RELU, 1));
    op_end();
}

// Averages over frames: what stats hold from the one before gets the weight at `keep`.
static void test_held_stats(void) {
    ref_shape s = {1, 2, 4, 8};
    float x[64], held[64];
    for (int i = 0; i < 64; i++) {
        x[i] = (float)(i % 32) / 16;
        held[i] = (float)i;
    }
    const float keep = 0.75f;
    op_begin(OP_MEMORY, 4);
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, 64);
    uint64_t keep_at = op_floats(GUARDED_INPUT, &keep, 1);
    uint64_t stats_at = op_floats(GUARDED_OUTPUT, held, 64); // of 32 stored channels
    cgv_pixels a = add_pixels(s);
    uint64_t scratch = op_scratch(cgv_pixels_norm_scratch(a));
    cgv_pixels_from_planes(op_memory.cmd, a, op_tensor(x_at, s));
    cgv_pixels_norm_stats(op_memory.cmd, stats_at, a, scratch, keep_at, 1e-5f);
    CU_ASSERT_FATAL(guarded_run(&op_memory));
    const float *stats = guarded_result(&op_memory, stats_at);
    double mean = 15.5 / 16, rstd = 1 / sqrt((32 * 32 - 1) / 12. / 256 + 1e-5);
    for (int c = 0; c < 2; c++) {
        CU_ASSERT_DOUBLE_EQUAL(stats[2 * c], 0.25 * mean + 0.75 * held[2 * c], 1e-5);
        CU_ASSERT_DOUBLE_EQUAL(stats[2 * c + 1], 0.25 * rstd + 0.75 * held[2 * c + 1], 1e-5);
    }
    op_end();
}

// A broken network must show: NaN in one channel spoils that channel.
static void test_nan(void) {
    ref_shape s = {1, 2, 4, 8};
    float x[64];
    for (int i = 0; i < 64; i++)
        x[i] = i == 40 ? NAN : (float)i / 16;
    op_begin(OP_MEMORY, 3);
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, 64), y_at = op_floats(GUARDED_OUTPUT, NULL, 64);
    cgv_pixels a = add_pixels(s), b = add_pixels(s);
    uint64_t stats_at = op_scratch(cgv_pixels_stats_bytes(a));
    uint64_t scratch = op_scratch(cgv_pixels_norm_scratch(a));
    cgv_pixels_from_planes(op_memory.cmd, a, op_tensor(x_at, s));
    cgv_pixels_norm_stats(op_memory.cmd, stats_at, a, scratch, 0, 1e-5f);
    cgv_pixels_norm(op_memory.cmd, b, a, stats_at, (cgv_pixels){0},
                    &(cgv_norm_params){.activation = CGV_ACT_RELU});
    cgv_pixels_to_planes(op_memory.cmd, op_tensor(y_at, s), b);
    CU_ASSERT_FATAL(guarded_run_nan(&op_memory));
    for (int i = 0; i < 64; i++)
        CU_ASSERT_EQUAL(!isnan(guarded_result(&op_memory, y_at)[i]), i < 32);
    op_end();
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"conv", test_conv_cases},    {"what does not fit", test_refused},
        {"instance norm", test_norm}, {"statistics held over frames", test_held_stats},
        {"NaN survives", test_nan},   {0},
    };
    return cgv_test_run_half("matrix units", cases);
}
