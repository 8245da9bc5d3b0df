// Optical flow on known motion, and the flicker of sequences that have it and of those that do not.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/flicker.h"
#include "eval/flow.h"
#include "scenes.h"
#include "support.h"

enum { W = 160, H = 120 };

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

typedef struct quality {
    double median, ninth; // error of motion in pixels: median and 90th percentile
    double visible;
} quality;

// What the flow makes of a scene that has moved, inside a frame as wide as the motion.
static quality of_motion(double dx, double dy) {
    test_scene scene = test_scene_of(W, H, 3);
    cgv_bitmap first = test_scene_draw(&scene);
    scene.dx = dx;
    scene.dy = dy;
    cgv_bitmap second = test_scene_draw(&scene);
    cgv_pyramid a, b;
    cgv_flow there, back;
    CU_ASSERT_EQUAL_FATAL(cgv_flow_pyramid(&a, &first), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_flow_pyramid(&b, &second), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_flow_estimate(&there, &a, &b), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_flow_estimate(&back, &b, &a), CGV_OK);
    static float errors[W * H];
    static bool visible[W * H];
    int count = 0, margin = 6 + (int)fmax(fabs(dx), fabs(dy));
    for (int y = margin; y < H - margin; y++)
        for (int x = margin; x < W - margin; x++)
            errors[count++] = (float)hypot((double)there.u.values[y * W + x] - dx,
                                           (double)there.v.values[y * W + x] - dy);
    qsort(errors, (size_t)count, sizeof *errors, by_value);
    quality q = {(double)errors[count / 2], (double)errors[count * 9 / 10],
                 cgv_flow_check(visible, &there, &back)};
    cgv_flow_free(&there);
    cgv_flow_free(&back);
    cgv_pyramid_free(&a);
    cgv_pyramid_free(&b);
    cgv_bitmap_free(&first);
    cgv_bitmap_free(&second);
    return q;
}

static void test_motion(void) {
    static const double motions[][2] = {{0, 0},      {0.25, -0.5}, {1.3, 0.7},
                                        {-3.4, 2.2}, {9.6, -5.1},  {-14.5, 0}};
    for (size_t i = 0; i < sizeof motions / sizeof *motions; i++) {
        const double dx = motions[i][0], dy = motions[i][1];
        quality q = of_motion(dx, dy);
        printf("\n  motion %5.2f %5.2f: error %.3f, of nine tenths %.3f; trusted %.2f", dx, dy,
               q.median, q.ninth, q.visible);
        CU_ASSERT(q.median < 0.03);
        CU_ASSERT(q.ninth < 0.1);
        // What has left the picture cannot be trusted, nearly all else is.
        double stays = (1 - fabs(dx) / W) * (1 - fabs(dy) / H);
        CU_ASSERT(q.visible > stays - 0.05 && q.visible < stays + 0.02);
    }
    puts("");
}

// Covered by something that comes in: not trusted.
static void test_occlusion(void) {
    test_scene scene = test_scene_of(W, H, 5);
    cgv_bitmap first = test_scene_draw(&scene), second = test_scene_draw(&scene);
    scene.seed = 6;
    cgv_bitmap other = test_scene_draw(&scene);
    for (int y = 40; y < 90; y++)
        memcpy(second.rgb + 3 * (y * W + 50), other.rgb + 3 * (y * W + 50), 3 * 60);
    cgv_pyramid a, b;
    cgv_flow there, back;
    CU_ASSERT_EQUAL_FATAL(cgv_flow_pyramid(&a, &first), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_flow_pyramid(&b, &second), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_flow_estimate(&there, &a, &b), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_flow_estimate(&back, &b, &a), CGV_OK);
    static bool visible[W * H];
    cgv_flow_check(visible, &there, &back);
    int inside = 0, outside = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            bool in = x >= 55 && x < 105 && y >= 45 && y < 85;
            bool out = x < 38 || x >= 122 || y < 28 || y >= 102;
            inside += in && visible[y * W + x];
            outside += out && !visible[y * W + x];
        }
    CU_ASSERT(inside < 50 * 40 / 2);
    CU_ASSERT(outside < W * H / 100);
    cgv_flow_free(&there);
    cgv_flow_free(&back);
    cgv_pyramid_free(&a);
    cgv_pyramid_free(&b);
    cgv_bitmap_free(&first);
    cgv_bitmap_free(&second);
    cgv_bitmap_free(&other);
}

// ---- flicker ----

// How a filter changes frame `number`.
typedef void filter(cgv_bitmap *frame, int number);

static void scale(cgv_bitmap *frame, double gain, double offset) {
    for (size_t i = 0; i < cgv_bitmap_bytes(frame->width, frame->height); i++)
        frame->rgb[i] = (uint8_t)lround(fmin(fmax(frame->rgb[i] * gain + offset, 0), 255));
}

static void leave(cgv_bitmap *frame, int number) {
    (void)frame, (void)number;
}

static void darken(cgv_bitmap *frame, int number) {
    (void)number;
    scale(frame, 0.3, 5);
}

static void pump(cgv_bitmap *frame, int number) {
    scale(frame, number % 2 ? 0.9 : 1, 0);
}

static void pump_in_the_dark(cgv_bitmap *frame, int number) {
    scale(frame, number % 2 ? 0.27 : 0.3, 0);
}

static void blacken(cgv_bitmap *frame, int number) {
    (void)number;
    scale(frame, 0, 0);
}

// A scene that moves evenly, with a little noise, as cameras have it.
static cgv_bitmap draw_frame(int number, int seed) {
    test_scene scene = test_scene_of(W, H, seed);
    scene.dx = 1.3 * number;
    scene.dy = -0.4 * number;
    cgv_bitmap frame = test_scene_draw(&scene);
    uint32_t noise = (uint32_t)number * 77 + 1;
    for (size_t i = 0; i < cgv_bitmap_bytes(W, H); i++) {
        noise = noise * 1664525 + 1013904223;
        int code = frame.rgb[i] + (int)(noise >> 24) % 7 - 3;
        frame.rgb[i] = (uint8_t)(code < 0 ? 0 : code > 255 ? 255 : code);
    }
    return frame;
}

// Of 6 frames; another scene from frame `cut` on; said to be another sequence from `pause` on.
static cgv_flicker_result run(filter *apply, int cut, int pause) {
    cgv_flicker *flicker;
    CU_ASSERT_EQUAL_FATAL(cgv_flicker_create(&flicker, 1), CGV_OK);
    for (int i = 0; i < 6; i++) {
        cgv_bitmap input = draw_frame(i, i < cut ? 1 : 2), output = draw_frame(i, i < cut ? 1 : 2);
        apply(&output, i);
        if (i == pause)
            cgv_flicker_break(flicker);
        CU_ASSERT_EQUAL_FATAL(cgv_flicker_add(flicker, &input, &output), CGV_OK);
        cgv_bitmap_free(&input);
        cgv_bitmap_free(&output);
    }
    cgv_flicker_result result = cgv_flicker_get(flicker, 0);
    cgv_flicker_destroy(&flicker);
    CU_ASSERT_PTR_NULL(flicker);
    return result;
}

static void test_steady(void) {
    cgv_flicker_result same = run(leave, 9, 9);
    CU_ASSERT_EQUAL(same.pairs, 5);
    CU_ASSERT_EQUAL(same.cuts, 0);
    CU_ASSERT_EQUAL(same.ratio, 1);
    CU_ASSERT(same.visible > 0.9);
    CU_ASSERT(same.input > 0.02 && same.input < 0.5);
    // Being dark is no merit and no fault.
    cgv_flicker_result dark = run(darken, 9, 9);
    CU_ASSERT_DOUBLE_EQUAL(dark.ratio, 1, 0.1);
    CU_ASSERT_EQUAL(dark.input, same.input);
}

static void test_pumping(void) {
    cgv_flicker_result pumping = run(pump, 9, 9), dark = run(pump_in_the_dark, 9, 9);
    CU_ASSERT(pumping.ratio > 1.5);
    CU_ASSERT_DOUBLE_EQUAL(dark.ratio, pumping.ratio, 0.1 * pumping.ratio);
}

static void test_gaps(void) {
    cgv_flicker_result cut = run(leave, 3, 9);
    CU_ASSERT_EQUAL(cut.pairs, 4);
    CU_ASSERT_EQUAL(cut.cuts, 1);
    cgv_flicker_result paused = run(leave, 9, 2);
    CU_ASSERT_EQUAL(paused.pairs, 4);
    CU_ASSERT_EQUAL(paused.cuts, 0);
    // All black is not steady: there is nothing to see.
    cgv_flicker_result black = run(blacken, 9, 9);
    CU_ASSERT_EQUAL(black.pairs, 0);
    CU_ASSERT_EQUAL(black.flat, 5);
    CU_ASSERT(isnan(black.ratio));
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"motion", test_motion},   {"occlusion", test_occlusion}, {"steady", test_steady},
        {"pumping", test_pumping}, {"gaps", test_gaps},           {0},
    };
    return cgv_test_run("flicker", cases);
}
