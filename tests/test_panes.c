// Where a picture by day shows windows. No GPU.
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "support.h"
#include "train/panes.h"

enum { W = 320, H = 240 };

typedef struct colour {
    uint8_t r, g, b;
} colour;

static const colour wall = {190, 180, 160}, glass = {50, 55, 65}, leaf = {50, 70, 30},
                    sunlit = {130, 170, 70}, shadow = {110, 105, 95};

static void paint(cgv_bitmap *picture, cgv_box box, colour c) {
    for (int y = box.y; y < box.y + box.height; y++)
        for (int x = box.x; x < box.x + box.width; x++)
            memcpy(picture->rgb + (ptrdiff_t)3 * (y * picture->width + x), &c, 3);
}

static cgv_bitmap even(int width, int height, colour c) {
    cgv_bitmap picture;
    CU_ASSERT_EQUAL_FATAL(cgv_bitmap_create(&picture, width, height), CGV_OK);
    paint(&picture, (cgv_box){0, 0, width, height}, c);
    return picture;
}

// The k-th of a facade's panes, of so many columns, each `scale` times 8x14 pixels.
static cgv_box pane(int k, int columns, int scale) {
    return (cgv_box){scale * (60 + 18 * (k % columns)), scale * (50 + 26 * (k / columns)),
                     scale * 8, scale * 14};
}

static cgv_bitmap find(cgv_bitmap *picture) {
    cgv_bitmap mask;
    CU_ASSERT_EQUAL_FATAL(cgv_panes_find(&mask, picture), CGV_OK);
    cgv_bitmap_free(picture);
    return mask;
}

// How many pixels of a box are (0, 255, 0): of panes; and (0, 0, 255): dark otherwise.
typedef struct counts {
    int panes, dark;
} counts;

static counts count(const cgv_bitmap *mask, cgv_box box) {
    counts result = {0, 0};
    for (int y = box.y; y < box.y + box.height; y++)
        for (int x = box.x; x < box.x + box.width; x++) {
            const uint8_t *p = mask->rgb + (ptrdiff_t)3 * (y * mask->width + x);
            CU_ASSERT(p[0] == 0 && (p[1] == 0 || p[2] == 0));
            result.panes += p[1] == 255;
            result.dark += p[2] == 255;
        }
    return result;
}

static counts count_all(const cgv_bitmap *mask) {
    return count(mask, (cgv_box){0, 0, mask->width, mask->height});
}

static void test_facade(void) {
    static const struct {
        int columns, rows, found;
    } facades[] = {
        {1, 1, 0}, {2, 1, 0},  {3, 1, 0},  {1, 3, 0}, // too few to tell
        {2, 2, 4}, {5, 3, 15}, {3, 5, 15}, {6, 1, 4},
        {1, 6, 4}, // the ends of a row are too far out
    };
    for (size_t i = 0; i < sizeof facades / sizeof *facades; i++) {
        int columns = facades[i].columns, panes = columns * facades[i].rows;
        cgv_bitmap picture = even(W, H, wall);
        for (int k = 0; k < panes; k++)
            paint(&picture, pane(k, columns, 1), glass);
        cgv_bitmap mask = find(&picture);
        counts all = count_all(&mask);
        CU_ASSERT_EQUAL(all.panes, facades[i].found * 8 * 14);
        CU_ASSERT_EQUAL(all.panes + all.dark, panes * 8 * 14);
        cgv_bitmap_free(&mask);
    }
}

// Panes that a paler shadow joins come apart, and the shadow may be of panes, too.
static void test_joined(void) {
    cgv_bitmap picture = even(W, H, wall);
    for (int row = 0; row < 2; row++)
        paint(&picture, (cgv_box){60, 50 + 26 * row, 80, 14}, shadow);
    for (int k = 0; k < 10; k++)
        paint(&picture, pane(k, 5, 1), glass);
    cgv_bitmap mask = find(&picture);
    counts all = count_all(&mask);
    CU_ASSERT_EQUAL(all.panes, 10 * 8 * 14);
    CU_ASSERT_EQUAL(all.dark, 2 * 80 * 14 - 10 * 8 * 14);
    cgv_bitmap_free(&mask);
}

// In rows, but too long, too tall, or with too little of their box.
static void test_shapes(void) {
    static const cgv_box boxes[] = {{0, 0, 18, 3}, {0, 0, 3, 18}, {0, 0, 2, 12}};
    for (size_t i = 0; i < 3; i++) {
        cgv_bitmap picture = even(W, H, wall);
        for (int k = 0; k < 15; k++) {
            cgv_box at = boxes[i];
            at.x = 30 + 26 * (k % 5);
            at.y = 30 + 26 * (k / 5);
            paint(&picture, at, glass);
            at.width = 12; // the last is a corner
            at.height = 2;
            if (i == 2)
                paint(&picture, at, glass);
        }
        cgv_bitmap mask = find(&picture);
        counts all = count_all(&mask);
        CU_ASSERT(all.panes == 0 && all.dark == 0);
        cgv_bitmap_free(&mask);
    }
}

// What is not a window: dark things in a darker wall, large or long.
static void test_others(void) {
    cgv_bitmap picture = even(W, H, (colour){60, 60, 60});
    for (int k = 0; k < 15; k++)
        paint(&picture, pane(k, 5, 1), (colour){5, 5, 5});
    cgv_bitmap mask = find(&picture);
    counts all = count_all(&mask);
    CU_ASSERT(all.panes == 0 && all.dark == 0);
    cgv_bitmap_free(&mask);

    picture = even(W, H, wall);
    for (int k = 0; k < 5; k++) {
        paint(&picture, (cgv_box){20 + 50 * k, 20, 30, 60}, glass);  // doors of a barn
        paint(&picture, (cgv_box){20 + 50 * k, 110, 40, 3}, glass);  // dashes of a road
        paint(&picture, (cgv_box){20 + 50 * k, 130, 2, 100}, glass); // poles
    }
    mask = find(&picture);
    CU_ASSERT_EQUAL(count_all(&mask).panes, 0);
    cgv_bitmap_free(&mask);
}

// Shadows between leaves: as many, as dark and as large, in no order.
static void test_leaves(void) {
    cgv_rng rng;
    cgv_rng_seed(&rng, 7, 1);
    cgv_bitmap picture = even(W, H, sunlit);
    for (int k = 0; k < 400; k++) {
        int x = (int)cgv_rng_below(&rng, W - 12), y = (int)cgv_rng_below(&rng, H - 12);
        int w = 2 + (int)cgv_rng_below(&rng, 8), h = 2 + (int)cgv_rng_below(&rng, 8);
        paint(&picture, (cgv_box){x, y, w, h}, leaf);
    }
    cgv_bitmap mask = find(&picture);
    counts all = count_all(&mask);
    CU_ASSERT(all.dark > 3000);
    CU_ASSERT(all.panes * 10 < all.dark);
    cgv_bitmap_free(&mask);
}

// A large picture is looked at smaller; masks of any size are right.
static void test_sizes(void) {
    cgv_bitmap picture = even(5 * W, 5 * H, wall);
    for (int k = 0; k < 15; k++)
        paint(&picture, pane(k, 5, 5), glass);
    cgv_bitmap mask = find(&picture);
    CU_ASSERT(mask.width == 533 && mask.height == 400);
    for (int k = 0; k < 15; k++) { // at a third of the size: the middle of each
        cgv_box box = pane(k, 5, 5);
        CU_ASSERT(count(&mask, (cgv_box){box.x / 3 + 2, box.y / 3 + 2, 8, 18}).panes == 8 * 18);
    }
    cgv_bitmap_free(&mask);
    picture = even(10000, 400, wall);
    mask = find(&picture);
    CU_ASSERT(mask.width == 4000 && mask.height == 160);
    cgv_bitmap_free(&mask);
    const int sizes[][2] = {{1, 1}, {1, 7}, {9, 1}, {2, 2}, {3, 500}, {401, 402}, {3000, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        picture = even(sizes[i][0], sizes[i][1], wall);
        paint(&picture, (cgv_box){0, 0, 1, 1}, glass);
        mask = find(&picture);
        CU_ASSERT_EQUAL(count_all(&mask).panes, 0);
        cgv_bitmap_free(&mask);
    }
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"a facade", test_facade},
        {"joined", test_joined},
        {"shapes", test_shapes},
        {"other things", test_others},
        {"leaves", test_leaves},
        {"sizes", test_sizes},
        {0},
    };
    return cgv_test_run("panes", cases);
}
