// Descriptions of pictures: which layouts are taken, and the sizes of planes.
#include "pictures.h"
#include "support.h"

static void test_supported(void) {
    for (const named_layout *l = test_layouts; l->name; l++)
        CU_ASSERT(cgv_layout_supported(&l->layout));
}

// Each differs in one thing from a layout that is taken.
static void test_refused(void) {
    cgv_layout l = test_layout("yuv420p");
    l.components = 0;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("yuv420p");
    l.components = 5;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("yuv420p");
    l.planes = 2; // the third component lies in none
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("yuv420p");
    l.planes = 4; // nothing lies in the last
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l.planes = 5;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("gray");
    l.planes = 0;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("yuv420p");
    l.log2_chroma_w = 2;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("yuv420p");
    l.log2_chroma_h = 2;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("gray");
    l.component[0].depth = 7;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("gray10le");
    l.component[0].shift = 7; // past the word
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("yuv420p");
    l.component[2].depth = 10; // of two depths
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("p010le");
    l.component[1].shift = 0;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("p010le");
    l.component[2].offset = 1; // between words
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("p010le");
    l.component[0].step = 3;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("gray10le");
    l.component[0].step = 0;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("gray");
    l.component[0].step = 9;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("rgb24");
    l.component[1].offset = 3; // past the step
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("rgb24");
    l.component[2].offset = 1; // upon another one
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    l = test_layout("rgb24");
    l.component[0].step = 4; // of two steps in a plane
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    // Packed 4:2:2 (yuyv422): luma and chroma of different widths in one plane.
    l = (cgv_layout){.component = {{0, 2, 0, 0, 8}, {0, 4, 1, 0, 8}, {0, 4, 3, 0, 8}},
                     .components = 3,
                     .planes = 1,
                     .log2_chroma_w = 1};
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
    for (int c = 0; c < 3; c++)
        l.component[c].step = 4;
    CU_ASSERT_FALSE(cgv_layout_supported(&l));
}

static void check_plane(const char *name, int width, int height, int plane, size_t row_bytes,
                        int rows) {
    cgv_picture_format format = {.width = width, .height = height, .layout = test_layout(name)};
    CU_ASSERT_EQUAL(cgv_picture_row_bytes(&format, plane), row_bytes);
    CU_ASSERT_EQUAL(cgv_picture_rows(&format, plane), rows);
}

static void test_sizes(void) {
    check_plane("yuv420p", 17, 19, 0, 17, 19);
    check_plane("yuv420p", 17, 19, 1, 9, 10);
    check_plane("yuv420p", 16, 18, 2, 8, 9);
    check_plane("yuv422p", 17, 19, 2, 9, 19);
    check_plane("yuv440p", 17, 19, 2, 17, 10);
    check_plane("yuv444p", 17, 19, 2, 17, 19);
    check_plane("nv12", 17, 19, 1, 18, 10);
    check_plane("p010le", 17, 19, 0, 34, 19);
    check_plane("p010le", 17, 19, 1, 36, 10);
    check_plane("yuva420p", 17, 19, 3, 17, 19);
    check_plane("rgb24", 17, 19, 0, 51, 19);
    check_plane("bgr0", 17, 19, 0, 68, 19);
    check_plane("gray10le", 17, 19, 0, 34, 19);
    check_plane("yuv420p", 17, 19, 3, 0, 0); // no such plane

    cgv_picture_format rgb24 = cgv_picture_format_rgb24(17, 19);
    cgv_layout expected = test_layout("rgb24");
    CU_ASSERT_EQUAL(rgb24.width, 17);
    CU_ASSERT_EQUAL(rgb24.height, 19);
    CU_ASSERT(rgb24.colour.full_range && rgb24.layout.rgb);
    CU_ASSERT_EQUAL(rgb24.layout.components, 3);
    CU_ASSERT_EQUAL(rgb24.layout.planes, 1);
    for (int c = 0; c < 3; c++) {
        CU_ASSERT_EQUAL(rgb24.layout.component[c].offset, expected.component[c].offset);
        CU_ASSERT_EQUAL(rgb24.layout.component[c].step, expected.component[c].step);
    }
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"layouts taken", test_supported},
        {"layouts refused", test_refused},
        {"sizes", test_sizes},
        {0},
    };
    return cgv_test_run("picture", cases);
}
