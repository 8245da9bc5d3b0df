// Pictures through the filter: what a network that does nothing returns, and absolute colours
// against the definitions of the standards.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "pictures.h"
#include "support.h"

#define SEED 1703u

static cgv_model *identity;
static cgv_rng rng;

static void begin(uint64_t stream) {
    cgv_rng_seed(&rng, SEED, stream);
    if (!identity)
        CU_ASSERT_EQUAL_FATAL(cgv_model_load(&identity, "identity"), CGV_OK);
}

static bool translate(test_picture *out, const test_picture *in) {
    return picture_translate(out, in, cgv_test_device(), identity, 1) == CGV_OK;
}

// ---- round trips ----

// Random codes in, legal and illegal ones, through the identity network.
static bool round_trip(const cgv_picture_format *format, picture_rows in_rows,
                       picture_rows out_rows) {
    test_picture in = picture_create(format, in_rows), out = picture_create(format, out_rows);
    picture_randomise(&in, &rng);
    bool right = translate(&out, &in);
    picture_difference difference = picture_compare(&out, &in);
    right &= difference.largest <= 1 && difference.mean < 0.01;
    right &= picture_guards_intact(&in) && picture_guards_intact(&out);
    if (!right)
        printf("FAILED: %dx%d, kr %g, %s range, siting %g %g: differs by up to %d codes, mean "
               "%.3f\n",
               format->width, format->height, format->colour.kr,
               format->colour.full_range ? "full" : "limited", format->colour.chroma_x,
               format->colour.chroma_y, difference.largest, difference.mean);
    picture_destroy(&in);
    picture_destroy(&out);
    return right;
}

static const int sizes[][2] = {{16, 16}, {17, 19}, {64, 48}, {18, 33}, {641, 359}};
#define SIZES (int)(sizeof sizes / sizeof *sizes)

// Every siting where there is one to choose, every matrix and range; of a large picture each siting
// with one of them.
static int round_trips(const char *layout, int width, int height) {
    int failures = 0;
    cgv_layout l = test_layout(layout);
    for (int s = 0; s < (layout_subsampled(&l) ? TEST_SITINGS : 1); s++)
        for (int m = 0; m < (l.rgb ? 1 : TEST_MATRICES); m++)
            for (int full = 0; full < 2; full++) {
                if (width > 100 && (m + 3 * full) % TEST_SITINGS != s)
                    continue;
                cgv_picture_format format =
                    picture_format_of(layout, width, height, m, full, &test_sitings[s]);
                failures += !round_trip(&format, PICTURE_TIGHT, PICTURE_TIGHT);
            }
    if (failures)
        printf("FAILED: %d times %s\n", failures, layout);
    return failures;
}

static void test_round_trip(void) {
    begin(1);
    for (const named_layout *l = test_layouts; l->name; l++)
        for (int s = 0; s < SIZES; s++)
            CU_ASSERT_EQUAL(round_trips(l->name, sizes[s][0], sizes[s][1]), 0);
}

static void test_rows(void) {
    static const char *const layouts[] = {"yuv420p", "nv12", "rgb24", "gbrp", "p010le", "bgr0"};
    begin(2);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        for (int in = PICTURE_TIGHT; in <= PICTURE_UPSIDE_DOWN; in++)
            for (int out = PICTURE_TIGHT; out <= PICTURE_UPSIDE_DOWN; out++) {
                cgv_picture_format format =
                    picture_format_of(layouts[i], 37, 21, 1, false, &test_sitings[0]);
                CU_ASSERT(round_trip(&format, in, out));
            }
}

// The alpha of the input is not read, that of the output is opaque; unused bytes become zero.
static void test_alpha(void) {
    static const char *const layouts[] = {"yuva420p", "ya8", "rgba", "rgba64le"};
    begin(3);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        cgv_picture_format format =
            picture_format_of(layouts[i], 17, 16, 0, false, &test_sitings[0]);
        test_picture in = picture_create(&format, PICTURE_TIGHT);
        test_picture out = picture_create(&format, PICTURE_PADDED);
        picture_randomise(&in, &rng);
        CU_ASSERT(translate(&out, &in));
        int alpha = format.layout.components - 1,
            opaque = (1 << format.layout.component[0].depth) - 1;
        for (int y = 0; y < format.height; y++)
            for (int x = 0; x < format.width; x++)
                CU_ASSERT_EQUAL(picture_code(&out, alpha, x, y), opaque);
        picture_destroy(&in);
        picture_destroy(&out);
    }
}

// ---- absolute colours ----

// As printed in ITU-R BT.601-7, BT.709-6 and BT.2020-2: not derived from kr and kb as the shaders
// do it.
typedef struct standard {
    double y[3];             // of R, G, B
    double cb, cr;           // B - Y and R - Y are divided by these
    double g_of_cb, g_of_cr; // G = Y - these times Cb and Cr
} standard;
static const standard standards[TEST_MATRICES] = {
    {{.299, .587, .114}, 1.772, 1.402, .344136, .714136},
    {{.2126, .7152, .0722}, 1.8556, 1.5748, .187324, .468124},
    {{.2627, .6780, .0593}, 1.8814, 1.4746, .164553, .571353},
};

// 8-bit codes that are not rounded, from R, G, B in [0, 1].
static void encode(double yuv[3], const double rgb[3], int matrix, bool full_range) {
    const standard *s = &standards[matrix];
    double y = s->y[0] * rgb[0] + s->y[1] * rgb[1] + s->y[2] * rgb[2];
    double cb = (rgb[2] - y) / s->cb, cr = (rgb[0] - y) / s->cr;
    yuv[0] = full_range ? 255 * y : 16 + 219 * y;
    yuv[1] = 128 + (full_range ? 255 : 224) * cb;
    yuv[2] = 128 + (full_range ? 255 : 224) * cr;
}

static void decode(double rgb[3], const double yuv[3], int matrix, bool full_range) {
    const standard *s = &standards[matrix];
    double y = full_range ? yuv[0] / 255 : (yuv[0] - 16) / 219;
    double cb = (yuv[1] - 128) / (full_range ? 255 : 224);
    double cr = (yuv[2] - 128) / (full_range ? 255 : 224);
    rgb[0] = y + s->cr * cr;
    rgb[1] = y - s->g_of_cb * cb - s->g_of_cr * cr;
    rgb[2] = y + s->cb * cb;
}

// How far a code is from the exact value that it should be the nearest to, clipped to codes.
static double off(int code, double exact) {
    return fabs(code - fmin(fmax(exact, 0), 255));
}
#define NEAREST 0.53 // half a code, and the last printed digit of the standards

// Columns are saturated, dark, bright and random colours; rows are equal.
static test_picture colours_rgb24(int width, int height) {
    cgv_picture_format format = cgv_picture_format_rgb24(width, height);
    test_picture picture = picture_create(&format, PICTURE_TIGHT);
    for (int x = 0; x < width; x++) {
        int rgb[3];
        for (int c = 0; c < 3; c++)
            rgb[c] = x < 8    ? 255 * (x >> c & 1)
                     : x < 16 ? 16 + 175 * (x >> c & 1)
                              : (int)cgv_rng_below(&rng, 256);
        for (int y = 0; y < height; y++)
            for (int c = 0; c < 3; c++)
                picture_set(&picture, c, x, y, rgb[c]);
    }
    return picture;
}

// The largest distance of YCbCr 4:4:4 codes from what `matrix` and `full` make of rgb.
static double encoding_error(const test_picture *yuv, const test_picture *rgb, int matrix,
                             bool full) {
    double worst = 0;
    for (int y = 0; y < rgb->format.height; y++)
        for (int x = 0; x < rgb->format.width; x++) {
            double exact[3], from[3];
            for (int c = 0; c < 3; c++)
                from[c] = picture_code(rgb, c, x, y) / 255.0;
            encode(exact, from, matrix, full);
            for (int c = 0; c < 3; c++)
                worst = fmax(worst, off(picture_code(yuv, c, x, y), exact[c]));
        }
    return worst;
}

// The right reference is met, and every other one is missed by far.
static void test_encoding(void) {
    begin(4);
    test_picture rgb = colours_rgb24(200, 16);
    for (int m = 0; m < TEST_MATRICES; m++)
        for (int full = 0; full < 2; full++) {
            cgv_picture_format format =
                picture_format_of("yuv444p", 200, 16, m, full, &test_sitings[0]);
            test_picture yuv = picture_create(&format, PICTURE_TIGHT);
            CU_ASSERT(translate(&yuv, &rgb));
            for (int m2 = 0; m2 < TEST_MATRICES; m2++)
                for (int full2 = 0; full2 < 2; full2++) {
                    double error = encoding_error(&yuv, &rgb, m2, full2);
                    bool same = m == m2 && full == full2;
                    CU_ASSERT(same ? error <= NEAREST : error > 3);
                }
            picture_destroy(&yuv);
        }
    picture_destroy(&rgb);
}

// A component of a picture at luma position (x, y): linear between the samples around it, the
// outermost ones going on beyond the border.
static double interpolated(const test_picture *picture, int component, int x, int y) {
    const cgv_picture_format *f = &picture->format;
    int w = component_width(f, component), h = component_height(f, component);
    double u = w < f->width ? (x - (double)f->colour.chroma_x) / 2 : x;
    double v = h < f->height ? (y - (double)f->colour.chroma_y) / 2 : y;
    u = fmin(fmax(u, 0), w - 1);
    v = fmin(fmax(v, 0), h - 1);
    int x0 = (int)u, y0 = (int)v, x1 = x0 + 1 < w ? x0 + 1 : x0, y1 = y0 + 1 < h ? y0 + 1 : y0;
    double top = (1 - (u - x0)) * picture_code(picture, component, x0, y0) +
                 (u - x0) * picture_code(picture, component, x1, y0);
    double bottom = (1 - (u - x0)) * picture_code(picture, component, x0, y1) +
                    (u - x0) * picture_code(picture, component, x1, y1);
    return (1 - (v - y0)) * top + (v - y0) * bottom;
}

// The largest distance of an RGB picture from what the reference makes of `yuv` taken for `as`.
static double decoding_error(const test_picture *rgb, const test_picture *yuv, int matrix,
                             bool full, const test_siting *as) {
    test_picture taken = *yuv;
    taken.format.colour.chroma_x = as->x;
    taken.format.colour.chroma_y = as->y;
    double worst = 0;
    for (int y = 0; y < rgb->format.height; y++)
        for (int x = 0; x < rgb->format.width; x++) {
            double exact[3], from[3];
            from[0] = picture_code(yuv, 0, x, y);
            for (int c = 1; c < 3; c++)
                from[c] = interpolated(&taken, c, x, y);
            decode(exact, from, matrix, full);
            for (int c = 0; c < 3; c++)
                worst = fmax(worst, off(picture_code(rgb, c, x, y), 255 * exact[c]));
        }
    return worst;
}

static void check_decoding(const char *layout, int width, int height, int s) {
    for (int m = 0; m < TEST_MATRICES; m++)
        for (int full = 0; full < 2; full++) {
            cgv_picture_format format =
                picture_format_of(layout, width, height, m, full, &test_sitings[s]);
            cgv_picture_format rgb24 = cgv_picture_format_rgb24(width, height);
            test_picture yuv = picture_create(&format, PICTURE_TIGHT);
            test_picture rgb = picture_create(&rgb24, PICTURE_TIGHT);
            picture_randomise(&yuv, &rng);
            CU_ASSERT(translate(&rgb, &yuv));
            for (int m2 = 0; m2 < TEST_MATRICES; m2++)
                for (int full2 = 0; full2 < 2; full2++) {
                    double error = decoding_error(&rgb, &yuv, m2, full2, &test_sitings[s]);
                    bool same = m == m2 && full == full2;
                    CU_ASSERT(same ? error <= NEAREST : error > 3);
                }
            for (int s2 = 0; s2 < TEST_SITINGS && layout_subsampled(&format.layout); s2++)
                if (s2 != s)
                    CU_ASSERT(decoding_error(&rgb, &yuv, m, full, &test_sitings[s2]) > 3);
            picture_destroy(&yuv);
            picture_destroy(&rgb);
        }
}

static void test_decoding(void) {
    begin(5);
    check_decoding("yuv444p", 64, 48, 0);
    for (int s = 0; s < TEST_SITINGS; s++) {
        check_decoding("yuv420p", 64, 48, s);
        check_decoding("nv12", 17, 19, s);
    }
}

// Colour bars, as tables in textbooks have them: codes of Y, Cb, Cr.
typedef struct bar {
    int rgb[3], yuv[3];
} bar;

static void check_bars(const bar *bars, int count, int matrix, bool full) {
    cgv_picture_format format =
        picture_format_of("yuv444p", 16, 16, matrix, full, &test_sitings[0]);
    cgv_picture_format rgb24 = cgv_picture_format_rgb24(16, 16);
    test_picture yuv = picture_create(&format, PICTURE_TIGHT);
    test_picture rgb = picture_create(&rgb24, PICTURE_TIGHT);
    for (int i = 0; i < 256; i++)
        for (int c = 0; c < 3; c++)
            picture_set(&rgb, c, i % 16, i / 16, bars[i % 16 % count].rgb[c]);
    CU_ASSERT(translate(&yuv, &rgb));
    for (int i = 0; i < 256; i++)
        for (int c = 0; c < 3; c++)
            CU_ASSERT(abs(picture_code(&yuv, c, i % 16, i / 16) - bars[i % 16 % count].yuv[c]) <=
                      1);

    CU_ASSERT(translate(&rgb, &yuv));
    for (int i = 0; i < 256; i++)
        for (int c = 0; c < 3; c++) // a code of chroma is up to two of a colour
            CU_ASSERT(abs(picture_code(&rgb, c, i % 16, i / 16) - bars[i % 16 % count].rgb[c]) <=
                      2);
    picture_destroy(&yuv);
    picture_destroy(&rgb);
}

static void test_bars(void) {
    static const bar bt601[] = {
        {{255, 255, 255}, {235, 128, 128}}, {{255, 255, 0}, {210, 16, 146}},
        {{0, 255, 255}, {170, 166, 16}},    {{0, 255, 0}, {145, 54, 34}},
        {{255, 0, 255}, {106, 202, 222}},   {{255, 0, 0}, {81, 90, 240}},
        {{0, 0, 255}, {41, 240, 110}},      {{0, 0, 0}, {16, 128, 128}},
        {{191, 191, 191}, {180, 128, 128}}, {{191, 191, 0}, {162, 44, 142}},
        {{0, 191, 191}, {131, 156, 44}},    {{0, 191, 0}, {112, 72, 58}},
        {{191, 0, 191}, {84, 184, 198}},    {{191, 0, 0}, {65, 100, 212}},
        {{0, 0, 191}, {35, 212, 114}},
    };
    static const bar bt709[] = {
        {{255, 255, 255}, {235, 128, 128}}, {{255, 255, 0}, {219, 16, 138}},
        {{0, 255, 255}, {188, 154, 16}},    {{0, 255, 0}, {173, 42, 26}},
        {{255, 0, 255}, {78, 214, 230}},    {{255, 0, 0}, {63, 102, 240}},
        {{0, 0, 255}, {32, 240, 118}},      {{0, 0, 0}, {16, 128, 128}},
    };
    static const bar jpeg[] = {
        {{255, 255, 255}, {255, 128, 128}}, {{255, 0, 0}, {76, 85, 255}},
        {{0, 255, 0}, {150, 44, 21}},       {{0, 0, 255}, {29, 255, 107}},
        {{0, 0, 0}, {0, 128, 128}},
    };
    begin(6);
    check_bars(bt601, sizeof bt601 / sizeof *bt601, 0, false);
    check_bars(bt709, sizeof bt709 / sizeof *bt709, 1, false);
    check_bars(jpeg, sizeof jpeg / sizeof *jpeg, 0, true);
}

// R = G = B exactly where the chroma is neutral, and neutral chroma exactly where R = G = B.
static void test_greys(void) {
    begin(7);
    for (int m = 0; m < TEST_MATRICES; m++)
        for (int full = 0; full < 2; full++) {
            cgv_picture_format format =
                picture_format_of("yuv444p", 16, 16, m, full, &test_sitings[0]);
            cgv_picture_format rgb24 = cgv_picture_format_rgb24(16, 16);
            test_picture yuv = picture_create(&format, PICTURE_TIGHT);
            test_picture rgb = picture_create(&rgb24, PICTURE_TIGHT);
            for (int i = 0; i < 256; i++)
                for (int c = 0; c < 3; c++)
                    picture_set(&yuv, c, i % 16, i / 16, c ? 128 : i);
            CU_ASSERT(translate(&rgb, &yuv));
            for (int i = 0; i < 256; i++) {
                double grey = full ? i : (i - 16) * 255 / 219.0;
                for (int c = 0; c < 3; c++) {
                    CU_ASSERT(off(picture_code(&rgb, c, i % 16, i / 16), grey) <= NEAREST);
                    picture_set(&rgb, c, i % 16, i / 16, i);
                }
            }
            CU_ASSERT(translate(&yuv, &rgb));
            for (int i = 0; i < 256; i++) {
                CU_ASSERT(off(picture_code(&yuv, 0, i % 16, i / 16),
                              full ? i : 16 + i * 219 / 255.0) <= NEAREST);
                CU_ASSERT_EQUAL(picture_code(&yuv, 1, i % 16, i / 16), 128);
                CU_ASSERT_EQUAL(picture_code(&yuv, 2, i % 16, i / 16), 128);
            }
            picture_destroy(&yuv);
            picture_destroy(&rgb);
        }
}

// A picture that is linear in x and y has, wherever its chroma is sited, the chroma of that place.
static void check_subsampling(const char *layout, int s) {
    enum { WIDTH = 41, HEIGHT = 37 };
    cgv_picture_format format = picture_format_of(layout, WIDTH, HEIGHT, 1, true, &test_sitings[s]);
    cgv_picture_format rgb24 = cgv_picture_format_rgb24(WIDTH, HEIGHT);
    test_picture yuv = picture_create(&format, PICTURE_TIGHT);
    test_picture rgb = picture_create(&rgb24, PICTURE_TIGHT);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            picture_set(&rgb, 0, x, y, 6 * x);
            picture_set(&rgb, 1, x, y, 128);
            picture_set(&rgb, 2, x, y, 6 * y);
        }
    CU_ASSERT(translate(&yuv, &rgb));
    int w = component_width(&format, 1), h = component_height(&format, 1), wrong = 0;
    for (int y = 2; y < h - 2; y++)
        for (int x = 2; x < w - 2; x++) {
            double at_x = w < WIDTH ? 2 * x + test_sitings[s].x : x;
            double at_y = h < HEIGHT ? 2 * y + test_sitings[s].y : y;
            double exact[3], from[3] = {6 * at_x / 255, 128 / 255.0, 6 * at_y / 255};
            encode(exact, from, 1, true);
            wrong += off(picture_code(&yuv, 1, x, y), exact[1]) > NEAREST;
            wrong += off(picture_code(&yuv, 2, x, y), exact[2]) > NEAREST;
        }
    CU_ASSERT_EQUAL(wrong, 0);
    picture_destroy(&yuv);
    picture_destroy(&rgb);
}

static void test_subsampling(void) {
    begin(8);
    for (int s = 0; s < TEST_SITINGS; s++) {
        check_subsampling("yuv420p", s);
        check_subsampling("yuv422p", s);
        check_subsampling("yuv440p", s);
    }
}

// ---- strength ----

// A network whose output is (G, B, R).
static cgv_model *rotating_model(void) {
    cgv_net *net;
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "rotation", 3), CGV_OK);
    cgv_net_conv(net, 0, "rotate", &(cgv_conv_desc){.channels = 3, .kernel = 1, .no_bias = true});
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "test"), CGV_OK);
    for (int c = 0; c < 3; c++)
        model->params[c * 3 + (c + 1) % 3] = 1;
    return model;
}

static void check_strength(const cgv_model *model, float strength) {
    cgv_picture_format format = cgv_picture_format_rgb24(33, 18);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    test_picture out = picture_create(&format, PICTURE_TIGHT);
    picture_randomise(&in, &rng);
    CU_ASSERT_EQUAL(picture_translate(&out, &in, cgv_test_device(), model, strength), CGV_OK);
    int wrong = 0;
    for (int y = 0; y < format.height; y++)
        for (int x = 0; x < format.width; x++)
            for (int c = 0; c < 3; c++) {
                double before = picture_code(&in, c, x, y);
                double after = picture_code(&in, (c + 1) % 3, x, y);
                double exact = before + (double)strength * (after - before);
                wrong += off(picture_code(&out, c, x, y), exact) > 0.501;
            }
    CU_ASSERT_EQUAL(wrong, 0);
    picture_destroy(&in);
    picture_destroy(&out);
}

static void test_strength(void) {
    begin(9);
    cgv_model *model = rotating_model();
    check_strength(model, 0);
    check_strength(model, 0.25f);
    check_strength(model, 0.5f);
    check_strength(model, 1);
    cgv_model_destroy(&model);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"round trip of every layout", test_round_trip},
        {"padded and negative strides", test_rows},
        {"alpha", test_alpha},
        {"RGB to YCbCr", test_encoding},
        {"YCbCr to RGB", test_decoding},
        {"colour bars", test_bars},
        {"greys", test_greys},
        {"subsampling", test_subsampling},
        {"strength", test_strength},
        {0},
    };
    int failed = cgv_test_run("pixel", cases);
    cgv_model_destroy(&identity);
    return failed;
}
