// Where a picture by day shows the sky. No GPU.
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "train/sky.h"

enum { W = 140, H = 105 };
enum { GROUND = 0, UNKNOWN = 128, SKY = 255 };

typedef struct colour {
    uint8_t r, g, b;
} colour;

static const colour blue = {90, 150, 220}, white = {250, 250, 250}, grey = {185, 187, 190},
                    grass = {70, 110, 40}, wall = {225, 180, 120}, water = {60, 190, 180};

static cgv_bitmap even(colour c) {
    cgv_bitmap picture;
    CU_ASSERT_EQUAL_FATAL(cgv_bitmap_create(&picture, W, H), CGV_OK);
    for (size_t i = 0; i < W * H; i++)
        memcpy(picture.rgb + 3 * i, &c, 3);
    return picture;
}

static void paint(cgv_bitmap *picture, cgv_box box, colour c) {
    for (int y = box.y; y < box.y + box.height; y++)
        for (int x = box.x; x < box.x + box.width; x++)
            memcpy(picture->rgb + (ptrdiff_t)3 * (y * W + x), &c, 3);
}

// A sky of this colour over grass, from row 60 on.
static cgv_bitmap landscape(colour sky) {
    cgv_bitmap picture = even(sky);
    paint(&picture, (cgv_box){0, 60, W, H - 60}, grass);
    return picture;
}

static cgv_bitmap find(cgv_bitmap *picture) {
    cgv_bitmap mask;
    CU_ASSERT_EQUAL_FATAL(cgv_sky_find(&mask, picture), CGV_OK);
    CU_ASSERT(mask.width == W && mask.height == H);
    cgv_bitmap_free(picture);
    return mask;
}

// Whether the mask has this value all over a box.
static bool is(const cgv_bitmap *mask, cgv_box box, int value) {
    for (int y = box.y; y < box.y + box.height; y++)
        for (int x = box.x; x < box.x + box.width; x++)
            for (int c = 0; c < 3; c++)
                if (mask->rgb[3 * (y * W + x) + c] != value)
                    return false;
    return true;
}

static const cgv_box whole = {0, 0, W, H}, upper = {0, 0, W, 60}, lower = {0, 60, W, H - 60};

static void test_skies(void) {
    const colour skies[] = {blue, white, grey};
    for (size_t i = 0; i < 3; i++) {
        cgv_bitmap picture = landscape(skies[i]), mask = find(&picture);
        CU_ASSERT(is(&mask, upper, SKY) && is(&mask, lower, GROUND));
        cgv_bitmap_free(&mask);
    }
    const colour others[] = {grass, wall, water};
    for (size_t i = 0; i < 3; i++) {
        cgv_bitmap picture = landscape(others[i]), mask = find(&picture);
        CU_ASSERT(is(&mask, whole, GROUND));
        cgv_bitmap_free(&mask);
    }
}

// A frame's first rows are often dark.
static void test_frame(void) {
    for (int rows = 1; rows <= 3; rows++) {
        cgv_bitmap picture = landscape(white);
        paint(&picture, (cgv_box){0, 0, W, rows}, (colour){0, 0, 0});
        cgv_bitmap mask = find(&picture);
        CU_ASSERT(is(&mask, (cgv_box){0, rows, W, 60 - rows}, SKY) && is(&mask, lower, GROUND));
        CU_ASSERT(is(&mask, (cgv_box){0, 0, W, rows}, GROUND));
        cgv_bitmap_free(&mask);
    }
}

// What has the colours of a sky and cannot be one: a white dress below the horizon, and all of a
// picture whose upper border shows none.
static void test_clothes(void) {
    const cgv_box dress = {60, 70, 20, 30};
    cgv_bitmap picture = landscape(blue);
    paint(&picture, dress, white);
    cgv_bitmap mask = find(&picture);
    CU_ASSERT(is(&mask, dress, GROUND) && is(&mask, upper, SKY));
    cgv_bitmap_free(&mask);
    picture = even(grass);
    paint(&picture, (cgv_box){30, 20, 60, 60}, white);
    mask = find(&picture);
    CU_ASSERT(is(&mask, whole, GROUND));
    cgv_bitmap_free(&mask);
    picture = even(grass); // a gap in the leaves is no sky yet
    paint(&picture, (cgv_box){30, 0, 16, 16}, white);
    mask = find(&picture);
    CU_ASSERT(is(&mask, whole, GROUND));
    cgv_bitmap_free(&mask);
}

// A tower before the sky, with a pale wall, wires, and a gap that the flood cannot get to.
static void test_town(void) {
    cgv_bitmap picture = landscape(white);
    const cgv_box tower = {40, 15, 25, 45}, gap = {46, 25, 12, 12};
    paint(&picture, tower, wall);
    paint(&picture, gap, white);
    paint(&picture, (cgv_box){0, 30, 40, 1}, (colour){30, 30, 30});  // a wire, from wall to border
    paint(&picture, (cgv_box){100, 0, 1, 60}, (colour){30, 30, 30}); // and one down
    cgv_bitmap mask = find(&picture);
    CU_ASSERT(is(&mask, (cgv_box){0, 0, 40, 29}, SKY) && is(&mask, (cgv_box){65, 0, 35, 60}, SKY));
    CU_ASSERT(is(&mask, (cgv_box){101, 0, 39, 60}, SKY));
    CU_ASSERT(is(&mask, gap, UNKNOWN)); // above the horizon: it may be one
    CU_ASSERT(is(&mask, (cgv_box){40, 15, 25, 10}, GROUND) && is(&mask, lower, GROUND));
    cgv_bitmap_free(&mask);
}

// Below a wire that spans the picture the flood does not get, for it has no way around.
static void test_wire(void) {
    cgv_bitmap picture = landscape(blue);
    paint(&picture, (cgv_box){0, 30, W, 1}, (colour){30, 30, 30});
    paint(&picture, (cgv_box){0, 50, W, 10}, grass);
    cgv_bitmap mask = find(&picture);
    CU_ASSERT(is(&mask, (cgv_box){0, 0, W, 29}, SKY));
    CU_ASSERT(!is(&mask, (cgv_box){0, 45, W, 5}, SKY));
    cgv_bitmap_free(&mask);
}

static void test_small(void) {
    const int sizes[][2] = {{1, 1}, {1, 7}, {9, 1}, {2, 2}, {3, 2}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cgv_bitmap picture, mask;
        CU_ASSERT_EQUAL_FATAL(cgv_bitmap_create(&picture, sizes[i][0], sizes[i][1]), CGV_OK);
        memset(picture.rgb, 255, cgv_bitmap_bytes(picture.width, picture.height));
        CU_ASSERT_EQUAL_FATAL(cgv_sky_find(&mask, &picture), CGV_OK);
        for (size_t k = 0; k < cgv_bitmap_bytes(mask.width, mask.height); k++)
            CU_ASSERT_EQUAL(mask.rgb[k], SKY);
        cgv_bitmap_free(&picture);
        cgv_bitmap_free(&mask);
    }
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"skies", test_skies},
        {"a dark line above", test_frame},
        {"clothes and leaves", test_clothes},
        {"a town", test_town},
        {"a wire across", test_wire},
        {"small", test_small},
        {0},
    };
    return cgv_test_run("sky", cases);
}
