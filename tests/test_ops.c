// The forward operations against slow references in C. Every case runs in guarded memory, which
// also checks barriers, declared accesses and writes out of bounds (guarded.h).
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "guarded.h"
#include "numbers.h"
#include "reference.h"
#include "support.h"

#define MEMORY_BYTES (32u << 20)
#define SEED         20170330u

static guarded memory;
static cgv_rng rng;

static void use_memory(uint64_t stream) {
    guarded_destroy(&memory); // of a test that broke off
    CU_ASSERT_EQUAL_FATAL(guarded_create(&memory, cgv_test_device(), MEMORY_BYTES), CGV_OK);
    cgv_rng_seed(&rng, SEED, stream);
}

// ---- helpers ----

static float *random_floats(size_t count, float mean, float deviation) {
    return numbers_random(&rng, count, mean, deviation);
}

static uint64_t add_floats(guarded_use use, const float *data, size_t count) {
    return guarded_add(&memory, use, data, count * sizeof *data);
}

static cgv_tensor tensor(uint64_t address, ref_shape s) {
    return (cgv_tensor){address, s.n, s.c, s.h, s.w};
}

// ---- convolution ----

typedef struct conv_case {
    int n, h, w;
    bool bias;
    cgv_conv_params p;
} conv_case;

static void print_conv(const conv_case *c) {
    const cgv_conv_params *p = &c->p;
    printf("FAILED: %s n %d, %dx%d, cin %d, cout %d, kernel %d, stride %d, pad %d (mode %d), "
           "output_pad %d, groups %d, activation %d, bias %d\n",
           p->transposed ? "transposed conv" : "conv", c->n, c->w, c->h, p->cin, p->cout, p->kernel,
           p->stride, p->pad, p->pad_mode, p->output_pad, p->groups, p->activation, c->bias);
}

// Whether the operation is defined: reflection needs a side larger than the padding.
static bool possible(const conv_case *c) {
    ref_shape out = ref_conv_shape((ref_shape){c->n, c->p.cin, c->h, c->w}, &c->p);
    int side = c->h < c->w ? c->h : c->w;
    return out.h >= 1 && out.w >= 1 && (c->p.pad_mode != CGV_PAD_REFLECT || side > c->p.pad);
}

static double multiply_adds(const conv_case *c) {
    ref_shape out = ref_conv_shape((ref_shape){c->n, c->p.cin, c->h, c->w}, &c->p);
    double taps = c->p.kernel * c->p.kernel;
    return (double)ref_count(out) * taps * c->p.cin / c->p.groups;
}

static bool run_conv(const conv_case *c) {
    const cgv_conv_params *p = &c->p;
    ref_shape in = {c->n, p->cin, c->h, c->w}, out = ref_conv_shape(in, p);
    size_t taps = (size_t)(p->kernel * p->kernel);
    size_t weight_count = (size_t)p->cout * (size_t)(p->cin / p->groups) * taps;
    float *x = random_floats(ref_count(in), 0, 1);
    float *weights = random_floats(weight_count, 0, 1 / sqrtf((float)(p->cin / p->groups)));
    float *bias = random_floats((size_t)p->cout, 0, 1);
    double *expected = numbers_allocate(ref_count(out), sizeof *expected);
    double *wide_x = numbers_widen(x, ref_count(in));
    double *wide_weights = numbers_widen(weights, weight_count);
    double *wide_bias = numbers_widen(bias, (size_t)p->cout);
    ref_conv(expected, wide_x, in, wide_weights, c->bias ? wide_bias : NULL, p);

    guarded_begin(&memory);
    uint64_t x_at = add_floats(GUARDED_INPUT, x, ref_count(in));
    uint64_t weights_at = add_floats(GUARDED_INPUT, weights, weight_count);
    uint64_t bias_at = c->bias ? add_floats(GUARDED_INPUT, bias, (size_t)p->cout) : 0;
    uint64_t packed = guarded_add(&memory, GUARDED_SCRATCH, NULL, cgv_conv_packed_bytes(p));
    uint64_t y_at = add_floats(GUARDED_OUTPUT, NULL, ref_count(out));
    cgv_conv_pack(memory.cmd, packed, weights_at, p);
    cgv_conv(memory.cmd, tensor(y_at, out), tensor(x_at, in), packed, bias_at, p);
    bool right = guarded_run(&memory) &&
                 numbers_close(guarded_result(&memory, y_at), expected, ref_count(out), 1e-5);
    if (!right)
        print_conv(c);
    free(x);
    free(weights);
    free(bias);
    free(wide_x);
    free(wide_weights);
    free(wide_bias);
    free(expected);
    return right;
}

#define CONV(k, s, p_, mode, g, ci, co, ...)                                                       \
    {                                                                                              \
        .cin = (ci), .cout = (co), .kernel = (k), .stride = (s), .pad = (p_), .groups = (g),       \
        .pad_mode = CGV_PAD_##mode, .slope = 0.2f, __VA_ARGS__                                     \
    }
#define ACT(a) .activation = CGV_ACT_##a

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
    {1, 12, 200, true, CONV(9, 1, 4, REFLECT, 1, 3, 8, ACT(NONE))},
    {1, 12, 16, true, CONV(9, 1, 4, REFLECT, 1, 3, 8, ACT(NONE))},
    // Groups, channel multipliers, the filters of anti-aliased nets.
    {1, 17, 31, true, CONV(3, 1, 1, ZERO, 3, 21, 9, ACT(RELU))},
    {2, 17, 31, false, CONV(3, 1, 1, ZERO, 7, 7, 14, ACT(SIGMOID))},
    {1, 17, 31, false, CONV(3, 2, 1, REFLECT, 16, 16, 16, ACT(NONE))},
    {1, 18, 32, false, CONV(3, 2, 1, REFLECT, 16, 16, 16, ACT(NONE))},
};

static void test_conv_cases(void) {
    use_memory(1);
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++) {
        CU_ASSERT_FATAL(possible(&conv_cases[i]));
        CU_ASSERT(run_conv(&conv_cases[i]));
    }
    guarded_destroy(&memory);
}

static const int channel_choice[] = {1, 3, 7, 16, 33};
static const int size_choice[][2] = {{1, 1},   {3, 5},   {17, 31}, {8, 8},
                                     {12, 20}, {16, 64}, {48, 64}};

#define PICK(array) ((array)[cgv_rng_below(&rng, sizeof(array) / sizeof *(array))])

// Channels, groups, size and batch by chance for one of the kernels.
static conv_case random_case(const cgv_conv_params *kernels, size_t count) {
    conv_case c = {.p = kernels[cgv_rng_below(&rng, (uint32_t)count)]};
    const int *size = PICK(size_choice);
    c.n = 1 + (int)cgv_rng_below(&rng, 2);
    c.h = size[0];
    c.w = size[1];
    c.bias = cgv_rng_below(&rng, 2);
    c.p.cin = PICK(channel_choice);
    c.p.cout = PICK(channel_choice);
    switch (cgv_rng_below(&rng, 4)) {
    case 0: // depthwise
        c.p.groups = c.p.cin;
        c.p.cout = c.p.cin * (1 + (int)cgv_rng_below(&rng, 2));
        break;
    case 1: // a few groups
        c.p.groups = 2 + (int)cgv_rng_below(&rng, 3);
        c.p.cin *= c.p.groups;
        c.p.cout *= c.p.groups;
        break;
    default:
        c.p.groups = 1;
    }
    return c;
}

static void run_random(const cgv_conv_params *kernels, size_t kernel_count, int cases) {
    int ran = 0, undefined = 0, large = 0;
    while (ran < cases) {
        conv_case c = random_case(kernels, kernel_count);
        if (!possible(&c)) {
            undefined++;
        } else if (multiply_adds(&c) > 2e7) {
            large++;
        } else {
            ran++;
            CU_ASSERT(run_conv(&c));
        }
    }
    printf("seed %u: %d cases; passed over %d that are not defined, %d too large ", SEED, ran,
           undefined, large);
}

static void test_conv_random(void) {
    // Few, so that most cases find their pipeline compiled.
    static const cgv_conv_params kernels[] = {
        CONV(1, 1, 0, ZERO, 1, 1, 1, ACT(NONE)),       CONV(1, 2, 0, ZERO, 1, 1, 1, ACT(RELU)),
        CONV(3, 1, 1, ZERO, 1, 1, 1, ACT(RELU)),       CONV(3, 1, 1, REFLECT, 1, 1, 1, ACT(NONE)),
        CONV(3, 1, 1, REPLICATE, 1, 1, 1, ACT(TANH)),  CONV(3, 1, 0, ZERO, 1, 1, 1, ACT(SIGMOID)),
        CONV(3, 1, 2, ZERO, 1, 1, 1, ACT(NONE)),       CONV(3, 2, 1, ZERO, 1, 1, 1, ACT(NONE)),
        CONV(3, 2, 1, REFLECT, 1, 1, 1, ACT(NONE)),    CONV(3, 2, 1, REPLICATE, 1, 1, 1, ACT(NONE)),
        CONV(4, 2, 1, ZERO, 1, 1, 1, ACT(LEAKY_RELU)), CONV(4, 1, 1, ZERO, 1, 1, 1, ACT(NONE)),
        CONV(4, 1, 2, REFLECT, 1, 1, 1, ACT(NONE)),    CONV(7, 1, 3, REFLECT, 1, 1, 1, ACT(TANH)),
        CONV(7, 1, 3, ZERO, 1, 1, 1, ACT(NONE)),       CONV(7, 2, 3, REPLICATE, 1, 1, 1, ACT(RELU)),
    };
    use_memory(2);
    run_random(kernels, sizeof kernels / sizeof *kernels, 150);
    guarded_destroy(&memory);
}

#define CONV_T(k, p_, op, g, ci, co, ...)                                                          \
    CONV(k, 2, p_, ZERO, g, ci, co, .output_pad = (op), .transposed = true, __VA_ARGS__)

static const conv_case transposed_cases[] = {
    {1, 1, 1, true, CONV_T(3, 1, 1, 1, 1, 1, ACT(NONE))},
    {1, 1, 1, true, CONV_T(3, 1, 0, 1, 3, 7, ACT(NONE))},
    {2, 3, 5, true, CONV_T(3, 1, 1, 1, 7, 3, ACT(RELU))},
    {1, 24, 32, true, CONV_T(3, 1, 1, 1, 33, 16, ACT(NONE))},
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
    use_memory(3);
    for (size_t i = 0; i < sizeof transposed_cases / sizeof *transposed_cases; i++) {
        CU_ASSERT_FATAL(possible(&transposed_cases[i]));
        CU_ASSERT(run_conv(&transposed_cases[i]));
    }
    guarded_destroy(&memory);
}

static void test_transposed_random(void) {
    static const cgv_conv_params kernels[] = {
        CONV_T(3, 1, 1, 1, 1, 1, ACT(NONE)),
        CONV_T(3, 1, 0, 1, 1, 1, ACT(RELU)),
        CONV_T(4, 1, 0, 1, 1, 1, ACT(NONE)),
        CONV_T(7, 3, 1, 1, 1, 1, ACT(NONE)),
    };
    use_memory(4);
    run_random(kernels, sizeof kernels / sizeof *kernels, 40);
    guarded_destroy(&memory);
}

// ---- instance norm ----

typedef struct norm_case {
    ref_shape shape;
    bool scale, shift, residual, in_place;
    cgv_activation activation;
    float mean, deviation; // of x
    double tolerance;
} norm_case;

static bool run_norm(const norm_case *c) {
    ref_shape s = c->shape;
    size_t count = ref_count(s), planes = (size_t)s.n * (size_t)s.c, channels = (size_t)s.c;
    const float epsilon = 1e-5f, slope = 0.2f;
    float *x = random_floats(count, c->mean, c->deviation);
    float *residual = random_floats(count, 0, 1);
    float *scale = random_floats(channels, 1, 0.3f), *shift = random_floats(channels, 0, 1);
    double *stats = numbers_allocate(2 * planes, sizeof *stats),
           *expected = numbers_allocate(count, sizeof *expected);
    double *wide_x = numbers_widen(x, count), *wide_residual = numbers_widen(residual, count);
    double *wide_scale = numbers_widen(scale, channels);
    double *wide_shift = numbers_widen(shift, channels);
    ref_instance_stats(stats, wide_x, s, epsilon);
    ref_instance_norm(expected, wide_x, s, stats,
                      &(ref_norm_params){c->scale ? wide_scale : NULL, c->shift ? wide_shift : NULL,
                                         c->residual ? wide_residual : NULL, c->activation, slope});

    guarded_begin(&memory);
    uint64_t x_at = add_floats(c->in_place ? GUARDED_OUTPUT : GUARDED_INPUT, x, count);
    uint64_t residual_at = c->residual ? add_floats(GUARDED_INPUT, residual, count) : 0;
    uint64_t y_at = c->in_place ? x_at : add_floats(GUARDED_OUTPUT, NULL, count);
    uint64_t stats_at = add_floats(GUARDED_OUTPUT, NULL, 2 * planes);
    cgv_norm_params params = {
        .scale = c->scale ? add_floats(GUARDED_INPUT, scale, channels) : 0,
        .shift = c->shift ? add_floats(GUARDED_INPUT, shift, channels) : 0,
        .activation = c->activation,
        .slope = slope,
    };
    uint64_t scratch =
        guarded_add(&memory, GUARDED_SCRATCH, NULL, cgv_instance_norm_scratch(tensor(x_at, s)));
    cgv_instance_norm_stats(memory.cmd, stats_at, tensor(x_at, s), scratch, epsilon);
    cgv_instance_norm(memory.cmd, tensor(y_at, s), tensor(x_at, s), stats_at,
                      tensor(residual_at, s), &params);
    bool right =
        guarded_run(&memory) &&
        numbers_close(guarded_result(&memory, stats_at), stats, 2 * planes, c->tolerance) &&
        numbers_close(guarded_result(&memory, y_at), expected, count, c->tolerance);
    if (!right)
        printf("FAILED: instance norm of %dx%dx%dx%d, scale %d, shift %d, residual %d, in place "
               "%d, activation %d, x %g +- %g\n",
               s.n, s.c, s.h, s.w, c->scale, c->shift, c->residual, c->in_place, c->activation,
               c->mean, c->deviation);
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

static void test_norm(void) {
    static const ref_shape shapes[] = {{1, 1, 1, 1},    {2, 3, 1, 1},    {1, 7, 3, 5},
                                       {2, 33, 3, 5},   {2, 16, 17, 31}, {1, 3, 48, 64},
                                       {1, 2, 97, 131}, {2, 3, 128, 160}};
    use_memory(5);
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
    guarded_destroy(&memory);
}

// Far from zero the squares of the values have no digits left for the variance: only what is
// summed about a mean gets it right. float32 itself keeps 1000 to 6e-5, 1/30000 of the deviation.
static void test_norm_far_from_zero(void) {
    use_memory(6);
    norm_case c = {.shape = {1, 3, 64, 100}, .mean = 1000, .deviation = 2, .tolerance = 1e-4};
    CU_ASSERT(run_norm(&c));
    c.shape = (ref_shape){2, 3, 17, 31};
    CU_ASSERT(run_norm(&c));
    c = (norm_case){.shape = {1, 2, 97, 131}, .mean = -0.1f, .tolerance = 1e-3}; // constant planes
    CU_ASSERT(run_norm(&c));
    guarded_destroy(&memory);
}

// A reduction that depends on the order in which the device works would differ now and then.
static void test_norm_is_reproducible(void) {
    ref_shape s = {1, 5, 211, 307};
    size_t count = ref_count(s);
    use_memory(7);
    float *x = random_floats(count, 0, 1);
    float *first = numbers_allocate(count, sizeof *first);
    float first_stats[10];
    for (int run = 0; run < 5; run++) {
        guarded_begin(&memory);
        uint64_t x_at = add_floats(GUARDED_INPUT, x, count);
        uint64_t y_at = add_floats(GUARDED_OUTPUT, NULL, count);
        uint64_t stats_at = add_floats(GUARDED_OUTPUT, NULL, 10);
        uint64_t scratch =
            guarded_add(&memory, GUARDED_SCRATCH, NULL, cgv_instance_norm_scratch(tensor(x_at, s)));
        cgv_instance_norm_stats(memory.cmd, stats_at, tensor(x_at, s), scratch, 1e-5f);
        cgv_instance_norm(memory.cmd, tensor(y_at, s), tensor(x_at, s), stats_at, (cgv_tensor){0},
                          &(cgv_norm_params){0});
        CU_ASSERT_FATAL(guarded_run(&memory));
        if (run == 0) {
            memcpy(first, guarded_result(&memory, y_at), count * sizeof *first);
            memcpy(first_stats, guarded_result(&memory, stats_at), sizeof first_stats);
        }
        CU_ASSERT(!memcmp(first, guarded_result(&memory, y_at), count * sizeof *first));
        CU_ASSERT(!memcmp(first_stats, guarded_result(&memory, stats_at), sizeof first_stats));
    }
    free(x);
    free(first);
    guarded_destroy(&memory);
}

// ---- element by element ----

static const ref_shape shapes[] = {{1, 1, 1, 1},    {1, 3, 3, 5},    {2, 7, 17, 31},
                                   {1, 33, 17, 31}, {2, 16, 48, 64}, {1, 3, 301, 467}};
#define SHAPES (sizeof shapes / sizeof *shapes)

static bool run_activation(ref_shape s, cgv_activation activation, bool in_place) {
    static const float special[] = {0, -0.0f, 1e-8f, -1e-8f, 8.9f, -9.1f, 100, -100, 1e30f, -1e30f};
    size_t count = ref_count(s);
    float *x = random_floats(count, 0, 3);
    double *expected = numbers_allocate(count, sizeof *expected);
    for (size_t i = 0; i < sizeof special / sizeof *special && i + 1 < count; i++)
        x[i] = activation == CGV_ACT_TANH || activation == CGV_ACT_SIGMOID ? special[i] : x[i];
    for (size_t i = 0; i < count; i++)
        expected[i] = ref_activate(x[i], activation, 0.2f);
    guarded_begin(&memory);
    uint64_t x_at = add_floats(in_place ? GUARDED_OUTPUT : GUARDED_INPUT, x, count);
    uint64_t y_at = in_place ? x_at : add_floats(GUARDED_OUTPUT, NULL, count);
    cgv_activation_apply(memory.cmd, tensor(y_at, s), tensor(x_at, s), activation, 0.2f);
    bool right =
        guarded_run(&memory) && numbers_close(guarded_result(&memory, y_at), expected, count, 1e-5);
    if (!right)
        printf("FAILED: activation %d of %dx%dx%dx%d, in place %d\n", activation, s.n, s.c, s.h,
               s.w, in_place);
    free(x);
    free(expected);
    return right;
}

static void test_activations(void) {
    use_memory(8);
    for (size_t i = 0; i < SHAPES; i++)
        for (int a = CGV_ACT_NONE; a <= CGV_ACT_SIGMOID; a++)
            CU_ASSERT(run_activation(shapes[i], (cgv_activation)a, (i + (size_t)a) % 2));
    guarded_destroy(&memory);
}

// target: 0 y apart, 1 y is a, 2 y is b, 3 a, b and y are one.
static bool run_add(ref_shape s, int target) {
    size_t count = ref_count(s);
    float *a = random_floats(count, 0, 1), *b = random_floats(count, 0, 1);
    double *expected = numbers_allocate(count, sizeof *expected);
    for (size_t i = 0; i < count; i++)
        expected[i] = (double)a[i] + (target == 3 ? a[i] : b[i]);
    guarded_begin(&memory);
    uint64_t a_at = add_floats(target & 1 ? GUARDED_OUTPUT : GUARDED_INPUT, a, count);
    uint64_t b_at =
        target == 3 ? a_at : add_floats(target == 2 ? GUARDED_OUTPUT : GUARDED_INPUT, b, count);
    uint64_t y_at = target == 0   ? add_floats(GUARDED_OUTPUT, NULL, count)
                    : target == 2 ? b_at
                                  : a_at;
    cgv_add(memory.cmd, tensor(y_at, s), tensor(a_at, s), tensor(b_at, s));
    bool right =
        guarded_run(&memory) && numbers_close(guarded_result(&memory, y_at), expected, count, 1e-6);
    if (!right)
        printf("FAILED: add of %dx%dx%dx%d, target %d\n", s.n, s.c, s.h, s.w, target);
    free(a);
    free(b);
    free(expected);
    return right;
}

static void test_add(void) {
    use_memory(9);
    for (size_t i = 0; i < SHAPES; i++)
        for (int target = 0; target < 4; target++)
            CU_ASSERT(run_add(shapes[i], target));
    guarded_destroy(&memory);
}

// ---- resampling ----

static bool run_upsample(ref_shape s, int factor, cgv_upsample_mode mode) {
    ref_shape out = {s.n, s.c, factor * s.h, factor * s.w};
    float *x = random_floats(ref_count(s), 0, 1);
    double *expected = numbers_allocate(ref_count(out), sizeof *expected);
    double *wide_x = numbers_widen(x, ref_count(s));
    ref_upsample(expected, wide_x, s, factor, mode);
    free(wide_x);
    guarded_begin(&memory);
    uint64_t x_at = add_floats(GUARDED_INPUT, x, ref_count(s));
    uint64_t y_at = add_floats(GUARDED_OUTPUT, NULL, ref_count(out));
    cgv_upsample(memory.cmd, tensor(y_at, out), tensor(x_at, s), factor, mode);
    bool right = guarded_run(&memory) &&
                 numbers_close(guarded_result(&memory, y_at), expected, ref_count(out), 1e-5);
    if (!right)
        printf("FAILED: upsample of %dx%dx%dx%d by %d, mode %d\n", s.n, s.c, s.h, s.w, factor,
               mode);
    free(x);
    free(expected);
    return right;
}

static void test_upsample(void) {
    use_memory(10);
    for (size_t i = 0; i < SHAPES - 1; i++)
        for (int factor = 1; factor <= 4; factor++) {
            CU_ASSERT(run_upsample(shapes[i], factor, CGV_UPSAMPLE_NEAREST));
            CU_ASSERT(run_upsample(shapes[i], factor, CGV_UPSAMPLE_BILINEAR));
        }
    guarded_destroy(&memory);
}

// ---- NaN ----

// A broken network must show: NaN has to come out where it went in, through every operation.
static void test_nan_survives(void) {
    ref_shape s = {1, 2, 4, 8};
    size_t count = ref_count(s);
    use_memory(11);
    float *x = random_floats(count, 0, 1);
    x[5] = NAN;
    for (int a = CGV_ACT_NONE; a <= CGV_ACT_SIGMOID; a++) {
        guarded_begin(&memory);
        uint64_t x_at = add_floats(GUARDED_INPUT, x, count);
        uint64_t y_at = add_floats(GUARDED_OUTPUT, NULL, count);
        cgv_activation_apply(memory.cmd, tensor(y_at, s), tensor(x_at, s), (cgv_activation)a, 0.2f);
        CU_ASSERT_FATAL(guarded_run_nan(&memory));
        const float *y = guarded_result(&memory, y_at);
        for (size_t i = 0; i < count; i++)
            if (!isnan(y[i]) != (i != 5)) {
                printf("FAILED: activation %d of %g is %g\n", a, x[i], y[i]);
                CU_FAIL("NaN is lost or made");
            }
    }
    cgv_conv_params p = CONV(3, 1, 1, REFLECT, 1, 2, 2, ACT(RELU));
    float *weights = random_floats(36, 0, 1);
    weights[20] = NAN; // of output channel 1
    guarded_begin(&memory);
    x[5] = 0;
    uint64_t x_at = add_floats(GUARDED_INPUT, x, count);
    uint64_t weights_at = add_floats(GUARDED_INPUT, weights, 36);
    uint64_t packed = guarded_add(&memory, GUARDED_SCRATCH, NULL, cgv_conv_packed_bytes(&p));
    uint64_t y_at = add_floats(GUARDED_OUTPUT, NULL, count);
    cgv_conv_pack(memory.cmd, packed, weights_at, &p);
    cgv_conv(memory.cmd, tensor(y_at, s), tensor(x_at, s), packed, 0, &p);
    CU_ASSERT_FATAL(guarded_run_nan(&memory));
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL(!isnan(guarded_result(&memory, y_at)[i]), i < count / 2);
    free(x);
    free(weights);
    guarded_destroy(&memory);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"conv: chosen cases", test_conv_cases},
        {"conv: random cases", test_conv_random},
        {"transposed conv: chosen cases", test_transposed_cases},
        {"transposed conv: random cases", test_transposed_random},
        {"instance norm", test_norm},
        {"instance norm: far from zero", test_norm_far_from_zero},
        {"instance norm: the same bytes every time", test_norm_is_reproducible},
        {"activations", test_activations},
        {"add", test_add},
        {"upsample", test_upsample},
        {"NaN survives", test_nan_survives},
        {0},
    };
    return cgv_test_run("ops", cases);
}
