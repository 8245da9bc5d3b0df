// The operations of imported graphs against slow references in C, in guarded memory.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "op_test.h"
#include "reference_graph.h"
#include "support.h"

// One run: operands in guarded memory, and what the reference expects.
typedef struct trial {
    ref_shape in, other, out; // other.n 0: one operand
    float *x, *b;
    double *wide_x, *wide_b, *expected;
    uint64_t x_at, b_at, y_at;
} trial;

static void trial_begin(trial *t) {
    t->x = numbers_random(&op_rng, ref_count(t->in), 0, 1);
    t->b = numbers_random(&op_rng, ref_count(t->other), 0, 1);
    t->wide_x = numbers_widen(t->x, ref_count(t->in));
    t->wide_b = numbers_widen(t->b, ref_count(t->other));
    t->expected = numbers_allocate(ref_count(t->out), sizeof *t->expected);
    guarded_begin(&op_memory);
    t->x_at = op_floats(GUARDED_INPUT, t->x, ref_count(t->in));
    t->b_at = t->other.n ? op_floats(GUARDED_INPUT, t->b, ref_count(t->other)) : 0;
    t->y_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(t->out));
}

static cgv_tensor x_of(const trial *t) {
    return op_tensor(t->x_at, t->in);
}

static cgv_tensor b_of(const trial *t) {
    return op_tensor(t->b_at, t->other);
}

static cgv_tensor y_of(const trial *t) {
    return op_tensor(t->y_at, t->out);
}

static bool trial_end(trial *t, const char *what, size_t number) {
    bool right = guarded_run(&op_memory) && numbers_close(guarded_result(&op_memory, t->y_at),
                                                          t->expected, ref_count(t->out), 1e-5);
    if (!right)
        printf("FAILED: %s, case %zu\n", what, number);
    free(t->x);
    free(t->b);
    free(t->wide_x);
    free(t->wide_b);
    free(t->expected);
    return right;
}

static int span(const cgv_window *w, int axis) {
    return w->dilation[axis] * (w->kernel[axis] - 1) + 1;
}

static int window_side(const cgv_window *w, int axis, int side, bool transposed, int output_pad) {
    int pads = w->pad[axis] + w->pad[axis + 2];
    return transposed ? (side - 1) * w->stride[axis] - pads + span(w, axis) + output_pad
                      : (side + pads - span(w, axis)) / w->stride[axis] + 1;
}

static void test_window_conv(void) {
    static const struct {
        ref_shape in;
        int channels, output_pad;
        bool bias;
        cgv_window_conv_params p;
    } cases[] = {
        {{1, 1, 1, 1}, 1, 0, false, {{{1, 1}, {1, 1}, {1, 1}, {0}}, 1, false}},
        {{2, 3, 9, 17}, 7, 0, true, {{{1, 7}, {1, 1}, {1, 1}, {0, 3, 0, 3}}, 1, false}},
        {{1, 7, 17, 9}, 3, 0, true, {{{5, 2}, {1, 3}, {1, 1}, {2, 0, 1, 1}}, 1, false}},
        {{1, 16, 31, 33}, 5, 0, true, {{{3, 3}, {1, 1}, {2, 4}, {2, 4, 2, 4}}, 1, false}},
        {{2, 6, 13, 11}, 9, 0, true, {{{3, 3}, {2, 2}, {3, 1}, {0, 1, 2, 0}}, 3, false}},
        {{1, 8, 12, 20}, 8, 0, false, {{{3, 3}, {4, 4}, {1, 1}, {1, 1, 1, 1}}, 8, false}},
        {{1, 3, 7, 5}, 4, 0, true, {{{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}}, 1, true}},
        {{2, 4, 7, 5}, 6, 1, true, {{{5, 3}, {3, 2}, {1, 2}, {1, 0, 2, 1}}, 2, true}},
        {{1, 5, 6, 9}, 13, 0, false, {{{4, 4}, {4, 4}, {1, 1}, {0}}, 1, true}},
    };
    op_begin(OP_MEMORY, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cgv_window_conv_params *p = &cases[i].p;
        const cgv_window *w = &p->window;
        ref_shape in = cases[i].in;
        int channels = cases[i].channels, pad = cases[i].output_pad;
        trial t = {.in = in,
                   .other = {p->transposed ? in.c : channels,
                             (p->transposed ? channels : in.c) / p->groups, w->kernel[0],
                             w->kernel[1]},
                   .out = {in.n, channels, window_side(w, 0, in.h, p->transposed, pad),
                           window_side(w, 1, in.w, p->transposed, pad)}};
        trial_begin(&t);
        float *bias = op_random((size_t)channels);
        double *wide = numbers_widen(bias, (size_t)channels);
        uint64_t bias_at = cases[i].bias ? op_floats(GUARDED_INPUT, bias, (size_t)channels) : 0;
        ref_window_conv(t.expected, t.out, t.wide_x, in, t.wide_b, bias_at ? wide : NULL, p);
        cgv_window_conv(op_memory.cmd, y_of(&t), x_of(&t), t.b_at, bias_at, p);
        CU_ASSERT(trial_end(&t, "window conv", i));
        free(bias);
        free(wide);
    }
    op_end();
}

static void test_pool(void) {
    static const struct {
        ref_shape in;
        int h, w; // of the output
        cgv_window window;
    } cases[] = {
        {{1, 1, 1, 1}, 1, 1, {{1, 1}, {1, 1}, {1, 1}, {0}}},
        {{2, 3, 9, 17}, 4, 8, {{2, 2}, {2, 2}, {1, 1}, {0}}},
        {{2, 3, 9, 17}, 5, 9, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}}},
        {{1, 7, 17, 31}, 17, 31, {{3, 5}, {1, 1}, {1, 1}, {1, 2, 1, 2}}},
        // A last window that reaches beyond the padding (ceil).
        {{1, 2, 8, 8}, 4, 4, {{3, 3}, {2, 2}, {1, 1}, {0}}},
        {{1, 2, 9, 10}, 3, 4, {{3, 3}, {2, 2}, {2, 2}, {0, 1, 0, 1}}},
        {{2, 5, 33, 17}, 33, 1, {{1, 0}, {1, 1}, {1, 1}, {0}}},
        {{2, 5, 33, 1}, 1, 1, {{0, 1}, {1, 1}, {1, 1}, {0}}},
    };
    op_begin(OP_MEMORY, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int pool = 0; pool <= CGV_POOL_MAX; pool++) {
            trial t = {.in = cases[i].in,
                       .out = {cases[i].in.n, cases[i].in.c, cases[i].h, cases[i].w}};
            trial_begin(&t);
            ref_pool(t.expected, t.out, t.wide_x, t.in, (cgv_pooling)pool, &cases[i].window);
            cgv_pool_apply(op_memory.cmd, y_of(&t), x_of(&t), (cgv_pooling)pool, &cases[i].window);
            CU_ASSERT(trial_end(&t, "pool", i));
        }
    op_end();
}

// Values for which the binary operation and the function are defined.
static void tame(trial *t, cgv_binary binary, cgv_function function) {
    for (size_t i = 0; i < ref_count(t->in); i++) {
        if (function == CGV_FUNCTION_SQRT)
            t->x[i] = fabsf(t->x[i]);
        if (binary == CGV_BINARY_POW && i % 2)
            t->x[i] = -t->x[i];
        t->wide_x[i] = (double)t->x[i];
    }
    for (size_t i = 0; i < ref_count(t->other); i++) {
        if (binary == CGV_BINARY_DIV)
            t->b[i] = copysignf(0.5f + fabsf(t->b[i]), t->b[i]);
        if (binary == CGV_BINARY_POW) // whole numbers: x may be negative
            t->b[i] = 1 + (float)(i % 4);
        t->wide_b[i] = (double)t->b[i];
    }
}

static bool run_elementwise(ref_shape a, ref_shape b, const cgv_elementwise_params *p,
                            size_t number) {
    ref_shape out = {a.n > b.n ? a.n : b.n, a.c > b.c ? a.c : b.c, a.h > b.h ? a.h : b.h,
                     a.w > b.w ? a.w : b.w};
    trial t = {.in = a, .other = p->binary ? b : (ref_shape){0}, .out = p->binary ? out : a};
    t.x = NULL;
    trial_begin(&t);
    tame(&t, p->binary, p->function);
    guarded_begin(&op_memory); // again, with the tamed numbers
    t.x_at = op_floats(GUARDED_INPUT, t.x, ref_count(t.in));
    t.b_at = t.other.n ? op_floats(GUARDED_INPUT, t.b, ref_count(t.other)) : 0;
    t.y_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(t.out));
    ref_elementwise(t.expected, t.out, t.wide_x, t.in, p->binary ? t.wide_b : NULL, t.other, p);
    cgv_elementwise(op_memory.cmd, y_of(&t), x_of(&t), b_of(&t), p);
    return trial_end(&t, "elementwise", number);
}

static void test_elementwise(void) {
    static const ref_shape pairs[][2] = {
        {{1, 1, 1, 1}, {1, 1, 1, 1}},   {{2, 7, 17, 31}, {2, 7, 17, 31}},
        {{2, 7, 17, 31}, {1, 7, 1, 1}}, {{1, 7, 1, 1}, {2, 7, 17, 31}},
        {{2, 7, 17, 31}, {1, 1, 1, 1}}, {{2, 3, 9, 5}, {2, 1, 9, 5}},
        {{2, 1, 9, 5}, {2, 3, 1, 1}},   {{1, 3, 9, 1}, {1, 3, 1, 5}},
    };
    op_begin(OP_MEMORY, 3);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int b = CGV_BINARY_ADD; b <= CGV_BINARY_PRELU; b++)
            CU_ASSERT(run_elementwise(pairs[i][0], pairs[i][1],
                                      &(cgv_elementwise_params){.binary = (cgv_binary)b}, i));
    for (int f = 0; f <= CGV_FUNCTION_TANH; f++) {
        cgv_elementwise_params p = {.function = (cgv_function)f, .p = -0.4f, .q = 0.7f};
        CU_ASSERT(run_elementwise((ref_shape){2, 7, 17, 31}, (ref_shape){0}, &p, (size_t)f));
        p.p = 0.2f;
        CU_ASSERT(run_elementwise((ref_shape){1, 1, 3, 5}, (ref_shape){0}, &p, (size_t)f));
    }
    op_end();
}

// What is not a number stays so: a broken network must show.
static void test_nan(void) {
    ref_shape s = {1, 1, 2, 4};
    const float x[8] = {0.5f, NAN, 1, 2, 3, 4, 5, 6};
    op_begin(OP_MEMORY, 7);
    for (int f = 0; f <= CGV_FUNCTION_TANH; f++) {
        guarded_begin(&op_memory);
        uint64_t x_at = op_floats(GUARDED_INPUT, x, 8), y_at = op_floats(GUARDED_OUTPUT, NULL, 8);
        cgv_elementwise_params p = {.function = (cgv_function)f, .p = 0.2f, .q = 0.7f};
        cgv_elementwise(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), (cgv_tensor){0}, &p);
        CU_ASSERT_FATAL(guarded_run_nan(&op_memory));
        for (size_t i = 0; i < 8; i++)
            CU_ASSERT_EQUAL(!isnan(guarded_result(&op_memory, y_at)[i]), i != 1);
    }
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, 8), y_at = op_floats(GUARDED_OUTPUT, NULL, 2);
    cgv_pool_apply(op_memory.cmd, op_tensor(y_at, (ref_shape){1, 1, 1, 2}), op_tensor(x_at, s),
                   CGV_POOL_MAX, &(cgv_window){{2, 2}, {2, 2}, {1, 1}, {0}});
    CU_ASSERT_FATAL(guarded_run_nan(&op_memory));
    CU_ASSERT(isnan(guarded_result(&op_memory, y_at)[0]));
    CU_ASSERT_EQUAL(guarded_result(&op_memory, y_at)[1], 6);
    op_end();
}

static void test_pad(void) {
    static const struct {
        ref_shape in;
        cgv_margin margin;
    } cases[] = {
        {{1, 1, 1, 1}, {{0, 2, 1}, {0, 0, 3}, CGV_PAD_ZERO, 0.5f}},
        {{2, 3, 9, 17}, {{0, 3, 1}, {0, 2, 8}, CGV_PAD_REFLECT, 0}},
        {{2, 3, 9, 17}, {{0, 3, 1}, {0, 12, 8}, CGV_PAD_REPLICATE, 0}},
        {{2, 3, 9, 17}, {{1, -2, 1}, {2, -3, -4}, CGV_PAD_ZERO, -1}},
        {{1, 7, 17, 31}, {{-2, 0, 0}, {-4, 0, 0}, CGV_PAD_ZERO, 0}},
        {{1, 7, 17, 31}, {{0, -3, 4}, {1, 2, -5}, CGV_PAD_REFLECT, 2}},
    };
    op_begin(OP_MEMORY, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cgv_margin *m = &cases[i].margin;
        ref_shape in = cases[i].in;
        trial t = {.in = in,
                   .out = {in.n, in.c + m->before[0] + m->after[0],
                           in.h + m->before[1] + m->after[1], in.w + m->before[2] + m->after[2]}};
        trial_begin(&t);
        ref_pad(t.expected, t.out, t.wide_x, in, m);
        cgv_pad_apply(op_memory.cmd, y_of(&t), x_of(&t), m);
        CU_ASSERT(trial_end(&t, "pad", i));
    }
    op_end();
}

static void test_rearrange(void) {
    op_begin(OP_MEMORY, 5);
    for (int factor = 1; factor <= 4; factor++)
        for (int how = 0; how <= CGV_PIXEL_UNSHUFFLE; how++) {
            bool spread = how == CGV_DEPTH_TO_SPACE || how == CGV_PIXEL_SHUFFLE;
            ref_shape deep = {2, 3 * factor * factor, 5, 7};
            ref_shape wide = {2, 3, 5 * factor, 7 * factor};
            trial t = {.in = spread ? deep : wide, .out = spread ? wide : deep};
            trial_begin(&t);
            ref_rearrange(t.expected, t.out, t.wide_x, t.in, (cgv_rearrangement)how, factor);
            cgv_rearrange(op_memory.cmd, y_of(&t), x_of(&t), (cgv_rearrangement)how, factor);
            CU_ASSERT(trial_end(&t, "rearrange", (size_t)(10 * factor + how)));
        }
    op_end();
}

static void test_resize(void) {
    static const struct {
        ref_shape in;
        int h, w;
    } cases[] = {
        {{1, 1, 1, 1}, 1, 1},    {{1, 2, 1, 1}, 5, 3},     {{2, 3, 9, 17}, 18, 34},
        {{2, 3, 9, 18}, 27, 27}, {{1, 3, 16, 12}, 8, 4},   {{1, 3, 15, 21}, 7, 10},
        {{1, 2, 7, 5}, 1, 49},   {{1, 1, 49, 30}, 7, 100},
    };
    op_begin(OP_MEMORY, 6);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int way = 0; way < 15; way++) {
            ref_shape in = cases[i].in;
            trial t = {.in = in, .out = {in.n, in.c, cases[i].h, cases[i].w}};
            cgv_resize_params p = {
                .centres = (cgv_centres)(way / 5),
                .nearest = (cgv_nearest)(way % 5),
                .scale = {(float)t.out.h / (float)in.h, (float)t.out.w / (float)in.w}};
            trial_begin(&t);
            ref_resize(t.expected, t.out, t.wide_x, in, &p);
            cgv_resize(op_memory.cmd, y_of(&t), x_of(&t), &p);
            CU_ASSERT(trial_end(&t, "resize", 100 * i + (size_t)way));
        }
    op_end();
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"convolution of any window", test_window_conv},
        {"pools", test_pool},
        {"element by element", test_elementwise},
        {"NaN survives", test_nan},
        {"margins", test_pad},
        {"depth and space", test_rearrange},
        {"resizing", test_resize},
        {0},
    };
    return cgv_test_run("graph_ops", cases);
}
