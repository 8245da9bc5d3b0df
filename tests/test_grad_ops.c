// The other backward operations, losses and Adam, as test_grad_conv.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "op_test.h"
#include "reference_grad.h"
#include "support.h"

// ---- instance norm ----

typedef struct norm_run {
    ref_shape shape;
    bool scale, shift, in_place; // in place: dx is dy
    bool frozen;                 // gradients of scale and shift are not wanted
    cgv_norm_params params;
    float *x, *dy, *scales, *shifts, *dscale, *dshift;
    uint64_t dx_at, dscale_at, dshift_at;
} norm_run;

static const float norm_epsilon = 1e-5f;

static void record_norm(void *opaque) {
    norm_run *r = opaque;
    ref_shape s = r->shape;
    size_t count = ref_count(s), channels = (size_t)s.c;
    cgv_tensor x = op_tensor(op_floats(GUARDED_INPUT, r->x, count), s);
    cgv_tensor y = op_tensor(op_floats(GUARDED_OUTPUT, NULL, count), s);
    cgv_tensor dy =
        op_tensor(op_floats(r->in_place ? GUARDED_OUTPUT : GUARDED_INPUT, r->dy, count), s);
    r->dx_at = r->in_place ? dy.address : op_floats(GUARDED_OUTPUT, NULL, count);
    uint64_t stats = op_floats(GUARDED_OUTPUT, NULL, 2 * (size_t)s.n * channels);
    r->params.scale = r->scale ? op_floats(GUARDED_INPUT, r->scales, channels) : 0;
    r->params.shift = r->shift ? op_floats(GUARDED_INPUT, r->shifts, channels) : 0;
    bool wanted = !r->frozen;
    r->dscale_at = r->scale && wanted ? op_floats(GUARDED_OUTPUT, r->dscale, channels) : 0;
    r->dshift_at = r->shift && wanted ? op_floats(GUARDED_OUTPUT, r->dshift, channels) : 0;
    uint64_t forward = op_scratch(cgv_instance_norm_scratch(x));
    uint64_t scratch = op_scratch(cgv_instance_norm_grad_scratch(x));
    cgv_instance_norm_stats(op_memory.cmd, stats, x, forward, 0, norm_epsilon);
    cgv_instance_norm(op_memory.cmd, y, x, stats, (cgv_tensor){0}, &r->params);
    cgv_instance_norm_grad(op_memory.cmd, op_tensor(r->dx_at, s), dy, y, x, stats, r->dscale_at,
                           r->dshift_at, scratch, &r->params);
}

static bool norm_results_are_right(const norm_run *r) {
    size_t count = ref_count(r->shape), channels = (size_t)r->shape.c;
    double *x = numbers_widen(r->x, count), *dy = numbers_widen(r->dy, count);
    double *scales = numbers_widen(r->scales, channels);
    double *shifts = numbers_widen(r->shifts, channels);
    double *dx = numbers_allocate(count, sizeof *dx);
    double *dscale = numbers_allocate(channels, sizeof *dscale);
    double *dshift = numbers_allocate(channels, sizeof *dshift);
    ref_instance_norm_grad(dx, dscale, dshift, dy, x, r->shape, norm_epsilon,
                           &(ref_norm_params){r->scale ? scales : NULL, r->shift ? shifts : NULL,
                                              NULL, r->params.activation, r->params.slope});
    numbers_add(dscale, r->dscale, channels);
    numbers_add(dshift, r->dshift, channels);
    bool right = op_gradient_is(r->dx_at, dx, count) &&
                 (!r->dscale_at || op_gradient_is(r->dscale_at, dscale, channels)) &&
                 (!r->dshift_at || op_gradient_is(r->dshift_at, dshift, channels));
    free(x);
    free(dy);
    free(scales);
    free(shifts);
    free(dx);
    free(dscale);
    free(dshift);
    return right;
}

static bool run_norm(norm_run r) {
    ref_shape s = r.shape;
    r.params.slope = 0.2f;
    r.x = numbers_random(&op_rng, ref_count(s), 0.5f, 2);
    r.dy = op_random(ref_count(s));
    r.scales = numbers_random(&op_rng, (size_t)s.c, 1, 0.3f);
    r.shifts = op_random((size_t)s.c);
    r.dscale = op_random((size_t)s.c);
    r.dshift = op_random((size_t)s.c);
    bool right = guarded_run_twice(&op_memory, record_norm, &r) && norm_results_are_right(&r);
    if (!right)
        printf("FAILED: instance norm of %dx%dx%dx%d, scale %d, shift %d, in place %d, "
               "activation %d\n",
               s.n, s.c, s.h, s.w, r.scale, r.shift, r.in_place, r.params.activation);
    free(r.x);
    free(r.dy);
    free(r.scales);
    free(r.shifts);
    free(r.dscale);
    free(r.dshift);
    return right;
}

static void test_norm(void) {
    static const ref_shape shapes[] = {{1, 1, 1, 1},    {2, 7, 1, 1},    {1, 7, 3, 5},
                                       {2, 33, 3, 5},   {2, 16, 17, 31}, {1, 3, 48, 64},
                                       {1, 16, 32, 32}, {2, 3, 97, 131}};
    op_begin(OP_GRAD_MEMORY, 5);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int a = CGV_ACT_NONE; a <= CGV_ACT_SIGMOID; a++) {
            norm_run r = {.shape = shapes[i], .params.activation = (cgv_activation)a};
            r.in_place = (i + (size_t)a) % 2;
            CU_ASSERT(run_norm(r));
            r.scale = r.shift = true;
            CU_ASSERT(run_norm(r));
            r.frozen = true;
            r.in_place = !r.in_place;
            CU_ASSERT(run_norm(r));
        }
    op_end();
}
// ---- activations ----

typedef struct activation_run {
    ref_shape shape;
    cgv_activation activation;
    bool in_place;
    float slope, *dy, *y;
    uint64_t dx_at;
} activation_run;

static void record_activation(void *opaque) {
    activation_run *r = opaque;
    size_t count = ref_count(r->shape);
    uint64_t dy = op_floats(r->in_place ? GUARDED_OUTPUT : GUARDED_INPUT, r->dy, count);
    uint64_t y = op_floats(GUARDED_INPUT, r->y, count);
    r->dx_at = r->in_place ? dy : op_floats(GUARDED_OUTPUT, NULL, count);
    cgv_activation_grad(op_memory.cmd, op_tensor(r->dx_at, r->shape), op_tensor(dy, r->shape),
                        op_tensor(y, r->shape), r->activation, r->slope);
}

static bool run_activation(activation_run r) {
    size_t count = ref_count(r.shape);
    float *x = op_random(count);
    double *dx = numbers_allocate(count, sizeof *dx);
    r.dy = op_random(count);
    r.y = op_random(count);
    for (size_t i = 0; i < count; i++) {
        if (i % 5 == 0)
            x[i] = i % 2 ? 0.0f : -0.0f;
        r.y[i] = (float)ref_activate(x[i], r.activation, r.slope);
        dx[i] = r.dy[i] * ref_activate_slope(x[i], r.activation, r.slope);
    }
    bool right =
        guarded_run_twice(&op_memory, record_activation, &r) && op_gradient_is(r.dx_at, dx, count);
    if (!right)
        printf("FAILED: activation %d, slope %g, %zu elements, in place %d\n", r.activation,
               r.slope, count, r.in_place);
    free(x);
    free(dx);
    free(r.dy);
    free(r.y);
    return right;
}

static const ref_shape shapes[] = {
    {1, 1, 1, 1}, {1, 3, 3, 5}, {2, 7, 17, 31}, {1, 33, 17, 31}, {2, 16, 48, 64}};
#define SHAPES (sizeof shapes / sizeof *shapes)

static void test_activations(void) {
    op_begin(OP_GRAD_MEMORY, 6);
    for (size_t i = 0; i < SHAPES; i++)
        for (int a = CGV_ACT_NONE; a <= CGV_ACT_SIGMOID; a++) {
            activation_run r = {shapes[i], (cgv_activation)a, .slope = 0.2f};
            CU_ASSERT(run_activation(r));
            r.in_place = true;
            r.slope = 0;
            CU_ASSERT(run_activation(r));
        }
    op_end();
}

// ---- resampling ----

typedef struct upsample_run {
    ref_shape shape, out;
    int factor;
    cgv_upsample_mode mode;
    const float *dy;
    uint64_t dx_at;
} upsample_run;

static void record_upsample(void *opaque) {
    upsample_run *r = opaque;
    uint64_t dy = op_floats(GUARDED_INPUT, r->dy, ref_count(r->out));
    r->dx_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(r->shape));
    cgv_upsample_grad(op_memory.cmd, op_tensor(r->dx_at, r->shape), op_tensor(dy, r->out),
                      r->factor, r->mode);
}

static bool run_upsample(ref_shape s, int factor, cgv_upsample_mode mode) {
    upsample_run r = {s, {s.n, s.c, factor * s.h, factor * s.w}, factor, mode, NULL, 0};
    float *dy = op_random(ref_count(r.out));
    double *wide = numbers_widen(dy, ref_count(r.out));
    double *dx = numbers_allocate(ref_count(s), sizeof *dx);
    r.dy = dy;
    ref_upsample_grad(dx, wide, s, factor, mode);
    bool right = guarded_run_twice(&op_memory, record_upsample, &r) &&
                 op_gradient_is(r.dx_at, dx, ref_count(s));
    if (!right)
        printf("FAILED: upsample of %dx%dx%dx%d by %d, mode %d\n", s.n, s.c, s.h, s.w, factor,
               mode);
    free(dy);
    free(wide);
    free(dx);
    return right;
}

static void test_upsample(void) {
    op_begin(OP_GRAD_MEMORY, 7);
    for (size_t i = 0; i < SHAPES; i++)
        for (int factor = 1; factor <= 4; factor++) {
            CU_ASSERT(run_upsample(shapes[i], factor, CGV_UPSAMPLE_NEAREST));
            CU_ASSERT(run_upsample(shapes[i], factor, CGV_UPSAMPLE_BILINEAR));
        }
    op_end();
}

// ---- join ----

// The channels of dy come apart: the first `a` of them, and the others. wanted: of the two parts.
static bool run_split(ref_shape s, int a, const bool wanted[2]) {
    float *dy = op_random(ref_count(s));
    ref_shape part[2] = {s, s};
    part[0].c = a;
    part[1].c = s.c - a;
    guarded_begin(&op_memory);
    cgv_tensor from = op_tensor(op_floats(GUARDED_INPUT, dy, ref_count(s)), s), to[2];
    for (int k = 0; k < 2; k++) {
        uint64_t at = wanted[k] ? op_floats(GUARDED_OUTPUT, NULL, ref_count(part[k])) : 0;
        to[k] = op_tensor(at, part[k]);
    }
    cgv_split(op_memory.cmd, to[0], to[1], from);
    bool right = guarded_run(&op_memory);
    for (int k = 0; k < 2 && right; k++) {
        if (!wanted[k])
            continue;
        const float *got = guarded_result(&op_memory, to[k].address);
        size_t first = k ? (size_t)(a * s.h * s.w) : 0, count = ref_count(part[k]) / (size_t)s.n;
        for (int n = 0; n < s.n; n++)
            right &=
                !memcmp(got + (size_t)n * count,
                        dy + (size_t)n * ref_count(s) / (size_t)s.n + first, count * sizeof *got);
    }
    if (!right)
        printf("FAILED: split of %dx%dx%dx%d after %d channels\n", s.n, s.c, s.h, s.w, a);
    free(dy);
    return right;
}

static void test_split(void) {
    static const bool both[2] = {true, true}, first[2] = {true, false}, second[2] = {false, true};
    op_begin(OP_GRAD_MEMORY, 11);
    for (size_t i = 0; i < SHAPES; i++) {
        ref_shape s = shapes[i];
        s.c += 1;
        CU_ASSERT(run_split(s, 1, both));
        CU_ASSERT(run_split(s, s.c - 1, both));
        CU_ASSERT(run_split(s, 1, first));
        CU_ASSERT(run_split(s, 1, second));
    }
    op_end();
}

// ---- losses ----

typedef struct loss_run {
    ref_shape shape;
    bool gradient;
    cgv_loss_params params;
    float *x, *other, *dx, value; // dx, value: what is added to
    uint64_t dx_at;
} loss_run;

static void record_loss(void *opaque) {
    loss_run *r = opaque;
    size_t count = ref_count(r->shape);
    cgv_tensor x = op_tensor(op_floats(GUARDED_INPUT, r->x, count), r->shape), other = {0};
    if (r->params.kind == CGV_LOSS_L1)
        other = op_tensor(op_floats(GUARDED_INPUT, r->other, count), r->shape);
    const float *start = r->params.accumulate ? r->dx : NULL;
    r->dx_at = r->gradient ? op_floats(GUARDED_OUTPUT, start, count) : 0;
    r->params.value = op_floats(GUARDED_OUTPUT, &r->value, 1);
    uint64_t scratch = op_scratch(cgv_loss_scratch(x));
    cgv_loss(op_memory.cmd, op_tensor(r->dx_at, r->shape), x, other, scratch, &r->params);
}

static bool loss_results_are_right(const loss_run *r) {
    const cgv_loss_params *p = &r->params;
    size_t count = ref_count(r->shape);
    double *dx = numbers_allocate(count, sizeof *dx), scale = p->weight / (double)count, sum = 0;
    for (size_t i = 0; i < count; i++) {
        ref_term term = ref_loss_term(p->kind, r->x[i], p->target, r->other[i]);
        sum += term.value;
        dx[i] = scale * term.slope + (p->accumulate ? r->dx[i] : 0);
    }
    double value = r->value + scale * sum;
    bool right = op_gradient_is(p->value, &value, 1) &&
                 (!r->gradient || op_gradient_is(r->dx_at, dx, count));
    free(dx);
    return right;
}

static bool run_loss(loss_run r) {
    // Points where the terms have corners, and where a naive logarithm or exponential overflows.
    static const float special[] = {0, -0.0f, 1, -1, 30, -30, 100, -100};
    size_t count = ref_count(r.shape);
    r.x = numbers_random(&op_rng, count, 0, 2);
    r.other = numbers_random(&op_rng, count, 0, 2);
    r.dx = op_random(count);
    r.value = 0.75f;
    for (size_t i = 0; i < sizeof special / sizeof *special && i + 8 < count; i++) {
        r.x[i] = special[i];
        r.other[i] = i % 2 ? special[i] : r.other[i];
    }
    bool right = guarded_run_twice(&op_memory, record_loss, &r) && loss_results_are_right(&r);
    if (!right)
        printf("FAILED: loss %d, target %g, weight %g, %zu elements, gradient %d, accumulate %d\n",
               r.params.kind, r.params.target, r.params.weight, count, r.gradient,
               r.params.accumulate);
    free(r.x);
    free(r.other);
    free(r.dx);
    return right;
}

static void test_losses(void) {
    op_begin(OP_GRAD_MEMORY, 8);
    for (size_t i = 0; i < SHAPES; i++)
        for (int kind = CGV_LOSS_SQUARED; kind <= CGV_LOSS_L1; kind++)
            for (int positive = 0; positive <= 1; positive++) {
                // So weighted every element's gradient is near 1, where an error shows.
                loss_run r = {.shape = shapes[i], .gradient = true};
                r.params.kind = (cgv_loss_kind)kind;
                r.params.weight = 0.7f * (float)ref_count(shapes[i]);
                r.params.target = positive ? 1 : kind >= CGV_LOSS_HINGE ? -1 : 0;
                CU_ASSERT(run_loss(r));
                r.params.accumulate = true;
                CU_ASSERT(run_loss(r));
                r.gradient = false;
                r.params.weight = 10;
                CU_ASSERT(run_loss(r));
            }
    op_end();
}

// A network that is broken must show in the loss.
static void test_losses_keep_nan(void) {
    ref_shape s = {1, 1, 17, 31};
    op_begin(OP_GRAD_MEMORY, 9);
    for (int kind = CGV_LOSS_SQUARED; kind <= CGV_LOSS_L1; kind++) {
        loss_run r = {.shape = s, .params = {.kind = (cgv_loss_kind)kind, .weight = 1}};
        r.params.target = 1;
        r.x = op_random(ref_count(s));
        r.other = op_random(ref_count(s));
        r.x[100] = NAN;
        guarded_begin(&op_memory);
        record_loss(&r);
        CU_ASSERT(guarded_run_nan(&op_memory));
        if (!isnan(guarded_result(&op_memory, r.params.value)[0])) {
            printf("FAILED: loss %d of a NaN is %g\n", kind,
                   guarded_result(&op_memory, r.params.value)[0]);
            CU_FAIL("NaN is lost");
        }
        free(r.x);
        free(r.other);
    }
    op_end();
}

// ---- Adam ----

#define ADAM_STEPS 4

typedef struct adam_run {
    size_t count;
    bool average;
    cgv_adam_hyper hyper[ADAM_STEPS];
    float *values, *grads[ADAM_STEPS], *zeros;
    cgv_adam_state at;
} adam_run;

static void record_adam(void *opaque) {
    adam_run *r = opaque;
    r->at = (cgv_adam_state){
        .values = op_floats(GUARDED_OUTPUT, r->values, r->count),
        .m = op_floats(GUARDED_OUTPUT, r->zeros, r->count),
        .v = op_floats(GUARDED_OUTPUT, r->zeros, r->count),
        .average = r->average ? op_floats(GUARDED_OUTPUT, r->values, r->count) : 0,
        .count = r->count,
    };
    for (int t = 0; t < ADAM_STEPS; t++) {
        r->at.grads = op_floats(GUARDED_INPUT, r->grads[t], r->count);
        cgv_adam(op_memory.cmd, &r->at,
                 guarded_add(&op_memory, GUARDED_INPUT, &r->hyper[t], sizeof r->hyper[t]));
    }
}

static bool adam_results_are_right(const adam_run *r, double lr) {
    const cgv_adam_hyper *h = &r->hyper[0];
    double *expected[4];
    for (int k = 0; k < 4; k++)
        expected[k] = numbers_allocate(r->count, sizeof *expected[k]);
    for (size_t i = 0; i < r->count; i++) {
        ref_adam_state s = {.value = r->values[i], .average = r->values[i]};
        for (int t = 0; t < ADAM_STEPS; t++)
            ref_adam(&s, r->grads[t][i], t + 1, lr, h->beta1, h->beta2, h->epsilon,
                     h->average_decay);
        expected[0][i] = s.value;
        expected[1][i] = s.m;
        expected[2][i] = s.v;
        expected[3][i] = s.average;
    }
    bool right = op_gradient_is(r->at.values, expected[0], r->count) &&
                 op_gradient_is(r->at.m, expected[1], r->count) &&
                 op_gradient_is(r->at.v, expected[2], r->count) &&
                 (!r->average || op_gradient_is(r->at.average, expected[3], r->count));
    for (int k = 0; k < 4; k++)
        free(expected[k]);
    return right;
}

static bool run_adam(size_t count, bool average) {
    const float lr = 0.01f, beta1 = 0.5f, beta2 = 0.999f;
    adam_run r = {count, average, .values = numbers_random(&op_rng, count, 0, 0.02f)};
    r.zeros = numbers_allocate(count, sizeof *r.zeros);
    for (int t = 0; t < ADAM_STEPS; t++) {
        // Large, so that the second moments are near 1; some zero, and some always zero.
        r.grads[t] = numbers_random(&op_rng, count, 0, 30);
        for (size_t i = 0; i < count; i += 3)
            r.grads[t][i] *= i % 2 && t % 2;
        r.hyper[t] = (cgv_adam_hyper){
            .step_size = (float)(lr / (1 - pow(beta1, t + 1))),
            .sqrt_correction = (float)sqrt(1 - pow(beta2, t + 1)),
            .beta1 = beta1,
            .beta2 = beta2,
            .epsilon = 1e-8f,
            .average_decay = 0.75f,
        };
    }
    bool right = guarded_run_twice(&op_memory, record_adam, &r) && adam_results_are_right(&r, lr);
    if (!right)
        printf("FAILED: Adam on %zu numbers, average %d\n", count, average);
    free(r.values);
    free(r.zeros);
    for (int t = 0; t < ADAM_STEPS; t++)
        free(r.grads[t]);
    return right;
}

static void test_adam(void) {
    static const size_t counts[] = {1, 15, 1000, 70001};
    op_begin(OP_GRAD_MEMORY, 10);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        CU_ASSERT(run_adam(counts[i], false));
        CU_ASSERT(run_adam(counts[i], true));
    }
    op_end();
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"instance norm", test_norm},  {"activations", test_activations},
        {"upsampling", test_upsample}, {"join", test_split},
        {"losses", test_losses},       {"losses keep NaN", test_losses_keep_nan},
        {"Adam", test_adam},           {0},
    };
    return cgv_test_run("gradients of operations", cases);
}
