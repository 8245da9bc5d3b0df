// Tone curves: what share of a translation they explain, and those fitted as baselines. PSNR,
// contact sheets, reading PNG files.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/curve.h"
#include "eval/psnr.h"
#include "eval/sheet.h"
#include "eval/tone.h"
#include "messages.h"
#include "scenes.h"
#include "support.h"
#include "train/png.h"

enum { W = 96, H = 80 };

static cgv_bitmap draw(int seed) {
    test_scene scene = test_scene_of(W, H, seed);
    return test_scene_draw(&scene);
}

static cgv_bitmap through(const cgv_bitmap *in, const cgv_curves *curves) {
    cgv_bitmap out;
    CU_ASSERT_EQUAL_FATAL(cgv_curves_apply(&out, in, curves), CGV_OK);
    return out;
}

static void test_share(void) {
    cgv_bitmap in = draw(1), other = draw(2);
    cgv_curves dark = cgv_curves_gamma(2.2), odd = dark;
    cgv_bitmap darker = through(&in, &dark);
    CU_ASSERT_DOUBLE_EQUAL(cgv_tone_share(&in, &in), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(cgv_tone_share(&in, &darker), 1, 1e-12);
    // Any curve, not only rising ones.
    for (int c = 0; c < 3; c++)
        for (int code = 0; code < 256; code++)
            odd.code[c][code] = (uint8_t)(code * (37 + 2 * c));
    cgv_bitmap scrambled = through(&in, &odd);
    CU_ASSERT_DOUBLE_EQUAL(cgv_tone_share(&in, &scrambled), 1, 1e-12);
    // A lamp that lights the left and leaves the right dark; another picture.
    for (int i = 0; i < W * H; i++)
        for (int c = 0; c < 3; c++)
            darker.rgb[3 * i + c] = (uint8_t)(in.rgb[3 * i + c] * (W - i % W) / W);
    double lit = cgv_tone_share(&in, &darker), unlike = cgv_tone_share(&in, &other);
    CU_ASSERT(lit > 0.1 && lit < 0.8);
    CU_ASSERT(unlike > 0 && unlike < 0.15);
    // One colour: nothing is left to explain.
    memset(darker.rgb, 9, cgv_bitmap_bytes(W, H));
    CU_ASSERT_EQUAL(cgv_tone_share(&in, &darker), 1);
    // By hand, one channel: inputs 0 0 1 1, outputs 0 4 6 6; means 2 and 6 about 4.
    cgv_bitmap a, b;
    CU_ASSERT_EQUAL_FATAL(cgv_bitmap_create(&a, 4, 1), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_bitmap_create(&b, 4, 1), CGV_OK);
    memset(a.rgb, 0, 12);
    memset(b.rgb, 0, 12);
    a.rgb[6] = a.rgb[9] = 1;
    b.rgb[3] = 4, b.rgb[6] = b.rgb[9] = 6;
    CU_ASSERT_DOUBLE_EQUAL(cgv_tone_share(&a, &b), 16.0 / 24, 1e-12);
    cgv_bitmap *all[] = {&in, &other, &darker, &scrambled, &a, &b};
    for (int i = 0; i < 6; i++)
        cgv_bitmap_free(all[i]);
}

static void test_baselines(void) {
    cgv_histogram day = {0}, night = {0}, fitted = {0}, matched = {0};
    cgv_bitmap in = draw(1), like = draw(2);
    cgv_curves curves = cgv_curves_gamma(2.7);
    cgv_bitmap dark = through(&like, &curves);
    cgv_histogram_add(&day, &in);
    cgv_histogram_add(&night, &dark);
    // Gamma: the mean luma agrees, and a gamma is found again.
    double gamma = cgv_gamma_between(&day, &night);
    curves = cgv_curves_gamma(gamma);
    cgv_bitmap out = through(&in, &curves);
    cgv_histogram_add(&fitted, &out);
    CU_ASSERT_DOUBLE_EQUAL(cgv_histogram_luma(&fitted), cgv_histogram_luma(&night), 0.5);
    CU_ASSERT(gamma > 2.2 && gamma < 3.2);
    CU_ASSERT_DOUBLE_EQUAL(cgv_gamma_between(&day, &day), 1, 0.01);
    // Matching: equal histograms leave all as it is; a curve is undone where codes are used.
    curves = cgv_curves_matching(&day, &day);
    for (int code = 0; code < 256; code++)
        CU_ASSERT(!day.count[1][code] || curves.code[1][code] == code);
    cgv_bitmap_free(&out);
    curves = cgv_curves_matching(&day, &night);
    out = through(&in, &curves);
    cgv_histogram_add(&matched, &out);
    double below_matched = 0, below_night = 0, apart = 0, largest = 0;
    for (int code = 0; code < 256; code++) {
        below_matched += (double)matched.count[0][code];
        below_night += (double)night.count[0][code];
        largest = fmax(largest, (double)day.count[0][code]);
        apart = fmax(apart, fabs(below_matched - below_night));
        CU_ASSERT(!code || curves.code[0][code] >= curves.code[0][code - 1]);
    }
    double most = 0; // what cannot be split: the pixels of one code
    for (int code = 0; code < 256; code++)
        most = fmax(most, (double)night.count[0][code]);
    CU_ASSERT(apart <= fmax(largest, most));
    // Three pixels by hand, one of another number than the side it is matched to.
    cgv_histogram three = {0}, six = {0};
    for (int c = 0; c < 3; c++) {
        three.count[c][10] = 2, three.count[c][20] = 1;
        six.count[c][100] = 3, six.count[c][101] = 1, six.count[c][200] = 2;
    }
    curves = cgv_curves_matching(&three, &six);
    CU_ASSERT_EQUAL(curves.code[2][10], 100);
    CU_ASSERT_EQUAL(curves.code[2][20], 200);
    cgv_bitmap_free(&in);
    cgv_bitmap_free(&like);
    cgv_bitmap_free(&dark);
    cgv_bitmap_free(&out);
}

static void test_psnr(void) {
    cgv_bitmap a = draw(1), b = draw(1);
    CU_ASSERT_EQUAL(cgv_psnr(&a, &b), CGV_PSNR_EQUAL);
    for (size_t i = 0; i < cgv_bitmap_bytes(W, H); i++)
        b.rgb[i] = (uint8_t)(a.rgb[i] < 128 ? a.rgb[i] + 10 : a.rgb[i] - 10);
    CU_ASSERT_DOUBLE_EQUAL(cgv_psnr(&a, &b), 20 * log10(25.5), 1e-9);
    cgv_bitmap_free(&a);
    cgv_bitmap_free(&b);
}

static void test_sheet(void) {
    cgv_bitmap cells[6] = {draw(1), draw(2), {0}, draw(4), draw(5), draw(6)}, sheet;
    CU_ASSERT_EQUAL_FATAL(cgv_sheet_create(&sheet, cells, 2, 3, W, H), CGV_OK);
    CU_ASSERT_EQUAL(sheet.width, 3 * W + 4);
    CU_ASSERT_EQUAL(sheet.height, 2 * H + 2);
    for (int i = 0; i < 6; i++) {
        // Its last pixel, and the line below or beside it where there is one.
        int x = i % 3 * (W + 2) + W - 1, y = i / 3 * (H + 2) + H - 1;
        const uint8_t *p = sheet.rgb + 3 * (y * sheet.width + x);
        if (cells[i].rgb)
            CU_ASSERT(!memcmp(p, cells[i].rgb + cgv_bitmap_bytes(W, H) - 3, 3))
        else
            CU_ASSERT_EQUAL(*p, 0x60)
        if (i % 3 < 2)
            CU_ASSERT_EQUAL(p[3], 0x60);
        cgv_bitmap_free(&cells[i]);
    }
    cgv_bitmap_free(&sheet);
}

static void test_png(void) {
    cgv_bitmap picture = draw(1), back;
    void *data;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(cgv_png_encode(&data, &size, picture.rgb, W, H), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_png_decode(&back, data, size, "x.png"), CGV_OK);
    CU_ASSERT(back.width == W && back.height == H);
    CU_ASSERT(!memcmp(back.rgb, picture.rgb, cgv_bitmap_bytes(W, H)));
    cgv_bitmap_free(&back);
    cgv_test_listen();
    CU_ASSERT_EQUAL(cgv_png_decode(&back, data, size / 2, "half.png"), CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_said("half.png") && !back.rgb);
    CU_ASSERT_EQUAL(cgv_png_decode(&back, "no picture", 10, "text.png"), CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_said("text.png") && !back.rgb);
    free(data);
    cgv_bitmap_free(&picture);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"share", test_share}, {"baselines", test_baselines},
        {"psnr", test_psnr},   {"sheet", test_sheet},
        {"png", test_png},     {0},
    };
    return cgv_test_run("tone", cases);
}
