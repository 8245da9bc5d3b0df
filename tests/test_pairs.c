// Pairs of training pictures: matching, halves, and that both come cropped and flipped alike.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "support.h"
#include "train/dataset.h"
#include "train/pairs.h"

// Pictures whose pixels tell which one (red) and where in it (green: x, blue: y) they are.
typedef struct coded {
    cgv_frames head;
    const char *const *names;
    int width, height;
    int unreadable; // -1: none
} coded;

static cgv_status read_coded(cgv_frames *frames, cgv_bitmap *out, int index) {
    const coded *c = (const coded *)frames;
    if (index == c->unreadable)
        return CGV_ERROR_IO;
    cgv_status status = cgv_bitmap_create(out, c->width, c->height);
    uint8_t *p = out->rgb;
    for (int y = 0; !status && y < c->height; y++)
        for (int x = 0; x < c->width; x++, p += 3) {
            p[0] = (uint8_t)index;
            p[1] = (uint8_t)x;
            p[2] = (uint8_t)y;
        }
    return status;
}

static char *describe(const cgv_frames *frames, int index) {
    return strdup(((const coded *)frames)->names[index]);
}

static const cgv_frames_class coded_class = {read_coded, describe, NULL};

static coded make_coded(const char *const *names, int count, int width, int height) {
    return (coded){{&coded_class, count}, names, width, height, -1};
}

static const char *const names_a[] = {
    "in/b.png",     "in/a.jpg",    "in/lonely.png", "in/d.e.png", "in/clip.mp4 at 1.500 s",
    "in/twice.png", "in/twice.jpg"};
static const char *const names_b[] = {
    "out/d.e.jpg", "out/clip.mp4 at 1.500 s", "out/a.png",    "out/clip.mp4 at 1.250 s",
    "elsewhere/b", "out/twice.bmp",           "out/d.e.f.jpg"};

static cgv_bitmap read_one(cgv_frames *frames, int index) {
    cgv_bitmap picture = {0};
    CU_ASSERT_EQUAL_FATAL(frames->class->read(frames, &picture, index), CGV_OK);
    return picture;
}

static void test_match(void) {
    coded a = make_coded(names_a, 7, 10, 8), b = make_coded(names_b, 7, 10, 8);
    cgv_pairs *pairs;
    CU_ASSERT_EQUAL_FATAL(cgv_pairs_match(&pairs, &a.head, &b.head), CGV_OK);
    cgv_frames *left = cgv_pairs_side(pairs, 0), *right = cgv_pairs_side(pairs, 1);
    // In the order of their names: a, b, clip.mp4 at 1.500 s, d.e, twice.
    static const int wanted[][2] = {{1, 2}, {0, 4}, {4, 1}, {3, 0}, {5, 5}};
    CU_ASSERT_EQUAL_FATAL(left->count, 5);
    CU_ASSERT_EQUAL(right->count, 5);
    for (int i = 0; i < 5; i++) {
        cgv_bitmap x = read_one(left, i), y = read_one(right, i);
        CU_ASSERT_EQUAL(x.rgb[0], wanted[i][0]);
        CU_ASSERT_EQUAL(y.rgb[0], wanted[i][1]);
        char *name = right->class->describe(right, i);
        CU_ASSERT_STRING_EQUAL(name, names_b[wanted[i][1]]);
        free(name);
        cgv_bitmap_free(&x);
        cgv_bitmap_free(&y);
    }
    cgv_pairs_destroy(&pairs);
    CU_ASSERT_PTR_NULL(pairs);
    cgv_pairs_destroy(&pairs);
}

// Whichever of the two is read first.
static void test_sizes(void) {
    coded a = make_coded(names_a, 2, 20, 8), b = make_coded(names_b, 7, 10, 12);
    for (int first = 0; first < 2; first++) {
        cgv_pairs *pairs;
        CU_ASSERT_EQUAL_FATAL(cgv_pairs_match(&pairs, &a.head, &b.head), CGV_OK);
        for (int i = 0; i < 2; i++) {
            cgv_bitmap picture = read_one(cgv_pairs_side(pairs, i ^ first), 1);
            CU_ASSERT(picture.width == 20 && picture.height == 8);
            cgv_bitmap_free(&picture);
        }
        cgv_pairs_destroy(&pairs);
    }
}

static void test_no_partner(void) {
    static const char *const others[] = {"x.png", "y.png"};
    coded a = make_coded(names_a, 7, 10, 8), b = make_coded(others, 2, 10, 8);
    cgv_pairs *pairs;
    cgv_test_listen();
    CU_ASSERT_EQUAL(cgv_pairs_match(&pairs, &a.head, &b.head), CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("no picture of A is called as one of B (a, x)"));
    CU_ASSERT_PTR_NULL(pairs);
}

static void test_halves(void) {
    for (int width = 12; width <= 13; width++) {
        coded both = make_coded(names_a, 3, width, 5);
        cgv_pairs *pairs;
        CU_ASSERT_EQUAL_FATAL(cgv_pairs_split(&pairs, &both.head), CGV_OK);
        for (int side = 0; side < 2; side++) {
            cgv_frames *frames = cgv_pairs_side(pairs, side);
            CU_ASSERT_EQUAL(frames->count, 3);
            cgv_bitmap picture = read_one(frames, 2);
            CU_ASSERT_FATAL(picture.width == 6 && picture.height == 5);
            int wrong = 0;
            for (int i = 0; i < 30; i++)
                wrong += picture.rgb[3 * i] != 2 || picture.rgb[3 * i + 2] != i / 6 ||
                         picture.rgb[3 * i + 1] != i % 6 + (side ? width - 6 : 0);
            CU_ASSERT_EQUAL(wrong, 0);
            cgv_bitmap_free(&picture);
        }
        cgv_pairs_destroy(&pairs);
    }
    coded narrow = make_coded(names_a, 1, 1, 5);
    cgv_pairs *pairs;
    cgv_bitmap picture;
    CU_ASSERT_EQUAL_FATAL(cgv_pairs_split(&pairs, &narrow.head), CGV_OK);
    cgv_frames *frames = cgv_pairs_side(pairs, 0);
    cgv_test_listen();
    CU_ASSERT_EQUAL(frames->class->read(frames, &picture, 0), CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_said("no two side by side"));
    cgv_pairs_destroy(&pairs);
}

// ---- in a dataset ----

enum { W = 16, H = 12, PICTURE = 3 * W * H, STEPS = 40, BATCH = 2 };

static void check_alike(cgv_preprocess preprocess, float min_scale) {
    static float a[BATCH * PICTURE], b[BATCH * PICTURE];
    coded fa = make_coded(names_a, 5, 40, 30), fb = make_coded(names_a, 5, 40, 30);
    cgv_dataset_params p = CGV_DATASET_DEFAULTS;
    p.width = W;
    p.height = H;
    p.batch = BATCH;
    p.preprocess = preprocess;
    p.min_scale = min_scale;
    p.workers = 3;
    p.paired = true;
    cgv_dataset *d;
    CU_ASSERT_EQUAL_FATAL(cgv_dataset_create(&d, &fa.head, &fb.head, &p), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_dataset_start(d, 0), CGV_OK);
    int flips = 0, seen[5] = {0};
    for (int step = 0; step < STEPS; step++) {
        CU_ASSERT_EQUAL_FATAL(cgv_dataset_next(d, a, b, NULL), CGV_OK);
        CU_ASSERT(!memcmp(a, b, sizeof a)); // the same picture, place and side
        for (int i = 0; i < BATCH; i++) {
            const float *picture = a + (ptrdiff_t)i * PICTURE;
            flips += picture[W * H] > picture[W * H + W - 1];
            seen[(int)((picture[0] + 1) * 127.5f + 0.5f)]++;
        }
    }
    CU_ASSERT(flips > 10 && flips < BATCH * STEPS - 10);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(seen[i], BATCH * STEPS / 5); // every picture as often as the others
    cgv_dataset_destroy(&d);
}

static void test_alike(void) {
    check_alike(CGV_PREPROCESS_RESIZE_AND_CROP, 0);
    check_alike(CGV_PREPROCESS_CROP, 0);
    check_alike(CGV_PREPROCESS_CROP, 0.5f);
    check_alike(CGV_PREPROCESS_NONE, 0);
}

static void test_dataset_refuses(void) {
    static float a[PICTURE], b[PICTURE];
    coded fa = make_coded(names_a, 5, 40, 30), fb = make_coded(names_a, 4, 40, 30);
    cgv_dataset_params p = CGV_DATASET_DEFAULTS;
    p.width = W;
    p.height = H;
    p.paired = true;
    cgv_dataset *d;
    cgv_test_listen();
    CU_ASSERT_EQUAL(cgv_dataset_create(&d, &fa.head, &fb.head, &p), CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("5 pictures of A and 4 of B are no pairs"));
    // Its neighbour is no substitute for a picture that cannot be read.
    fb.head.count = 5;
    fb.unreadable = 3;
    CU_ASSERT_EQUAL_FATAL(cgv_dataset_create(&d, &fa.head, &fb.head, &p), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_dataset_start(d, 0), CGV_OK);
    cgv_status status = CGV_OK;
    for (int step = 0; step < 5 && !status; step++)
        status = cgv_dataset_next(d, a, b, NULL);
    CU_ASSERT_EQUAL(status, CGV_ERROR_IO);
    cgv_dataset_destroy(&d);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"matched by name", test_match},
        {"sizes that differ", test_sizes},
        {"no partner", test_no_partner},
        {"side by side", test_halves},
        {"cropped and flipped alike", test_alike},
        {"datasets of no pairs", test_dataset_refuses},
        {0},
    };
    return cgv_test_run("pairs", cases);
}
