// Laplacian pyramids and the sliced Wasserstein distance of collections whose distance is known.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/sort.h"
#include "eval/swd.h"
#include "scenes.h"
#include "support.h"

// ---- planes and pyramids ----

static cgv_plane random_plane(int width, int height) {
    cgv_plane plane;
    cgv_rng rng;
    cgv_rng_seed(&rng, (uint64_t)width, 1);
    CU_ASSERT_EQUAL_FATAL(cgv_plane_create(&plane, width, height), CGV_OK);
    for (int i = 0; i < width * height; i++)
        plane.values[i] = 255 * cgv_rng_float(&rng);
    return plane;
}

// A Laplacian pyramid adds up to what it was made from.
static void test_reconstruction(void) {
    static const int sizes[][2] = {{64, 64}, {50, 37}, {17, 16}, {101, 33}, {16, 16}};
    static const int levels[] = {3, 2, 1, 2, 1};
    for (int i = 0; i < 5; i++) {
        cgv_plane plane = random_plane(sizes[i][0], sizes[i][1]), whole = plane;
        cgv_pyramid pyramid;
        cgv_plane finest = random_plane(sizes[i][0], sizes[i][1]);
        CU_ASSERT_EQUAL_FATAL(cgv_pyramid_laplace(&pyramid, &finest, 16), CGV_OK);
        CU_ASSERT_EQUAL(pyramid.levels, levels[i]);
        CU_ASSERT_EQUAL(cgv_pyramid_depth(sizes[i][0], sizes[i][1], 16), levels[i]);
        CU_ASSERT_PTR_NULL(finest.values);
        for (int level = pyramid.levels - 1; level > 0; level--) {
            cgv_plane *fine = &pyramid.level[level - 1], up;
            CU_ASSERT_EQUAL(pyramid.level[level].width, (fine->width + 1) / 2);
            CU_ASSERT_EQUAL_FATAL(
                cgv_plane_grow(&up, &pyramid.level[level], fine->width, fine->height), CGV_OK);
            for (int k = 0; k < fine->width * fine->height; k++)
                fine->values[k] += up.values[k];
            cgv_plane_free(&up);
        }
        double worst = 0;
        for (int k = 0; k < plane.width * plane.height; k++)
            worst = fmax(worst, fabs((double)whole.values[k] - (double)pyramid.level[0].values[k]));
        CU_ASSERT(worst < 1e-3);
        cgv_pyramid_free(&pyramid);
        cgv_plane_free(&plane);
    }
}

// Neither filter changes the mean of a constant plane, and slopes stay slopes inside.
static void test_filters(void) {
    cgv_plane slope, small, large;
    CU_ASSERT_EQUAL_FATAL(cgv_plane_create(&slope, 33, 20), CGV_OK);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 33; x++)
            slope.values[y * 33 + x] = (float)(3 * x - 2 * y);
    CU_ASSERT_EQUAL_FATAL(cgv_plane_shrink(&small, &slope), CGV_OK);
    CU_ASSERT_EQUAL(small.width, 17);
    CU_ASSERT_EQUAL(small.height, 10);
    CU_ASSERT_EQUAL_FATAL(cgv_plane_grow(&large, &small, 33, 20), CGV_OK);
    for (int y = 2; y < 8; y++)
        for (int x = 2; x < 15; x++)
            CU_ASSERT_DOUBLE_EQUAL(small.values[y * 17 + x], 6 * x - 4 * y, 1e-3);
    for (int y = 5; y < 15; y++)
        for (int x = 5; x < 28; x++)
            CU_ASSERT_DOUBLE_EQUAL(large.values[y * 33 + x], 3 * x - 2 * y, 1e-3);
    for (int i = 0; i < 33 * 20; i++)
        slope.values[i] = 7;
    cgv_plane_free(&small);
    cgv_plane_free(&large);
    CU_ASSERT_EQUAL_FATAL(cgv_plane_shrink(&small, &slope), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_plane_grow(&large, &small, 33, 20), CGV_OK);
    for (int i = 0; i < 33 * 20; i++)
        CU_ASSERT_DOUBLE_EQUAL(large.values[i], 7, 1e-4);
    cgv_plane_free(&slope);
    cgv_plane_free(&small);
    cgv_plane_free(&large);
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void test_sort(void) {
    enum { COUNT = 5000 };
    static float values[COUNT], expected[COUNT], scratch[COUNT];
    cgv_rng rng;
    cgv_rng_seed(&rng, 9, 9);
    for (int count = 0; count <= COUNT; count += count < 20 ? 1 : 1245) {
        for (int i = 0; i < count; i++)
            values[i] = cgv_rng_normal(&rng) * exp2f((float)(i % 40) - 20);
        if (count > 4)
            values[1] = values[3] = 0, values[2] = -values[4];
        memcpy(expected, values, sizeof values);
        qsort(expected, (size_t)count, sizeof *expected, by_value);
        cgv_sort_floats(values, scratch, (size_t)count);
        for (int i = 0; i < count; i++)
            CU_ASSERT_EQUAL(values[i], expected[i]);
    }
}

// ---- the distance ----

enum { SIDE = 64, PICTURES = 12 };

// Pictures `first`... of scenes like `like`.
static cgv_descriptors describe(const test_scene *like, int first, int count, uint64_t seed) {
    cgv_descriptors descriptors;
    CU_ASSERT_EQUAL_FATAL(cgv_descriptors_create(&descriptors, SIDE, SIDE, count), CGV_OK);
    for (int i = 0; i < count; i++) {
        test_scene scene = *like;
        scene.seed = first + i;
        cgv_bitmap picture = test_scene_draw(&scene);
        CU_ASSERT_EQUAL_FATAL(cgv_descriptors_add(&descriptors, &picture, seed), CGV_OK);
        cgv_bitmap_free(&picture);
    }
    return descriptors;
}

static cgv_swd between(const cgv_descriptors *a, const cgv_descriptors *b) {
    cgv_swd result;
    CU_ASSERT_EQUAL_FATAL(cgv_swd_distance(&result, a, b, PICTURES, 1), CGV_OK);
    return result;
}

static void test_order(void) {
    test_scene plain = test_scene_of(SIDE, SIDE, 0), red = plain, fine = plain, strong = plain;
    red.offset[0] = 40;
    fine.detail = 0.3;
    strong.gain[1] = 1.7;
    cgv_descriptors a = describe(&plain, 100, PICTURES, 1), b = describe(&plain, 200, PICTURES, 2);
    cgv_descriptors shifted = describe(&red, 100, PICTURES, 1);
    cgv_descriptors detailed = describe(&fine, 100, PICTURES, 1);
    cgv_descriptors contrast = describe(&strong, 100, PICTURES, 1);
    CU_ASSERT_EQUAL(a.levels, 3);

    cgv_swd self = between(&a, &a), alike = between(&a, &b), again = between(&a, &b);
    CU_ASSERT_EQUAL(self.plain_mean, 0);
    CU_ASSERT_EQUAL(self.normalised_mean, 0);
    CU_ASSERT(alike.plain_mean > 0 && alike.normalised_mean > 0);
    CU_ASSERT(!memcmp(&alike, &again, sizeof alike));
    double sum = 0;
    for (int i = 0; i < 3; i++)
        sum += alike.plain[i] / 3;
    CU_ASSERT_DOUBLE_EQUAL(alike.plain_mean, sum, 1e-9);

    // A colour cast shows in the coarsest level alone, and not after normalising.
    cgv_swd colour = between(&shifted, &b);
    CU_ASSERT(colour.plain[2] > 2 * alike.plain[2]);
    CU_ASSERT_DOUBLE_EQUAL(colour.plain[0], alike.plain[0], 0.1 * alike.plain[0]);
    CU_ASSERT(colour.normalised_mean < 1.2 * alike.normalised_mean);
    // So it is with contrast, which shows in all.
    cgv_swd stronger = between(&contrast, &b);
    CU_ASSERT(stronger.plain_mean > 1.3 * alike.plain_mean);
    CU_ASSERT(stronger.normalised_mean < 1.2 * alike.normalised_mean);
    // Finer structure shows in both, in the finest level.
    cgv_swd structure = between(&detailed, &b);
    CU_ASSERT(structure.plain_mean > 1.3 * alike.plain_mean);
    CU_ASSERT(structure.normalised[0] > 1.3 * alike.normalised[0]);

    cgv_descriptors *all[] = {&a, &b, &shifted, &detailed, &contrast};
    for (int i = 0; i < 5; i++)
        cgv_descriptors_free(all[i]);
}

// Pictures of one colour each side: all patches are constant, and so the distance in a direction w
// is the difference times |sum of w|, whose mean over unit vectors of 147 numbers is known.
static void test_known_distance(void) {
    test_scene flat = test_scene_of(SIDE, SIDE, 0);
    flat.gain[0] = flat.gain[1] = flat.gain[2] = 0;
    cgv_descriptors a = describe(&flat, 0, 2, 1);
    for (int c = 0; c < 3; c++)
        flat.offset[c] = 30;
    cgv_descriptors b = describe(&flat, 0, 3, 1);
    cgv_swd d = between(&a, &b);
    CU_ASSERT_DOUBLE_EQUAL(d.plain[0], 0, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(d.plain[1], 0, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(d.plain[2], 30 * sqrt(2 / M_PI), 2); // 512 directions: +- 0.8
    CU_ASSERT_EQUAL(d.normalised_mean, 0);
    cgv_descriptors_free(&a);
    cgv_descriptors_free(&b);
}

// Sides of unequal number: the larger one is drawn from as a whole.
static void test_unequal(void) {
    test_scene plain = test_scene_of(SIDE, SIDE, 0);
    cgv_descriptors few = describe(&plain, 100, 6, 1), many = describe(&plain, 200, 24, 2);
    cgv_descriptors half = cgv_descriptors_part(&many, 12, 12), dark;
    CU_ASSERT_EQUAL(half.pictures, 12);
    CU_ASSERT_EQUAL(half.values[0], many.values[0] + 12 * 128 * 147);
    cgv_descriptors_free(&half); // leaves the whole as it is
    cgv_swd one = between(&few, &many), other = between(&many, &few);
    CU_ASSERT_DOUBLE_EQUAL(one.plain_mean, other.plain_mean, 0.15 * one.plain_mean);
    // If only the first pictures were looked at, dark ones at the end would not show.
    cgv_descriptors_free(&few);
    few = describe(&plain, 100, 6, 1);
    CU_ASSERT_EQUAL_FATAL(cgv_descriptors_create(&dark, SIDE, SIDE, 24), CGV_OK);
    for (int i = 0; i < 24; i++) {
        test_scene scene = plain;
        scene.seed = 200 + i;
        for (int c = 0; c < 3; c++)
            scene.offset[c] = i >= 12 ? -80 : 0;
        cgv_bitmap picture = test_scene_draw(&scene);
        CU_ASSERT_EQUAL_FATAL(cgv_descriptors_add(&dark, &picture, 2), CGV_OK);
        cgv_bitmap_free(&picture);
    }
    cgv_swd half_dark = between(&few, &dark);
    CU_ASSERT(half_dark.plain_mean > 1.5 * one.plain_mean);
    cgv_descriptors_free(&few);
    cgv_descriptors_free(&many);
    cgv_descriptors_free(&dark);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"reconstruction", test_reconstruction},
        {"filters", test_filters},
        {"sort", test_sort},
        {"order", test_order},
        {"known distance", test_known_distance},
        {"unequal sides", test_unequal},
        {0},
    };
    return cgv_test_run("swd", cases);
}
