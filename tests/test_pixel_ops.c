// The pixel operations in guarded memory: the extension of a picture, and the flag for NaN.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "guarded.h"
#include "ops/pixel.h"
#include "pictures.h"
#include "support.h"

#define SEED 1704u

static guarded memory;
static cgv_rng rng;

static void use_memory(uint64_t stream) {
    cgv_rng_seed(&rng, SEED, stream);
    guarded_destroy(&memory); // of a test that broke off
    CU_ASSERT_EQUAL_FATAL(guarded_create(&memory, cgv_test_device(), 1 << 20), CGV_OK);
}

// There and back without the edges repeated, as often as need be.
static int reflected(int i, int size) {
    while (i >= size) {
        i -= 2 * (size - 1);
        i = i < 0 ? -i : i;
    }
    return i;
}

// Beyond the picture of 17x19 the tensor is its reflection.
static void check_extension(int side) {
    enum { WIDTH = 17, HEIGHT = 19 };
    static uint8_t planes[HEIGHT * 64];
    for (size_t i = 0; i < sizeof planes; i++)
        planes[i] = (uint8_t)cgv_rng_u32(&rng);
    cgv_picture_format format = cgv_picture_format_rgb24(WIDTH, HEIGHT);
    guarded_begin(&memory);
    cgv_planes at = cgv_planes_layout(&format, 0);
    CU_ASSERT_EQUAL(at.stride[0], 64);
    CU_ASSERT_EQUAL_FATAL(at.bytes, sizeof planes);
    at = cgv_planes_layout(&format, guarded_add(&memory, GUARDED_INPUT, planes, at.bytes));
    cgv_tensor rgb = {.n = 1, .c = 3, .h = side, .w = side};
    rgb.address = guarded_add(&memory, GUARDED_OUTPUT, NULL, cgv_tensor_bytes(rgb));
    cgv_pixels_unpack(memory.cmd, rgb, &at, &format);
    CU_ASSERT_FATAL(guarded_run(&memory));
    const float *got = guarded_result(&memory, rgb.address);
    int wrong = 0;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                int from_x = reflected(x, WIDTH), from_y = reflected(y, HEIGHT);
                double exact = planes[from_y * 64 + from_x * 3 + c] / 127.5 - 1;
                wrong += !(fabs(got[(c * side + y) * side + x] - exact) < 1e-6);
            }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_extension(void) {
    use_memory(1);
    check_extension(20);
    check_extension(32);
    check_extension(128); // several times there and back
    guarded_destroy(&memory);
}

// Pack a tensor of which one value is `bad`; what becomes of a flag that was `before`.
static uint32_t flag_after(const char *layout, int width, bool blend, size_t at, float bad,
                           uint32_t before) {
    enum { HEIGHT = 19, SIDE = 20, COUNT = 3 * SIDE * SIDE };
    static float values[COUNT], originals[COUNT];
    for (int i = 0; i < COUNT; i++)
        values[i] = originals[i] = cgv_rng_normal(&rng);
    if (at < COUNT)
        values[at] = bad;
    cgv_picture_format format =
        picture_format_of(layout, width, HEIGHT, 0, false, &test_sitings[0]);
    guarded_begin(&memory);
    cgv_tensor rgb = {.n = 1, .c = 3, .h = SIDE, .w = SIDE}, original = rgb;
    rgb.address = guarded_add(&memory, GUARDED_INPUT, values, sizeof values);
    original.address = guarded_add(&memory, GUARDED_INPUT, originals, sizeof originals);
    uint64_t bytes = cgv_planes_layout(&format, 0).bytes;
    cgv_planes planes =
        cgv_planes_layout(&format, guarded_add(&memory, GUARDED_OUTPUT, NULL, bytes));
    uint64_t flag = guarded_add(&memory, GUARDED_OUTPUT, &before, sizeof before);
    uint64_t scratch =
        guarded_add(&memory, GUARDED_SCRATCH, NULL, cgv_pixels_pack_scratch(&format));
    cgv_pixels_pack(memory.cmd, &planes, &format, rgb, blend ? original : (cgv_tensor){0},
                    &(cgv_blend){.strength = 0.25f}, false, flag, scratch);
    CU_ASSERT_FATAL(guarded_run_nan(&memory));
    return *(const uint32_t *)(const void *)guarded_result(&memory, flag);
}

static void check_flag(int width) {
    static const char *const layouts[] = {"rgb24",  "yuv420p", "nv12",    "gbrp",    "gray",
                                          "p010le", "yuv444p", "yuv422p", "yuv440p", "yuv420p10le"};
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    // Corners, the middle, every channel; the tensor's rows have 20 columns, the picture 19 rows.
    const size_t w = (size_t)width;
    const size_t inside[] = {
        0, w - 1, 18 * 20, 18 * 20 + w - 1, 400 + 9 * 20 + 8, 800 + 17 * 20 + 15};
    const size_t outside[] = {w, 19 * 20, 399, 800 + 17 * 20 + w};
    for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++)
        for (int blend = 0; blend < 2; blend++) {
            CU_ASSERT_EQUAL(flag_after(layouts[l], width, blend, SIZE_MAX, 0, 0), 0);
            CU_ASSERT_EQUAL(flag_after(layouts[l], width, blend, SIZE_MAX, 0, 77), 77);
            CU_ASSERT_EQUAL(flag_after(layouts[l], width, blend, 5, 3e38f, 0), 0);
            for (size_t i = 0; i < 6; i++)
                CU_ASSERT_EQUAL(flag_after(layouts[l], width, blend, inside[i], bad[i % 4], 0), 1);
            for (size_t i = 0; i < 4; i++)
                CU_ASSERT_EQUAL(flag_after(layouts[l], width, blend, outside[i], bad[i], 0), 0);
        }
}

static void test_flag(void) {
    use_memory(2);
    check_flag(17);
    check_flag(18); // runs of pixels
    guarded_destroy(&memory);
}

// What the extension holds never reaches the picture.
static void check_outside(int width) {
    enum { HEIGHT = 19, SIDE = 20 };
    static float values[2][3][SIDE][SIDE];
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                values[0][c][y][x] = cgv_rng_normal(&rng);
                values[1][c][y][x] = x < width && y < HEIGHT ? values[0][c][y][x] : 0.5f;
            }
    for (int s = 0; s < TEST_SITINGS; s++) {
        cgv_picture_format format =
            picture_format_of("yuv420p", width, HEIGHT, 0, false, &test_sitings[s]);
        uint64_t bytes = cgv_planes_layout(&format, 0).bytes;
        guarded_begin(&memory);
        uint64_t flag = guarded_add(&memory, GUARDED_SCRATCH, NULL, sizeof(uint32_t)), at[2];
        for (int i = 0; i < 2; i++) {
            cgv_tensor rgb = {.n = 1, .c = 3, .h = SIDE, .w = SIDE};
            rgb.address = guarded_add(&memory, GUARDED_INPUT, values[i], sizeof values[i]);
            at[i] = guarded_add(&memory, GUARDED_OUTPUT, NULL, bytes);
            cgv_planes planes = cgv_planes_layout(&format, at[i]);
            uint64_t scratch =
                guarded_add(&memory, GUARDED_SCRATCH, NULL, cgv_pixels_pack_scratch(&format));
            cgv_pixels_pack(memory.cmd, &planes, &format, rgb, (cgv_tensor){0},
                            &(cgv_blend){.strength = 1}, false, flag, scratch);
        }
        CU_ASSERT_FATAL(guarded_run_nan(&memory));
        CU_ASSERT_EQUAL(
            memcmp(guarded_result(&memory, at[0]), guarded_result(&memory, at[1]), bytes), 0);
    }
}

static void test_outside(void) {
    use_memory(3);
    check_outside(17);
    check_outside(18);
    guarded_destroy(&memory);
}

static const char *const planar[] = {"yuv420p", "yuv422p",     "yuv440p",     "yuv444p",
                                     "gbrp",    "yuv420p10le", "yuv444p12le", "gray"};
#define PLANAR (int)(sizeof planar / sizeof *planar)

// Runs of pixels are read as pixels one by one are, which a tensor larger than the picture asks
// for.
static void test_unpack_runs(void) {
    enum { WIDTH = 18, HEIGHT = 19, SIDE = 20, BYTES = 1 << 13 };
    static uint8_t bytes[BYTES];
    use_memory(4);
    for (int l = 0; l < PLANAR; l++)
        for (int s = 0; s < TEST_SITINGS; s++) {
            cgv_picture_format format =
                picture_format_of(planar[l], WIDTH, HEIGHT, 0, false, &test_sitings[s]);
            for (int i = 0; i < BYTES; i++)
                bytes[i] = (uint8_t)cgv_rng_below(&rng, 4); // of 16 bits, too, in range
            guarded_begin(&memory);
            uint64_t size = cgv_planes_layout(&format, 0).bytes;
            CU_ASSERT_FATAL(size <= BYTES);
            cgv_planes at =
                cgv_planes_layout(&format, guarded_add(&memory, GUARDED_INPUT, bytes, size));
            cgv_tensor run = {.n = 1, .c = 3, .h = HEIGHT, .w = WIDTH};
            cgv_tensor single = {.n = 1, .c = 3, .h = SIDE, .w = SIDE};
            run.address = guarded_add(&memory, GUARDED_OUTPUT, NULL, cgv_tensor_bytes(run));
            single.address = guarded_add(&memory, GUARDED_OUTPUT, NULL, cgv_tensor_bytes(single));
            cgv_pixels_unpack(memory.cmd, run, &at, &format);
            cgv_pixels_unpack(memory.cmd, single, &at, &format);
            CU_ASSERT_FATAL(guarded_run(&memory));
            const float *a = guarded_result(&memory, run.address);
            const float *b = guarded_result(&memory, single.address);
            int wrong = 0;
            for (int row = 0; row < 3 * HEIGHT; row++)
                for (int x = 0; x < WIDTH; x++) {
                    int other = (row / HEIGHT * SIDE + row % HEIGHT) * SIDE + x;
                    wrong += !(fabsf(a[row * WIDTH + x] - b[other]) < 1e-6f);
                }
            CU_ASSERT_EQUAL(wrong, 0);
        }
    guarded_destroy(&memory);
}

// They are written likewise: a tensor of odd width asks for pixels one by one.
static void test_pack_runs(void) {
    enum { WIDTH = 18, HEIGHT = 19, ROOM = 3 * HEIGHT * 21 };
    static float values[2][ROOM];
    use_memory(5);
    for (int l = 0; l < PLANAR; l++)
        for (int s = 0; s < TEST_SITINGS; s++) {
            cgv_picture_format format =
                picture_format_of(planar[l], WIDTH, HEIGHT, 0, false, &test_sitings[s]);
            uint64_t size = cgv_planes_layout(&format, 0).bytes, at[2];
            for (int row = 0; row < 3 * HEIGHT; row++)
                for (int x = 0; x < 21; x++) {
                    values[1][row * 21 + x] = 0.5f * cgv_rng_normal(&rng);
                    if (x < 20)
                        values[0][row * 20 + x] = values[1][row * 21 + x];
                }
            guarded_begin(&memory);
            uint64_t flag = guarded_add(&memory, GUARDED_SCRATCH, NULL, sizeof(uint32_t));
            for (int k = 0; k < 2; k++) {
                cgv_tensor rgb = {.n = 1, .c = 3, .h = HEIGHT, .w = 20 + k};
                rgb.address = guarded_add(&memory, GUARDED_INPUT, values[k], cgv_tensor_bytes(rgb));
                at[k] = guarded_add(&memory, GUARDED_OUTPUT, NULL, size);
                cgv_planes planes = cgv_planes_layout(&format, at[k]);
                uint64_t scratch =
                    guarded_add(&memory, GUARDED_SCRATCH, NULL, cgv_pixels_pack_scratch(&format));
                cgv_pixels_pack(memory.cmd, &planes, &format, rgb, (cgv_tensor){0},
                                &(cgv_blend){.strength = 1}, s % 2, flag, scratch);
            }
            CU_ASSERT_FATAL(guarded_run_nan(&memory)); // the ends of rows are nobody's
            const cgv_planes planes = cgv_planes_layout(&format, 0);
            int wrong = 0;
            for (int p = 0; p < format.layout.planes; p++)
                for (int y = 0; y < cgv_picture_rows(&format, p); y++) {
                    uint64_t row = planes.address[p] + (uint64_t)y * planes.stride[p];
                    const uint8_t *a = (const uint8_t *)guarded_result(&memory, at[0]) + row;
                    const uint8_t *b = (const uint8_t *)guarded_result(&memory, at[1]) + row;
                    wrong += memcmp(a, b, cgv_picture_row_bytes(&format, p)) != 0;
                }
            CU_ASSERT_EQUAL(wrong, 0);
        }
    guarded_destroy(&memory);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"reflected extension", test_extension},      {"flag for NaN", test_flag},
        {"values outside the picture", test_outside}, {"runs of pixels read", test_unpack_runs},
        {"runs of pixels written", test_pack_runs},   {0},
    };
    return cgv_test_run("pixel ops", cases);
}
