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

static double purple(const double rgb[3]) {
    return (rgb[0] + rgb[2]) / 2 - rgb[1];
}

// Of the day's brightness, what the ground keeps by night.
typedef struct parts {
    double least, most, gamma;
} parts;

static double darkened(const parts *kept, double by_day) {
    return 2 * kept->most * pow(fmax(by_day, 0) / 2, kept->gamma);
}

// What a pixel should be: y is what the generator made of it. scene: sky, panes, dark things.
typedef void make(double y[3], const double day[3], const double scene[3], const parts *kept);

static void make_night(double y[3], const double day[3], const double scene[3], const parts *kept) {
    static const double dark[3] = {10, 13, 20};
    if (scene[0] > 0.5) {
        for (int c = 0; c < 3; c++)
            y[c] = dark[c] / 127.5 - 1;
        return;
    }
    if (scene[0] < -0.5) {
        double by_day = brightness(day), before = brightness(y);
        double ground = darkened(kept, by_day), least = kept->least * ground, most = ground;
        most += (2 - most) * (fmax(scene[1], scene[2]) + 1) / 2;
        double wanted = fmin(fmax(before, least), most);
        for (int c = 0; c < 3; c++)
            y[c] += wanted - before;
    }
    double greener = fmax(y[1] - y[0] - fmax(day[1] - day[0], 0) - 0.08, 0);
    double bluer = fmax(y[2] - y[0] - fmax(day[2] - day[0], 0) - 0.08, 0);
    y[0] += fmax(greener, bluer) / 2;
    y[1] -= greener / 2;
    y[2] -= bluer / 2;
    double more = fmax(purple(y) - fmax(purple(day), 0) - 0.05, 0);
    y[0] -= more / 3;
    y[1] += more * 2 / 3;
    y[2] -= more / 3;
    double grey = brightness(y), most = 0.5 * colourfulness(day) + 0.04 + 0.6 * grey;
    double part = most / fmax(colourfulness(y), most);
    for (int c = 0; c < 3; c++)
        y[c] = fmin(fmax(grey - 1 + part * (y[c] - grey + 1), -1), 1);
}

static void light_windows(double y[3], const double day[3], const double scene[3],
                          const parts *kept) {
    static const double warm[3] = {240, 186, 116};
    double pane = (scene[1] + 1) / 2;
    for (int c = 0; c < 3 && pane > 0.1; c++) {
        double least = pane * warm[c] / 127.5 - 1,
               most = least + (1 - pane) * darkened(kept, day[c] + 1);
        y[c] = fmin(fmax(y[c], least), most);
    }
}

static void reference(make *what, double *y, const double *x, const double *day,
                      const double *scene, ref_shape s, const parts *kept) {
    size_t plane = (size_t)(s.h * s.w);
    for (size_t i = 0; i < (size_t)s.n * plane; i++) {
        size_t at = i / plane * 3 * plane + i % plane;
        double rgb[3], before[3], shown[3];
        for (size_t c = 0; c < 3; c++) {
            rgb[c] = x[at + c * plane];
            before[c] = day[at + c * plane];
            shown[c] = scene[at + c * plane];
        }
        what(rgb, before, shown, kept);
        for (size_t c = 0; c < 3; c++)
            y[at + c * plane] = rgb[c];
    }
}

// Skies, panes and dark things, where there are none, what is not known, and the edges of masks.
static float *random_scene(size_t count) {
    static const float values[] = {1, 0.6f, 0.4f, 0, -0.4f, -0.6f, -1};
    float *scene = numbers_allocate(count, sizeof *scene);
    for (size_t i = 0; i < count; i++)
        scene[i] = values[cgv_rng_below(&op_rng, 7)];
    return scene;
}

static float *random_picture(ref_shape s, float mean) {
    float *x = numbers_random(&op_rng, ref_count(s), mean, 0.5f);
    for (size_t i = 0; i < ref_count(s); i++)
        x[i] = fminf(fmaxf(x[i], -1), 1);
    return x;
}

static void check_op(ref_shape s, bool windows, parts kept, float nan_at) {
    size_t count = ref_count(s);
    float *x = random_picture(s, -0.6f), *day = random_picture(s, 0.2f);
    float *scene = random_scene(count);
    for (size_t c = 0; c < 3; c++) // one pixel all black: a root of 0
        day[c * (size_t)(s.h * s.w)] = -1;
    if (nan_at >= 0)
        x[(size_t)nan_at] = NAN;
    double *wide[3] = {numbers_widen(x, count), numbers_widen(day, count),
                       numbers_widen(scene, count)};
    double *expected = numbers_allocate(count, sizeof *expected);
    reference(windows ? light_windows : make_night, expected, wide[0], wide[1], wide[2], s, &kept);
    cgv_night_ground ground = {(float)kept.gamma, (float)kept.most, (float)kept.least};
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, count);
    uint64_t day_at = op_floats(GUARDED_INPUT, day, count);
    uint64_t scene_at = op_floats(GUARDED_INPUT, scene, count);
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, count);
    if (windows)
        cgv_windows(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), op_tensor(day_at, s),
                    op_tensor(scene_at, s), ground);
    else
        cgv_night(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), op_tensor(day_at, s),
                  op_tensor(scene_at, s), ground);
    CU_ASSERT(nan_at >= 0 ? guarded_run_nan(&op_memory) : guarded_run(&op_memory));
    const float *y = guarded_result(&op_memory, y_at);
    if (nan_at >= 0)
        CU_ASSERT(isnan(y[(size_t)nan_at]));
    for (size_t i = 0; i < count && nan_at < 0; i++)
        if (!(fabs(y[i] - expected[i]) < 1e-5)) {
            printf("FAILED: %dx%dx%d, element %zu: %g, not %g\n", s.n, s.w, s.h, i, y[i],
                   expected[i]);
            CU_FAIL("night or windows");
            break;
        }
    for (int i = 0; i < 3; i++)
        free(wide[i]);
    free(expected);
    free(x);
    free(day);
    free(scene);
}

static void test_reference(void) {
    static const ref_shape shapes[] = {{1, 3, 7, 5}, {2, 3, 12, 17}, {3, 3, 31, 9}, {1, 3, 1, 1}};
    op_begin(8 << 20, 1);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int k = 0; k <= 4; k++) {
            check_op(shapes[i], false, (parts){0.25 * k, 1, 1}, -1);
            check_op(shapes[i], false, (parts){0.125 * k, 0.5 + 0.0625 * k, 0.5 + 0.5 * k}, -1);
            check_op(shapes[i], true, (parts){0, 0.25 * k, 0.5 + 0.5 * k}, -1);
        }
    check_op(shapes[1], false, (parts){0.5, 0.75, 1.5}, 30); // a broken network must show
    check_op(shapes[1], true, (parts){0, 1, 1}, 30);
    op_end();
}

enum kind { GROUND, UNKNOWN, SKY, PANE, DARK };
static const double masks[][3] = {
    [GROUND] = {-1, -1, -1}, [UNKNOWN] = {0, -1, -1}, [SKY] = {1, -1, -1},
    [PANE] = {-1, 1, -1},    [DARK] = {-1, -1, 1},
};

// What it is for: a white sky and a white dress, a red shadow, a lit window.
static void test_purpose(void) {
    static const struct {
        double day[3], night[3];
        enum kind kind;
        double wanted[3], most;
    } cases[] = {
        {{1, 1, 1}, {0.9, 0.9, 0.9}, SKY, {-0.92, -0.9, -0.84}, 1},           // the sky turns dark
        {{1, 1, 1}, {-0.9, -0.9, -0.9}, GROUND, {0, 0, 0}, 1},                // a dress keeps half
        {{0.2, 0.2, 0.2}, {0.9, 0.9, 0.9}, GROUND, {0.2, 0.2, 0.2}, 1},       // no earth glows
        {{0.2, 0.2, 0.2}, {-0.2, -0.2, -0.2}, GROUND, {-0.2, -0.2, -0.2}, 1}, // right: it stays
        {{0.9, 0.7, 0.4}, {0.9, 0.5, -0.1}, GROUND, {0.9, 0.5, -0.1}, 1},  // warm light may be warm
        {{0.6, 0.6, 0.6}, {0.2, 0.2, 0.8}, GROUND, {0.38, 0.37, 0.46}, 1}, // no blue comes,
        {{0.2, 0.6, 0.8}, {0, 0.2, 0.4}, GROUND, {0, 0.2, 0.4}, 1},        // what there was stays
        {{0.9, 0.9, 0.9}, {0.5, 0.5, 0.5}, UNKNOWN, {0.5, 0.5, 0.5}, 1},   // who knows
        {{0.9, 0.9, 0.9}, {0.5, 0.1, 0.7}, UNKNOWN, {0.41, 0.4, 0.49}, 1}, // but not what is purple
        {{-0.6, -0.6, -0.6}, {0.8, 0.6, 0.3}, GROUND, {-0.47, -0.63, -0.83}, 1}, // no light comes,
        {{-0.6, -0.6, -0.6}, {0.8, 0.6, 0.3}, DARK, {0.8, 0.6, 0.3}, 1}, // but a window may be lit,
        {{-0.6, -0.6, -0.6}, {0.8, 0.6, 0.3}, PANE, {0.8, 0.6, 0.3}, 1}, // and a pane
        {{0.6, 0.6, 0.6}, {0.4, 0.4, 0.4}, GROUND, {0.12, 0.12, 0.12}, 0.7}, // walls darken,
        {{-0.6, -0.6, -0.6}, {0.8, 0.6, 0.3}, PANE, {0.8, 0.6, 0.3}, 0.7},   // not their windows
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double y[3];
        memcpy(y, cases[i].night, sizeof y);
        make_night(y, cases[i].day, masks[cases[i].kind], &(parts){0.5, cases[i].most, 1});
        for (int c = 0; c < 3; c++)
            CU_ASSERT_DOUBLE_EQUAL(y[c], cases[i].wanted[c], 0.06);
    }
    double red[3] = {-0.4, -0.95, -0.95}, shade[3] = {-0.8, -0.85, -0.85};
    make_night(red, shade, masks[GROUND], &(parts){0.5, 1, 1});
    CU_ASSERT(red[0] - red[1] < 0.25 && red[0] > red[1]); // before 0.55
    double white[3] = {0.9, 0.9, 0.9}, grey[3] = {0, 0, 0};
    make_night(white, (double[]){0.9, 0.9, 0.9}, masks[GROUND], &(parts){0.5, 1, 1.5});
    make_night(grey, (double[]){0, 0, 0}, masks[GROUND], &(parts){0.5, 1, 1.5});
    CU_ASSERT(white[0] > 0.8 && grey[0] < -0.25); // a gamma leaves what is white
}

static void test_windows(void) {
    static const struct {
        double pane, night, wanted[3];
    } cases[] = {
        {-1, 0.9, {0.9, 0.9, 0.9}},        // none here
        {1, -0.9, {0.88, 0.46, -0.09}},    // a pane is lit,
        {1, 1, {0.88, 0.46, -0.09}},       // warm and no brighter
        {0, -0.9, {-0.06, -0.27, -0.55}},  // half a pane gives half its light,
        {0, 0.9, {0.44, 0.23, -0.05}},     // its frame as much as by day
        {0, -0.05, {-0.05, -0.05, -0.05}}, // or less
    };
    static const double day[3] = {0, 0, 0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double y[3] = {cases[i].night, cases[i].night, cases[i].night};
        double scene[3] = {-1, cases[i].pane, -1};
        light_windows(y, day, scene, &(parts){0, 1, 1});
        for (int c = 0; c < 3; c++)
            CU_ASSERT_DOUBLE_EQUAL(y[c], cases[i].wanted[c], 0.01);
    }
}

// ---- in a training ----

static const parts half_dark = {0.75, 0.875, 1.25};

static void check_loss(bool windows) {
    tiny_training t;
    cgv_losses with, without;
    ref_evaluation e;
    size_t count = ref_count(TINY_SHAPE);
    cgv_rng_seed(&op_rng, OP_SEED, 2);
    tiny_training_begin(&t, &op_rng);
    t.scenes = random_scene(count);
    cgv_trainer_params params = tiny_training_params();
    float *plain = tiny_training_step(&t, &params, 0, &without);
    *(windows ? &params.windows : &params.night) = TINY_WEIGHT;
    params.night_light = (float)half_dark.least;
    params.night_most = (float)half_dark.most;
    params.night_gamma = (float)half_dark.gamma;
    float *grads = tiny_training_step(&t, &params, 0, &with);
    const cgv_model *model = t.models[CGV_G_A];
    double *day = numbers_widen(t.a, count), *scene = numbers_widen(t.scenes, count);
    double *target = numbers_allocate(count, sizeof *target);
    CU_ASSERT_FATAL(ref_evaluation_create(&e, model->net, model->params, t.a, TINY_SHAPE));
    reference(windows ? light_windows : make_night, target, ref_evaluate(&e, 1), day, scene,
              TINY_SHAPE, &half_dark);
    double expected = tiny_training_l1(&e, target);
    CU_ASSERT(expected > 0.01 && without.night_a == 0 && without.windows_a == 0);
    CU_ASSERT_DOUBLE_EQUAL(with.night_a, windows ? 0 : expected, 1e-4 * expected);
    CU_ASSERT_DOUBLE_EQUAL(with.windows_a, windows ? expected : 0, 1e-4 * expected);
    CU_ASSERT(tiny_training_slope(&e, grads, plain, tiny_training_l1, target));
    CU_ASSERT(!memcmp(grads + model->net->param_floats, plain + model->net->param_floats,
                      model->net->param_floats * sizeof *grads)); // B -> A is left alone
    CU_ASSERT(without.cycle_a == with.cycle_a && without.d_a == with.d_a);
    ref_evaluation_destroy(&e);
    free(day);
    free(scene);
    free(target);
    free(grads);
    free(plain);
    tiny_training_end(&t);
}

static void test_losses(void) {
    check_loss(false);
    check_loss(true);
}

// Of two batches, each with its own pictures' masks.
static void test_batches(void) {
    tiny_training t;
    cgv_losses losses[3];
    size_t half = ref_count(TINY_SHAPE);
    cgv_rng_seed(&op_rng, OP_SEED, 3);
    tiny_training_begin(&t, &op_rng);
    cgv_trainer_params params = tiny_training_params();
    params.night = TINY_WEIGHT;
    params.pool = 0;
    t.scenes = numbers_allocate(2 * half, sizeof *t.scenes);
    for (size_t i = 0; i < half; i++)
        t.scenes[i] = -(t.scenes[i + half] = 1);
    float *ground = tiny_training_step(&t, &params, 0, &losses[0]);
    for (size_t i = 0; i < half; i++)
        t.scenes[i] = 1;
    float *sky = tiny_training_step(&t, &params, 0, &losses[1]);
    for (size_t i = 0; i < half; i++)
        t.scenes[i] = -1;
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
        {"against the reference", test_reference}, {"what it is for", test_purpose},
        {"what windows are for", test_windows},    {"the losses and their gradients", test_losses},
        {"of two batches", test_batches},          {0},
    };
    return cgv_test_run("night", cases);
}
