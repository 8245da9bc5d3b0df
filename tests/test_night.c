// What holds of every night: the operation against a slow reference, and the loss of training.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "op_test.h"
#include "ops/grad.h"
#include "support.h"
#include "tiny_training.h"

static double brightness(const double rgb[3]) {
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] + 1;
}

static double colourfulness(const double rgb[3]) {
    return fmax(fmax(rgb[0], rgb[1]), rgb[2]) - fmin(fmin(rgb[0], rgb[1]), rgb[2]);
}

static void make_night(double y[3], const double day[3], double sky, double light) {
    static const double dark[3] = {10, 13, 20};
    if (sky > 0.5) {
        for (int c = 0; c < 3; c++)
            y[c] = dark[c] / 127.5 - 1;
        return;
    }
    if (sky < -0.5) {
        double by_day = brightness(day), before = brightness(y);
        double wanted = fmin(fmax(before, light * by_day), by_day);
        for (int c = 0; c < 3; c++)
            y[c] += wanted - before;
        double greener = fmax(y[1] - y[0] - fmax(day[1] - day[0], 0) - 0.05, 0);
        double bluer = fmax(y[2] - y[0] - fmax(day[2] - day[0], 0) - 0.05, 0);
        y[0] += fmax(greener, bluer) / 2;
        y[1] -= greener / 2;
        y[2] -= bluer / 2;
    }
    double grey = brightness(y), most = 0.5 * colourfulness(day) + 0.04 + 0.6 * grey;
    double part = most / fmax(colourfulness(y), most);
    for (int c = 0; c < 3; c++)
        y[c] = fmin(fmax(grey - 1 + part * (y[c] - grey + 1), -1), 1);
}

static void reference(double *y, const double *x, const double *day, const double *skies,
                      ref_shape s, double light) {
    size_t plane = (size_t)(s.h * s.w);
    for (size_t i = 0; i < (size_t)s.n * plane; i++) {
        size_t at = i / plane * 3 * plane + i % plane;
        double rgb[3], before[3];
        for (size_t c = 0; c < 3; c++) {
            rgb[c] = x[at + c * plane];
            before[c] = day[at + c * plane];
        }
        make_night(rgb, before, skies[i], light);
        for (size_t c = 0; c < 3; c++)
            y[at + c * plane] = rgb[c];
    }
}

// Sky, ground, what is not known, and the edges of masks.
static float *random_skies(size_t count) {
    static const float values[] = {1, 0.6f, 0.4f, 0, -0.4f, -0.6f, -1};
    float *skies = numbers_allocate(count, sizeof *skies);
    for (size_t i = 0; i < count; i++)
        skies[i] = values[cgv_rng_below(&op_rng, 7)];
    return skies;
}

static float *random_picture(ref_shape s, float mean) {
    float *x = numbers_random(&op_rng, ref_count(s), mean, 0.5f);
    for (size_t i = 0; i < ref_count(s); i++)
        x[i] = fminf(fmaxf(x[i], -1), 1);
    return x;
}

static void check_op(ref_shape s, double light, float nan_at) {
    size_t count = ref_count(s);
    ref_shape plane = {s.n, 1, s.h, s.w};
    float *x = random_picture(s, -0.6f), *day = random_picture(s, 0.2f);
    float *skies = random_skies(ref_count(plane));
    if (nan_at >= 0)
        x[(size_t)nan_at] = NAN;
    double *wide[3] = {numbers_widen(x, count), numbers_widen(day, count),
                       numbers_widen(skies, ref_count(plane))};
    double *expected = numbers_allocate(count, sizeof *expected);
    reference(expected, wide[0], wide[1], wide[2], s, light);
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, count);
    uint64_t day_at = op_floats(GUARDED_INPUT, day, count);
    uint64_t skies_at = op_floats(GUARDED_INPUT, skies, ref_count(plane));
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, count);
    cgv_night(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), op_tensor(day_at, s),
              op_tensor(skies_at, plane), (float)light);
    CU_ASSERT(nan_at >= 0 ? guarded_run_nan(&op_memory) : guarded_run(&op_memory));
    const float *y = guarded_result(&op_memory, y_at);
    if (nan_at >= 0)
        CU_ASSERT(isnan(y[(size_t)nan_at]));
    for (size_t i = 0; i < count && nan_at < 0; i++)
        if (!(fabs(y[i] - expected[i]) < 1e-5)) {
            printf("FAILED: %dx%dx%d, element %zu: %g, not %g\n", s.n, s.w, s.h, i, y[i],
                   expected[i]);
            CU_FAIL("night");
            break;
        }
    for (int i = 0; i < 3; i++)
        free(wide[i]);
    free(expected);
    free(x);
    free(day);
    free(skies);
}

static void test_reference(void) {
    static const ref_shape shapes[] = {{1, 3, 7, 5}, {2, 3, 12, 17}, {3, 3, 31, 9}, {1, 3, 1, 1}};
    op_begin(8 << 20, 1);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_op(shapes[i], 0.25 * (double)i, -1);
    check_op(shapes[1], 0.5, 30); // a broken network must show
    op_end();
}

// What it is for: a white sky and a white dress, a red shadow, a lit window.
static void test_purpose(void) {
    static const struct {
        double day[3], night[3], sky, wanted[3];
    } cases[] = {
        {{1, 1, 1}, {0.9, 0.9, 0.9}, 1, {-0.92, -0.9, -0.84}},   // the sky turns dark
        {{1, 1, 1}, {-0.9, -0.9, -0.9}, -1, {0, 0, 0}},          // a dress keeps half its light
        {{0.2, 0.2, 0.2}, {0.9, 0.9, 0.9}, -1, {0.2, 0.2, 0.2}}, // no earth glows
        {{0.2, 0.2, 0.2}, {-0.2, -0.2, -0.2}, -1, {-0.2, -0.2, -0.2}}, // what is right, stays
        {{0.9, 0.7, 0.4}, {0.9, 0.5, -0.1}, -1, {0.9, 0.5, -0.1}},     // warm light may be warm
        {{0.6, 0.6, 0.6}, {0.2, 0.2, 0.8}, -1, {0.45, 0.2, 0.5}},      // no blue comes,
        {{0.2, 0.6, 0.8}, {0, 0.2, 0.4}, -1, {0, 0.2, 0.4}},           // what there was stays
        {{0.9, 0.9, 0.9}, {0.5, 0.5, 0.5}, 0, {0.5, 0.5, 0.5}},        // who knows
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double y[3];
        memcpy(y, cases[i].night, sizeof y);
        make_night(y, cases[i].day, cases[i].sky, 0.5);
        for (int c = 0; c < 3; c++)
            CU_ASSERT_DOUBLE_EQUAL(y[c], cases[i].wanted[c], 0.06);
    }
    double red[3] = {-0.4, -0.95, -0.95}, shade[3] = {-0.8, -0.85, -0.85};
    make_night(red, shade, -1, 0.5);
    CU_ASSERT(red[0] - red[1] < 0.25 && red[0] > red[1]); // before 0.55
}

// ---- in a training ----

#define LIGHT 0.75

static void test_loss(void) {
    tiny_training t;
    cgv_losses with, without;
    ref_evaluation e;
    size_t count = ref_count(TINY_SHAPE);
    cgv_rng_seed(&op_rng, OP_SEED, 2);
    tiny_training_begin(&t, &op_rng);
    t.skies = random_skies(count / 3);
    cgv_trainer_params params = tiny_training_params();
    float *plain = tiny_training_step(&t, &params, 0, &without);
    params.night = TINY_WEIGHT;
    params.night_light = (float)LIGHT;
    float *grads = tiny_training_step(&t, &params, 0, &with);
    const cgv_model *model = t.models[CGV_G_A];
    double *day = numbers_widen(t.a, count), *skies = numbers_widen(t.skies, count / 3);
    double *target = numbers_allocate(count, sizeof *target);
    CU_ASSERT_FATAL(ref_evaluation_create(&e, model->net, model->params, t.a, TINY_SHAPE));
    reference(target, ref_evaluate(&e, 1), day, skies, TINY_SHAPE, LIGHT);
    double expected = tiny_training_l1(&e, target);
    CU_ASSERT(expected > 0.01 && without.night_a == 0);
    CU_ASSERT_DOUBLE_EQUAL(with.night_a, expected, 1e-4 * expected);
    CU_ASSERT(tiny_training_slope(&e, grads, plain, tiny_training_l1, target));
    CU_ASSERT(!memcmp(grads + model->net->param_floats, plain + model->net->param_floats,
                      model->net->param_floats * sizeof *grads)); // B -> A is left alone
    CU_ASSERT(without.cycle_a == with.cycle_a && without.d_a == with.d_a);
    ref_evaluation_destroy(&e);
    free(day);
    free(skies);
    free(target);
    free(grads);
    free(plain);
    tiny_training_end(&t);
}

// Of two batches, each with its own pictures' skies.
static void test_batches(void) {
    tiny_training t;
    cgv_losses losses[3];
    size_t half = ref_count(TINY_SHAPE) / 3;
    cgv_rng_seed(&op_rng, OP_SEED, 3);
    tiny_training_begin(&t, &op_rng);
    cgv_trainer_params params = tiny_training_params();
    params.night = TINY_WEIGHT;
    params.pool = 0;
    t.skies = numbers_allocate(2 * half, sizeof *t.skies);
    for (size_t i = 0; i < half; i++)
        t.skies[i] = -(t.skies[i + half] = 1);
    float *ground = tiny_training_step(&t, &params, 0, &losses[0]);
    for (size_t i = 0; i < half; i++)
        t.skies[i] = 1;
    float *sky = tiny_training_step(&t, &params, 0, &losses[1]);
    for (size_t i = 0; i < half; i++)
        t.skies[i] = -1;
    params.accumulate = 2;
    float *both = tiny_training_step(&t, &params, 0, &losses[2]);
    double mean = ((double)losses[0].night_a + (double)losses[1].night_a) / 2;
    CU_ASSERT(fabs((double)losses[0].night_a - (double)losses[1].night_a) > 0.1 * mean);
    CU_ASSERT_DOUBLE_EQUAL(losses[2].night_a, mean, 1e-4 * mean);
    for (size_t i = 0; i < t.models[0]->net->param_floats; i++)
        CU_ASSERT_DOUBLE_EQUAL(both[i], (ground[i] + sky[i]) / 2, 1e-3);
    free(ground);
    free(sky);
    free(both);
    tiny_training_end(&t);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"against the reference", test_reference},
        {"what it is for", test_purpose},
        {"the loss and its gradient", test_loss},
        {"of two batches", test_batches},
        {0},
    };
    return cgv_test_run("night", cases);
}
