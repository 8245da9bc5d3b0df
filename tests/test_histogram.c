// Histogram matching against a slow reference, and the histogram loss of training: what it is
// worth, and its gradient.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "op_test.h"
#include "ops/grad.h"
#include "support.h"
#include "tiny_training.h"

enum { BINS = 256 };

static int bin_of(double value) {
    double position = (value + 1) * BINS / 2;
    return position < 0 ? 0 : position >= BINS ? BINS - 1 : (int)position;
}

// Elements in the bins below `bin`.
static int count_below(const double *x, int count, int bin) {
    int below = 0;
    for (int i = 0; i < count; i++)
        below += bin_of(x[i]) < bin;
    return below;
}

// The value at this rank; at a rank where a bin ends and another, further up, begins: the end if
// left.
static double value_at(const double *x, int count, int rank, bool left) {
    for (int b = 0; b < BINS; b++) {
        int begins = count_below(x, count, b), ends = count_below(x, count, b + 1);
        if (left ? begins < rank && rank <= ends : begins <= rank && rank < ends)
            return (b + (double)(rank - begins) / (ends - begins)) * 2 / BINS - 1;
    }
    return NAN;
}

static void match_plane(double *y, const double *x, const double *reference, int count) {
    for (int i = 0; i < count; i++) {
        int b = bin_of(x[i]);
        double inside = fmin(fmax((x[i] + 1) * BINS / 2 - b, 0), 1);
        double low = value_at(reference, count, count_below(x, count, b), false);
        double high = value_at(reference, count, count_below(x, count, b + 1), true);
        y[i] = low + inside * (high - low);
    }
}

// To and from opponent colours, pixel by pixel.
static double *convert(const double *rgb, ref_shape s, const double m[3][3]) {
    size_t plane = (size_t)(s.h * s.w);
    double *out = numbers_allocate(ref_count(s), sizeof *out);
    for (size_t i = 0; i < (size_t)s.n * plane; i++) {
        size_t at = i / plane * 3 * plane + i % plane;
        for (size_t row = 0; row < 3; row++)
            for (size_t c = 0; c < 3; c++)
                out[at + row * plane] += m[row][c] * rgb[at + c * plane];
    }
    return out;
}

static const double opponent[3][3] = {
    {1.0 / 3, 1.0 / 3, 1.0 / 3}, {0.5, 0, -0.5}, {-0.25, 0.5, -0.25}};
static const double inverse[3][3] = {{1, 1, -2.0 / 3}, {1, 0, 4.0 / 3}, {1, -1, -2.0 / 3}};

// A row belongs to the band in which its upper edge lies.
static void match_bands(double *y, const double *x, const double *reference, ref_shape s,
                        int bands) {
    for (int band = 0, row = 0; band < bands; band++) {
        int rows = 0;
        while (row + rows < s.h && (row + rows) * bands / s.h == band)
            rows++;
        int at = row * s.w;
        match_plane(y + at, x + at, reference + at, rows * s.w);
        row += rows;
    }
}

typedef struct match_params {
    int bands;
    double chroma;
} match_params;

static void match(double *y, const double *x, const double *reference, ref_shape s,
                  match_params params) {
    int plane = s.h * s.w;
    double *ours = convert(x, s, opponent), *theirs = convert(reference, s, opponent);
    for (int p = 0; p < 3 * s.n; p++) {
        double *to = y + p * plane, *from = ours + p * plane;
        match_bands(to, from, theirs + p * plane, s, params.bands);
        for (int i = 0; i < plane && p % 3; i++) // of colours, a part
            to[i] = from[i] + params.chroma * (to[i] - from[i]);
    }
    double *rgb = convert(y, s, inverse);
    memcpy(y, rgb, ref_count(s) * sizeof *y);
    free(ours);
    free(theirs);
    free(rgb);
}

// Run it on the device; y [s].
static bool run(float *y, const float *x, const float *reference, ref_shape s,
                match_params params) {
    size_t count = ref_count(s);
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, count);
    uint64_t reference_at = op_floats(GUARDED_INPUT, reference, count);
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, count);
    cgv_tensor like = op_tensor(x_at, s);
    uint64_t scratch = op_scratch(cgv_histogram_scratch(like, params.bands));
    cgv_histogram_match(op_memory.cmd, op_tensor(y_at, s), like, op_tensor(reference_at, s),
                        params.bands, (float)params.chroma, scratch);
    bool right = guarded_run(&op_memory);
    memcpy(y, guarded_result(&op_memory, y_at), count * sizeof *y);
    return right;
}

// Around `mean`; those beyond -1 and 1 all alike, as in over-exposed pictures.
static float *picture(ref_shape s, float mean, float deviation) {
    float *x = numbers_random(&op_rng, ref_count(s), mean, deviation);
    for (size_t i = 0; i < ref_count(s); i++)
        x[i] = fminf(fmaxf(x[i], -1), 1);
    return x;
}

static void test_reference(void) {
    static const ref_shape shapes[] = {
        {1, 3, 7, 5}, {2, 3, 12, 17}, {1, 3, 3, 1}, {3, 3, 31, 9}, {1, 3, 2, 4}};
    op_begin(8 << 20, 1);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int kind = 0; kind < 3; kind++) {
            ref_shape s = shapes[i];
            size_t count = ref_count(s);
            float *x = picture(s, 0.3f, 0.5f), *reference = picture(s, -0.6f, 0.5f);
            float *y = numbers_allocate(count, sizeof *y);
            if (kind == 1) // all alike
                for (size_t e = 0; e < count; e++)
                    x[e] = 0.3f;
            if (kind == 2) // black and white alone
                for (size_t e = 0; e < count; e++)
                    reference[e] = e % 5 ? -1 : 1;
            double *wide = numbers_widen(x, count), *other = numbers_widen(reference, count);
            double *expected = numbers_allocate(count, sizeof *expected);
            // The last picture has no row in one of its three bands.
            match_params params = {1 + (int)(i + 1) % 3, kind == 0 ? 1 : kind == 1 ? 0.25 : 0};
            match(expected, wide, other, s, params);
            CU_ASSERT(run(y, x, reference, s, params));
            for (size_t e = 0; e < count; e++)
                if (!(fabs(y[e] - expected[e]) < 1e-4)) {
                    printf("FAILED: %dx%d, kind %d, element %zu: %g becomes %g, not %g\n", s.w, s.h,
                           kind, e, x[e], y[e], expected[e]);
                    CU_FAIL("matched value");
                    break;
                }
            free(x);
            free(reference);
            free(y);
            free(wide);
            free(other);
            free(expected);
        }
    op_end();
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// What it is for, of one opponent colour: the order of x, the tones of the other.
static void check_plane(double *y, const double *x, double *reference, int count) {
    double distance = 0;
    for (int i = 0, k = count / 2; k < count; i++, k++)
        CU_ASSERT(x[i] == x[k] || (x[i] < x[k]) == (y[i] < y[k]) || fabs(y[i] - y[k]) < 1e-5);
    qsort(y, (size_t)count, sizeof *y, ascending);
    qsort(reference, (size_t)count, sizeof *reference, ascending);
    for (int i = 0; i < count; i++)
        distance += fabs(y[i] - reference[i]) / count;
    CU_ASSERT(distance < 0.01); // at first 1, of brightness
}

static void test_purpose(void) {
    ref_shape s = {1, 3, 40, 100};
    size_t count = ref_count(s);
    op_begin(8 << 20, 2);
    float *x = picture(s, 0.3f, 0.3f), *reference = picture(s, -0.7f, 0.4f);
    float *y = numbers_allocate(count, sizeof *y);
    CU_ASSERT(run(y, x, reference, s, (match_params){1, 1}));
    const float *pictures[3] = {y, x, reference};
    double *colours[3];
    for (int i = 0; i < 3; i++) {
        double *wide = numbers_widen(pictures[i], count);
        colours[i] = convert(wide, s, opponent);
        free(wide);
    }
    for (size_t plane = 0; plane < 3; plane++)
        check_plane(colours[0] + plane * 4000, colours[1] + plane * 4000, colours[2] + plane * 4000,
                    4000);
    CU_ASSERT(run(y, x, x, s, (match_params){1, 1})); // of itself, x stays as it is
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_DOUBLE_EQUAL(y[i], x[i], 1e-5);
    for (int i = 0; i < 3; i++)
        free(colours[i]);
    free(x);
    free(reference);
    free(y);
    op_end();
}

// A broken network must show.
static void test_nan(void) {
    ref_shape s = {1, 3, 6, 5};
    op_begin(1 << 20, 3);
    float *x = picture(s, 0, 0.5f);
    x[7] = NAN;
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, ref_count(s));
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(s));
    cgv_tensor like = op_tensor(x_at, s);
    uint64_t scratch = op_scratch(cgv_histogram_scratch(like, 1));
    cgv_histogram_match(op_memory.cmd, op_tensor(y_at, s), like, like, 1, 1, scratch);
    CU_ASSERT(guarded_run_nan(&op_memory));
    const float *y = guarded_result(&op_memory, y_at);
    for (size_t i = 0; i < ref_count(s); i++)
        CU_ASSERT(isnan(y[i]) == (i % 30 == 7));
    free(x);
    op_end();
}

// ---- in a training ----

static void check(const cgv_model *model, const float *input, const float *real, const float *with,
                  const float *without, float value, match_params params) {
    ref_evaluation e;
    size_t count = ref_count(TINY_SHAPE);
    double *other = numbers_widen(real, count), *target = numbers_allocate(count, sizeof *target);
    CU_ASSERT_FATAL(ref_evaluation_create(&e, model->net, model->params, input, TINY_SHAPE));
    match(target, ref_evaluate(&e, 1), other, TINY_SHAPE, params);
    double expected = tiny_training_l1(&e, target);
    CU_ASSERT(expected > 0.01);
    CU_ASSERT_DOUBLE_EQUAL(value, expected, 1e-4 * expected);
    CU_ASSERT(tiny_training_slope(&e, with, without, tiny_training_l1, target));
    ref_evaluation_destroy(&e);
    free(other);
    free(target);
}

static void test_loss(void) {
    tiny_training t;
    cgv_losses with, without;
    cgv_rng_seed(&op_rng, OP_SEED, 4);
    tiny_training_begin(&t, &op_rng);
    cgv_trainer_params params = tiny_training_params();
    float *plain = tiny_training_step(&t, &params, 0, &without);
    params.histogram = TINY_WEIGHT;
    for (int i = 0; i < 2; i++) {
        match_params how = {1 + 2 * i, 1 - 0.75 * i};
        params.histogram_bands = how.bands;
        params.histogram_chroma = (float)how.chroma;
        float *grads = tiny_training_step(&t, &params, 0, &with);
        size_t count = t.models[0]->net->param_floats;
        check(t.models[CGV_G_A], t.a, t.b, grads, plain, with.histogram_a, how);
        check(t.models[CGV_G_B], t.b, t.a, grads + count, plain + count, with.histogram_b, how);
        CU_ASSERT(without.histogram_a == 0 && without.histogram_b == 0);
        CU_ASSERT(without.cycle_a == with.cycle_a && without.d_a == with.d_a);
        free(grads);
    }
    free(plain);
    tiny_training_end(&t);
}

// Of two batches alike, the sum is what one of them gives.
static void test_batches(void) {
    tiny_training t;
    cgv_losses one, two;
    cgv_rng_seed(&op_rng, OP_SEED, 5);
    tiny_training_begin(&t, &op_rng);
    cgv_trainer_params params = tiny_training_params();
    params.histogram = TINY_WEIGHT;
    params.pool = 0; // else the second batch is judged beside other fakes
    size_t count = t.models[0]->net->param_floats;
    float *once = tiny_training_step(&t, &params, 0, &one);
    params.accumulate = 2;
    float *summed = tiny_training_step(&t, &params, 0, &two);
    CU_ASSERT_DOUBLE_EQUAL(two.histogram_a, one.histogram_a, 1e-5 * one.histogram_a);
    CU_ASSERT_DOUBLE_EQUAL(two.histogram_b, one.histogram_b, 1e-5 * one.histogram_b);
    for (size_t i = 0; i < 2 * count; i++)
        CU_ASSERT_DOUBLE_EQUAL(summed[i], once[i], 1e-4);
    free(once);
    free(summed);
    tiny_training_end(&t);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"against the reference", test_reference}, {"order and tones", test_purpose},
        {"what is not a number", test_nan},        {"the loss and its gradient", test_loss},
        {"of two batches", test_batches},          {0},
    };
    return cgv_test_run("histogram", cases);
}
