// Masks of skies and windows, and how they reach a training. No GPU.
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "train/dataset.h"
#include "train/scene.h"

enum { W = 180, H = 140, HORIZON = 60 };

typedef struct colour {
    uint8_t r, g, b;
} colour;

static const colour blue = {90, 150, 220}, grass = {70, 110, 40}, wall = {225, 180, 120},
                    glass = {40, 30, 20}, cat = {20, 40, 20};

static void paint(cgv_bitmap *picture, cgv_box box, colour c) {
    for (int y = box.y; y < box.y + box.height; y++)
        for (int x = box.x; x < box.x + box.width; x++)
            memcpy(picture->rgb + (ptrdiff_t)3 * (y * W + x), &c, 3);
}

// A sky over grass, and in front of both a wall with panes, `x` to the right, and something else.
static cgv_bitmap house(int x) {
    cgv_bitmap picture;
    CU_ASSERT_EQUAL_FATAL(cgv_bitmap_create(&picture, W, H), CGV_OK);
    paint(&picture, (cgv_box){0, 0, W, HORIZON}, blue);
    paint(&picture, (cgv_box){0, HORIZON, W, H - HORIZON}, grass);
    paint(&picture, (cgv_box){x, 40, 70, 60}, wall);
    for (int k = 0; k < 9; k++)
        paint(&picture, (cgv_box){x + 10 + 20 * (k % 3), 46 + 18 * (k / 3), 6, 9}, glass);
    paint(&picture, (cgv_box){x + 20, 120, 5, 5}, cat);
    return picture;
}

static const uint8_t *at(const cgv_bitmap *mask, int x, int y) {
    return mask->rgb + (ptrdiff_t)3 * (y * mask->width + x);
}

static bool is(const uint8_t *p, int sky, int pane, int dark) {
    return p[0] == sky && p[1] == pane && p[2] == dark;
}

static void test_scene(void) {
    cgv_bitmap picture = house(50), scene;
    CU_ASSERT_EQUAL_FATAL(cgv_scene_find(&scene, &picture), CGV_OK);
    CU_ASSERT(scene.width == W && scene.height == H);
    CU_ASSERT(is(at(&scene, 20, 20), 255, 0, 0) && is(at(&scene, 20, 80), 0, 0, 0));
    CU_ASSERT(is(at(&scene, 54, 44), 0, 0, 0) && is(at(&scene, 63, 50), 0, 255, 0));
    CU_ASSERT(is(at(&scene, 72, 122), 0, 0, 255));
    cgv_bitmap_free(&scene);
    cgv_bitmap_free(&picture);
}

// However large a picture is, a sky ends at the same edges; small things in it are no windows.
static void test_size(void) {
    for (int times = 1; times <= 8; times++) {
        cgv_bitmap small = house(50), picture, scene;
        for (int k = 0; k < 6; k++) // birds
            paint(&small, (cgv_box){60 + 8 * k, 20, 4, 4}, cat);
        CU_ASSERT_EQUAL_FATAL(
            cgv_bitmap_resize(&picture, times * W, times * H, &small, (cgv_box){0, 0, W, H}),
            CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_scene_find(&scene, &picture), CGV_OK);
        int h = times * H > 400 ? 400 : times * H;
        CU_ASSERT_EQUAL(scene.height, h);
        CU_ASSERT(at(&scene, 10 * h / H, 10 * h / H)[0] == 255);
        CU_ASSERT(at(&scene, 10 * h / H, 80 * h / H)[0] == 0);
        CU_ASSERT(at(&scene, 63 * h / H, 50 * h / H)[1] == 255);
        CU_ASSERT(at(&scene, 62 * h / H, 22 * h / H)[1] == 0);
        cgv_bitmap_free(&small);
        cgv_bitmap_free(&picture);
        cgv_bitmap_free(&scene);
    }
}

// ---- in a dataset ----

enum { PICTURES = 3, CROP_W = 80, CROP_H = 60 };

static cgv_status read_house(cgv_frames *frames, cgv_bitmap *out, int index) {
    (void)frames;
    *out = house(10 + 30 * index);
    return CGV_OK;
}

static const cgv_frames_class houses = {read_house, NULL, NULL};

// Every pixel of every crop: blue where the mask says sky, dark where it says pane; at edges both
// are mixed.
static void check_crop(const float *rgb, const float *scene, int *seen) {
    enum { PLANE = CROP_W * CROP_H };
    for (int i = 0; i < PLANE; i++) {
        float bluest = rgb[2 * PLANE + i] - rgb[i], pane = scene[PLANE + i];
        bool sky = scene[i] > 0.99f, ground = scene[i] < -0.99f;
        CU_ASSERT(scene[i] >= -1 && scene[i] <= 1 && pane >= -1 && pane <= 1);
        CU_ASSERT(!sky || bluest > 0.5f);
        CU_ASSERT(!ground || bluest < 0.1f);
        CU_ASSERT(pane < 0.99f || rgb[i] < -0.4f);
        seen[0] += sky;
        seen[1] += ground;
        seen[2] += pane > 0.99f;
        seen[3] += scene[2 * PLANE + i] > 0.99f;
    }
}

static void test_dataset(void) {
    cgv_frames a = {&houses, PICTURES}, b = {&houses, PICTURES};
    const int64_t memories[] = {0, 1 << 20};
    for (int i = 0; i < 4; i++) {
        cgv_dataset_params p = CGV_DATASET_DEFAULTS;
        cgv_dataset *d;
        enum { FLOATS = 2 * 3 * CROP_W * CROP_H };
        static float x[FLOATS], y[FLOATS], scenes[FLOATS];
        int seen[4] = {0, 0, 0, 0};
        p.batch = 2;
        p.width = CROP_W;
        p.height = CROP_H;
        p.preprocess = CGV_PREPROCESS_CROP;
        p.min_scale = i < 2 ? 0 : 0.5f;
        p.memory = memories[i % 2];
        p.exposure[0] = 0.3f; // which masks know nothing of
        p.scenes = true;
        CU_ASSERT_EQUAL_FATAL(cgv_dataset_create(&d, &a, &b, &p), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_dataset_start(d, 0), CGV_OK);
        for (int step = 0; step < 20; step++) {
            CU_ASSERT_EQUAL_FATAL(cgv_dataset_next(d, x, y, scenes), CGV_OK);
            for (size_t k = 0; k < 2; k++)
                check_crop(x + k * FLOATS / 2, scenes + k * FLOATS / 2, seen);
        }
        CU_ASSERT(seen[0] > 1000 && seen[1] > 1000 && seen[2] > 1000 && seen[3] > 20);
        CU_ASSERT_EQUAL(cgv_dataset_next(d, x, y, NULL), CGV_OK);
        cgv_dataset_destroy(&d);
    }
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"a scene", test_scene},
        {"of any size", test_size},
        {"in a dataset", test_dataset},
        {0},
    };
    return cgv_test_run("scene", cases);
}
