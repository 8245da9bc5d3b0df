// Averages over frames, against plain C: what tells a cut, where things were, and the averages.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "op_test.h"
#include "ops/steady.h"
#include "support.h"

// ---- what tells a cut ----

enum { WIDTH = 32, HEIGHT = 18, PIXELS = WIDTH * HEIGHT };

// A picture of hills; `across` moves it.
static void hills(float *picture, double across, double seed, double gain) {
    for (int i = 0; i < PIXELS; i++) {
        double x = i % WIDTH + across, y = (double)(i / WIDTH);
        picture[i] = (float)(gain * (0.5 + 0.2 * sin(0.4 * x + seed) + 0.2 * cos(0.5 * y * seed)));
    }
}

// The measure as steady_keep.comp tells it.
static double expected_keep(const float *now, const float *last, double weight) {
    double changed = 0, contrast = 0;
    for (int i = 0; i < PIXELS; i++) {
        double low = 1, high = 0;
        for (int k = 0; k < 9; k++) {
            int x = i % WIDTH + k % 3 - 1, y = i / WIDTH + k / 3 - 1;
            if (x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT)
                continue;
            low = fmin(low, last[y * WIDTH + x]);
            high = fmax(high, last[y * WIDTH + x]);
        }
        changed += fmax(fmax(low - now[i], now[i] - high), 0) / PIXELS;
    }
    for (int k = 0; k < 2; k++) {
        const float *picture = k ? last : now;
        double mean = 0, square = 0;
        for (int i = 0; i < PIXELS; i++)
            mean += (double)picture[i] / PIXELS;
        for (int i = 0; i < PIXELS; i++)
            square += (picture[i] - mean) * (picture[i] - mean) / PIXELS;
        contrast = fmax(contrast, sqrt(square));
    }
    return weight * fmin(fmax((0.1 - changed / (contrast + 0.02)) / 0.07, 0), 1);
}

// Runs the op; the weight that it leaves. begins: the word that says so.
static float run_keep(const float *now, const float *last, uint32_t begins, uint32_t turn) {
    const ref_shape s = {1, 1, HEIGHT, WIDTH};
    uint32_t state[2] = {0x7fc00000, turn}; // NaN: what was there does not count
    guarded_begin(&op_memory);
    uint64_t state_at = guarded_add(&op_memory, GUARDED_OUTPUT, state, sizeof state);
    uint64_t begins_at = guarded_add(&op_memory, GUARDED_INPUT, &begins, sizeof begins);
    uint64_t now_at = op_floats(GUARDED_INPUT, now, PIXELS);
    uint64_t last_at = op_floats(GUARDED_INPUT, last, PIXELS);
    cgv_steady_keep(op_memory.cmd, state_at, op_tensor(last_at, s), op_tensor(now_at, s), begins_at,
                    0.9f);
    CU_ASSERT_FATAL(guarded_run(&op_memory));
    memcpy(state, guarded_result(&op_memory, state_at), sizeof state);
    CU_ASSERT_EQUAL(state[1], ~turn & 1);
    float keep;
    memcpy(&keep, state, sizeof keep);
    return keep;
}

static void test_keep(void) {
    static float last[PIXELS], now[PIXELS], nothing[PIXELS];
    op_begin(1 << 20, 1);
    hills(last, 0, 1, 1);
    CU_ASSERT_EQUAL(run_keep(last, last, 0, 0), 0.9f);
    CU_ASSERT_EQUAL(run_keep(last, last, 1, 1), 0); // no frame before
    for (int i = 0; i < PIXELS; i++)
        nothing[i] = NAN;
    CU_ASSERT_EQUAL(run_keep(last, nothing, 1, 0xfffffffe), 0); // nor anything in its place
    hills(now, 1, 1, 1);                                        // moved by a pixel
    CU_ASSERT_EQUAL(run_keep(now, last, 0, 1), 0.9f);
    hills(now, 0, 4, 1); // other hills
    CU_ASSERT_EQUAL(run_keep(now, last, 0, 0), 0);
    for (int dark = 0; dark < 2; dark++) { // the same between dark pictures
        hills(last, 0, 1, dark ? 0.2 : 1);
        hills(now, 0, 4, dark ? 0.2 : 1);
        CU_ASSERT_EQUAL(run_keep(now, last, 0, 0), 0);
    }
    int between = 0;
    for (int k = 0; k < 24; k++) { // brighter and brighter, and moved
        hills(last, 0, 1, 1);
        hills(now, 0.1 * k, 1, 1 + 0.02 * k);
        double expected = expected_keep(now, last, 0.9);
        float keep = run_keep(now, last, 0, 0);
        CU_ASSERT_DOUBLE_EQUAL(keep, expected, 1e-4);
        between += expected > 0.01 && expected < 0.89;
    }
    CU_ASSERT(between > 2);
    op_end();
}

static void test_luma(void) {
    const ref_shape s = {1, 3, 17, 31};
    const size_t plane = 17 * 31;
    op_begin(1 << 20, 2);
    float *x = op_random(ref_count(s));
    double *expected = numbers_allocate(plane, sizeof *expected);
    for (size_t i = 0; i < plane; i++)
        expected[i] = (0.299 * x[i] + 0.587 * x[i + plane] + 0.114 * x[i + 2 * plane]) / 2 + 0.5;
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, ref_count(s));
    uint64_t y_at = op_floats(GUARDED_OUTPUT, NULL, plane);
    cgv_steady_luma(op_memory.cmd, op_tensor(y_at, (ref_shape){1, 1, 17, 31}), op_tensor(x_at, s));
    CU_ASSERT(guarded_run(&op_memory) &&
              numbers_close(guarded_result(&op_memory, y_at), expected, plane, 1e-6));
    free(x);
    free(expected);
    op_end();
}

// ---- motion ----

enum { W = 96, H = 64, CELLS_W = 12, CELLS_H = 8, CELLS = CELLS_W * CELLS_H };

static double texture(double x, double y) {
    return 0.5 + 0.15 * sin(0.35 * x + 0.1 * y) + 0.15 * sin(0.3 * y - 0.2 * x) +
           0.05 * sin(0.9 * x) * cos(0.8 * y);
}

// The motion of a texture that was at (x + u, y + v): on two levels, the coarser of half the size.
static const float *run_motion(double u, double v, bool other) {
    static float now[2][W * H], last[2][W * H];
    for (int level = 0; level < 2; level++)
        for (int i = 0; i < (W >> level) * (H >> level); i++) {
            double scale = 1 << level, x = (i % (W >> level) + 0.5) * scale - 0.5;
            double y = (i / (W >> level) + 0.5) * scale - 0.5;
            now[level][i] = (float)(other ? texture(3 * y, 2 * x + 40) : texture(x, y));
            last[level][i] = (float)texture(x - u, y - v);
        }
    const ref_shape fine = {1, 1, H, W}, coarse = {1, 1, H / 2, W / 2};
    const ref_shape cells = {1, 3, CELLS_H, CELLS_W};
    guarded_begin(&op_memory);
    uint64_t at[2][2];
    for (int level = 0; level < 2; level++) {
        at[0][level] = op_floats(GUARDED_INPUT, now[level], (size_t)(W * H) >> 2 * level);
        at[1][level] = op_floats(GUARDED_INPUT, last[level], (size_t)(W * H) >> 2 * level);
    }
    cgv_tensor first = op_tensor(op_floats(GUARDED_OUTPUT, NULL, 3 * CELLS), cells);
    cgv_tensor motion = op_tensor(op_floats(GUARDED_OUTPUT, NULL, 3 * CELLS), cells);
    cgv_steady_motion(op_memory.cmd, first, (cgv_tensor){0}, op_tensor(at[0][1], coarse),
                      op_tensor(at[1][1], coarse));
    cgv_steady_motion(op_memory.cmd, motion, first, op_tensor(at[0][0], fine),
                      op_tensor(at[1][0], fine));
    CU_ASSERT_FATAL(guarded_run(&op_memory));
    return guarded_result(&op_memory, motion.address);
}

// Cells whose motion is within a quarter of a pixel; the mean of what was found.
static int right_cells(const float *motion, double u, double v, double *found) {
    int right = 0;
    *found = 0;
    for (int i = 0; i < CELLS; i++) {
        double du = motion[2 * i] * W - u, dv = motion[2 * i + 1] * H - v;
        right += du * du + dv * dv < 1. / 16;
        *found += motion[2 * CELLS + i] / CELLS;
    }
    return right;
}

static void test_motion(void) {
    static const double moves[][2] = {{0, 0}, {1, 0}, {0, -1.5}, {-2.25, 0.75}, {4.5, 3}};
    double found;
    op_begin(1 << 20, 3);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        const float *motion = run_motion(moves[i][0], moves[i][1], false);
        // Along the border a part of the window has left the picture.
        CU_ASSERT(right_cells(motion, moves[i][0], moves[i][1], &found) >= CELLS * 3 / 4);
        CU_ASSERT(found > 0.8);
    }
    right_cells(run_motion(0, 0, true), 0, 0, &found);
    CU_ASSERT(found < 0.6);
    op_end();
}

// ---- averages ----

static double clamped(double v, double low, double high) {
    return fmin(fmax(v, low), high);
}

// One component of a motion, interpolated at (x, y) in units of the picture.
static double motion_at(const float *motion, int w, int h, double x, double y, int component) {
    double p = clamped(x * w - 0.5, 0, w - 1), q = clamped(y * h - 0.5, 0, h - 1), sum = 0;
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++)
            sum += fmax(1 - fabs(p - i), 0) * fmax(1 - fabs(q - j), 0) *
                   motion[2 * (j * w + i) + component];
    return sum;
}

typedef struct mix_case {
    ref_shape shape;
    int cells_w, cells_h;
    float keep;
    bool broken; // the average holds nothing finite
} mix_case;

// A motion by chance, of up to a tenth of the picture, and what was found.
static void random_motion(float *motion, int cells) {
    for (int i = 0; i < 2 * cells; i++)
        motion[i] = (float)cgv_rng_below(&op_rng, 2001) / 1e4f - 0.1f;
    for (int i = 2 * cells; i < 3 * cells; i++)
        motion[i] = (float)cgv_rng_below(&op_rng, 1001) / 1e3f;
}

// Element i as it must be.
static double mixed(const mix_case *c, const float *y, const float *average, const float *motion,
                    int i) {
    const ref_shape s = c->shape;
    const int plane = s.h * s.w, place = i % plane, cells = c->cells_w * c->cells_h;
    const float *channel = average + (ptrdiff_t)i - place;
    double x = (place % s.w + 0.5) / s.w, row = (place / s.w + 0.5) / s.h, before = 0;
    int cell = (int)(row * c->cells_h) * c->cells_w + (int)(x * c->cells_w);
    double u = motion_at(motion, c->cells_w, c->cells_h, x, row, 0);
    double v = motion_at(motion, c->cells_w, c->cells_h, x, row, 1);
    double p = clamped((x + u) * s.w - 0.5, 0, s.w - 1);
    double q = clamped((row + v) * s.h - 0.5, 0, s.h - 1);
    for (int k = 0; k < plane; k++)
        before += fmax(1 - fabs(p - k % s.w), 0) * fmax(1 - fabs(q - k / s.w), 0) * channel[k];
    double keep = c->broken ? 0 : (double)c->keep * motion[2 * cells + cell];
    return y[i] + keep * (before - y[i]);
}

static bool run_mix(const mix_case *c) {
    const ref_shape s = c->shape;
    const size_t count = ref_count(s), words = 3 * (size_t)(c->cells_w * c->cells_h);
    float *y = op_random(count), *average = op_random(count);
    float *motion = numbers_allocate(words, sizeof *motion);
    double *expected = numbers_allocate(count, sizeof *expected);
    random_motion(motion, c->cells_w * c->cells_h);
    for (size_t i = 0; i < count; i++)
        expected[i] = mixed(c, y, average, motion, (int)i);
    for (size_t i = 0; i < count && (c->broken || c->keep == 0); i++)
        average[i] = i % 2 ? NAN : INFINITY;
    const float state[2] = {c->keep, 0};
    guarded_begin(&op_memory);
    uint64_t y_at = op_floats(GUARDED_OUTPUT, y, count);
    uint64_t average_at = op_floats(GUARDED_INPUT, average, count);
    uint64_t moved_at = op_floats(GUARDED_INPUT, motion, words);
    uint64_t state_at = op_floats(GUARDED_INPUT, state, 2);
    cgv_steady_mix(op_memory.cmd, op_tensor(y_at, s), op_tensor(average_at, s),
                   op_tensor(moved_at, (ref_shape){1, 3, c->cells_h, c->cells_w}), state_at);
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, y_at), expected, count, 1e-5);
    right = right && (c->keep > 0 || !memcmp(guarded_result(&op_memory, y_at), y, 4 * count));
    free(y);
    free(average);
    free(motion);
    free(expected);
    return right;
}

static void test_mix(void) {
    op_begin(4 << 20, 4);
    CU_ASSERT(run_mix(&(mix_case){.shape = {1, 5, 14, 24}, 24, 14, 0.9f}));
    CU_ASSERT(run_mix(&(mix_case){.shape = {1, 3, 17, 31}, 4, 2, 0.5f}));
    CU_ASSERT(run_mix(&(mix_case){.shape = {1, 1, 1, 1}, 1, 1, 1}));
    CU_ASSERT(run_mix(&(mix_case){.shape = {1, 3, 17, 31}, 4, 2, 0}));
    CU_ASSERT(run_mix(&(mix_case){.shape = {1, 3, 9, 8}, 4, 2, 0.9f, .broken = true}));
    op_end();
}

// ---- pixels ----

enum { FRAMES = 3, BLEND_CELLS_W = 3, BLEND_CELLS_H = 2, BLEND_CELLS = 6 };

typedef struct blend_case {
    int w, h;
    float keep;
    int broken;  // a frame whose picture is NaN, or -1
    bool sliced; // y is what a grid makes of x, in the same op
} blend_case;

static const ref_shape blend_grid = {1, CGV_GRID_CHANNELS, 4, 5};

// A frame as it must come out, and the luma of what it was made from.
typedef struct blended {
    double *picture, *luma;
} blended;

static blended blended_create(const blend_case *c) {
    size_t plane = (size_t)c->w * (size_t)c->h;
    return (blended){numbers_allocate(3 * plane, sizeof(double)),
                     numbers_allocate(plane, sizeof(double))};
}

static void blended_free(blended *b) {
    free(b->picture);
    free(b->luma);
}

// Which pixel of the frame before pixel i comes from; -1: of none.
static int blend_source(const blend_case *c, const float *motion, int i) {
    int row = i / c->w, column = i % c->w, top = row / 8 * 8, left = column / 8 * 8;
    int right = left + 8 < c->w ? left + 7 : c->w - 1;
    int bottom = top + 8 < c->h ? top + 7 : c->h - 1;
    double x = 0.5 * (left + right + 1) / c->w, y = 0.5 * (top + bottom + 1) / c->h;
    int by[2];
    for (int k = 0; k < 2; k++)
        by[k] = (int)floor(
            motion_at(motion, BLEND_CELLS_W, BLEND_CELLS_H, x, y, k) * (k ? c->h : c->w) + 0.5);
    bool inside =
        left + by[0] >= 0 && top + by[1] >= 0 && right + by[0] < c->w && bottom + by[1] < c->h;
    return inside ? (row + by[1]) * c->w + column + by[0] : -1;
}

// before: NULL where nothing is known of the frame before. Returns the pixels that took much of it.
static int blend(blended *out, const blend_case *c, const blended *before, const float *motion,
                 const float *x, const float *y) {
    const int plane = c->w * c->h;
    int much = 0;
    for (int i = 0; i < plane; i++) {
        double k = 0;
        int from = blend_source(c, motion, i);
        out->luma[i] = (0.299 * x[i] + 0.587 * x[i + plane] + 0.114 * x[i + 2 * plane]) / 2 + 0.5;
        if (before && from >= 0) {
            double d = (out->luma[i] - before->luma[from]) * 255 / 6;
            k = 0.6 * c->keep * pow(fmax(1 - d * d, 0), 2);
        }
        for (int p = 0; p < 3 * plane; p += plane)
            out->picture[p + i] =
                k > 0 ? y[p + i] + k * (clamped(before->picture[p + from], -1, 1) - y[p + i])
                      : y[p + i];
        much += k > 0.1;
    }
    return much;
}

// y = what the network's grid makes of x.
static void slice(float *y, const float *grid, const float *x, const blend_case *c) {
    const ref_shape s = {1, 3, c->h, c->w};
    const size_t count = ref_count(s);
    double *wide = numbers_widen(x, count), *cells = numbers_widen(grid, ref_count(blend_grid));
    double *result = numbers_allocate(count, sizeof *result);
    ref_bilateral_slice(result, cells, blend_grid, wide, s);
    for (size_t i = 0; i < count; i++)
        y[i] = (float)result[i];
    free(wide);
    free(cells);
    free(result);
}

// One frame, a list of its own: `history` is what it finds and leaves.
static bool run_frame(const blend_case *c, int frame, float *history, const float *motion,
                      const float *grid, const float *x, const float *y, const double *expected) {
    const ref_shape s = {1, 3, c->h, c->w};
    const size_t count = ref_count(s), bytes = cgv_steady_history_bytes(op_tensor(0, s));
    const uint32_t turn = (uint32_t)frame & 1;
    float state[2] = {frame ? c->keep : 0};
    memcpy(&state[1], &turn, sizeof turn);
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, count), y_at = op_floats(GUARDED_OUTPUT, y, count);
    uint64_t moved_at = op_floats(GUARDED_INPUT, motion, 3 * BLEND_CELLS);
    uint64_t state_at = op_floats(GUARDED_INPUT, state, 2);
    uint64_t history_at = guarded_add(&op_memory, GUARDED_SCRATCH, history, bytes);
    const cgv_past past = {
        .history = history_at,
        .state = state_at,
        .motion = op_tensor(moved_at, (ref_shape){1, 3, BLEND_CELLS_H, BLEND_CELLS_W}),
    };
    if (grid)
        cgv_steady_slice(
            op_memory.cmd, op_tensor(y_at, s),
            op_tensor(op_floats(GUARDED_INPUT, grid, ref_count(blend_grid)), blend_grid),
            op_tensor(x_at, s), &past);
    else
        cgv_steady_blend(op_memory.cmd, op_tensor(y_at, s), op_tensor(x_at, s), &past);
    bool ran = frame == c->broken ? guarded_run_nan(&op_memory) : guarded_run(&op_memory);
    const float *result = guarded_result(&op_memory, y_at);
    memcpy(history, guarded_result(&op_memory, history_at), bytes);
    if (frame == c->broken)
        return ran && isnan(result[0]);
    // What comes from the past, and how like it is, was kept in 16 bits.
    return ran && numbers_close(result, expected, count, 1e-3);
}

static bool run_blend(const blend_case *c) {
    const size_t count = 3 * (size_t)c->w * (size_t)c->h;
    const uint64_t bytes = cgv_steady_history_bytes(op_tensor(0, (ref_shape){1, 3, c->h, c->w}));
    float *history = numbers_allocate(bytes, 1);
    blended frames[FRAMES];
    bool right = true;
    int much = 0;
    memset(history, 0xff, bytes); // nothing that counts
    for (int k = 0; k < FRAMES; k++) {
        float *x = op_random(count), *y = op_random(count), motion[3 * BLEND_CELLS];
        random_motion(motion, BLEND_CELLS);
        for (size_t i = 0; i < count; i++) {
            x[i] = 0.1f + 0.02f * x[i]; // alike from frame to frame
            y[i] = k == c->broken ? NAN : 0.3f * y[i];
        }
        float *grid = c->sliced ? op_random(ref_count(blend_grid)) : NULL;
        if (grid)
            slice(y, grid, x, c);
        frames[k] = blended_create(c);
        const blended *before = k && k - 1 != c->broken ? &frames[k - 1] : NULL;
        much += blend(&frames[k], c, before, motion, x, y);
        right = run_frame(c, k, history, motion, grid, x, y, frames[k].picture) && right;
        free(grid);
        free(x);
        free(y);
    }
    for (int k = 0; k < FRAMES; k++)
        blended_free(&frames[k]);
    free(history);
    return right && (much > c->w * c->h / 4) == (c->keep > 0);
}

static void test_blend(void) {
    op_begin(4 << 20, 5);
    CU_ASSERT(run_blend(&(blend_case){64, 40, 0.9f, -1, false}));
    CU_ASSERT(run_blend(&(blend_case){51, 37, 0.5f, -1, false})); // odd: a pixel an invocation
    CU_ASSERT(run_blend(&(blend_case){64, 41, 0, -1, false}));
    CU_ASSERT(run_blend(&(blend_case){16, 16, 0.9f, 1, false})); // NaN does not live on
    CU_ASSERT(run_blend(&(blend_case){64, 40, 0.9f, -1, true}));
    CU_ASSERT(run_blend(&(blend_case){51, 37, 0.5f, -1, true}));
    op_end();
}

// ---- statistics of instance norms ----

static bool run_stats_as(float keep, bool broken, bool whole) {
    const ref_shape s = {1, 5, 17, 31};
    const size_t count = ref_count(s);
    float *x = op_random(count), held[10];
    double expected[10], *wide = numbers_widen(x, count);
    ref_instance_stats(expected, wide, s, 1e-5);
    for (int i = 0; i < 10; i++) {
        held[i] = broken ? NAN : (float)cgv_rng_below(&op_rng, 100) / 50;
        if (!broken)
            expected[i] += (double)keep * (held[i] - expected[i]);
    }
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, count);
    uint64_t stats_at = op_floats(GUARDED_OUTPUT, held, 10);
    uint64_t keep_at = op_floats(GUARDED_INPUT, &keep, 1);
    uint64_t scratch = op_scratch(cgv_instance_norm_scratch(op_tensor(x_at, s)));
    if (whole)
        cgv_instance_norm_whole(op_memory.cmd, op_tensor(op_floats(GUARDED_OUTPUT, NULL, count), s),
                                op_tensor(x_at, s), stats_at, keep_at, 1e-5f, (cgv_tensor){0},
                                &(cgv_norm_params){0});
    else
        cgv_instance_norm_stats(op_memory.cmd, stats_at, op_tensor(x_at, s), scratch, keep_at,
                                1e-5f);
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, stats_at), expected, 10, 1e-5);
    free(x);
    free(wide);
    return right;
}

static bool run_stats(float keep, bool broken) {
    return run_stats_as(keep, broken, false) && run_stats_as(keep, broken, true);
}

static void test_stats(void) {
    op_begin(1 << 20, 6);
    CU_ASSERT(run_stats(0, false));
    CU_ASSERT(run_stats(0.75f, false));
    CU_ASSERT(run_stats(1, false));
    CU_ASSERT(run_stats(0, true));
    CU_ASSERT(run_stats(0.75f, true));
    op_end();
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"cuts", test_keep},
        {"luma", test_luma},
        {"motion", test_motion},
        {"averages that follow the motion", test_mix},
        {"pixels that follow the motion", test_blend},
        {"held statistics", test_stats},
        {0},
    };
    return cgv_test_run("steady", cases);
}
