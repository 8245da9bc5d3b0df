// HDR through the filter: against the formulas of ITU-R BT.2100, BT.2390 and BT.1886 in double
// precision, written down anew, and against values that need no formulas. And dithering.
#include <math.h>
#include <stdlib.h>

#include "pictures.h"
#include "support.h"

#define SEED 1705u
enum { SIDE = 64 };

static cgv_model *identity;
static cgv_rng rng;

static cgv_picture_format hdr_format(cgv_transfer transfer, cgv_gamut gamut, float peak) {
    cgv_picture_format format = picture_format_of("rgb48le", SIDE, SIDE, 2, true, &test_sitings[0]);
    format.colour.transfer = transfer;
    format.colour.gamut = gamut;
    format.colour.peak = peak;
    return format;
}

// ---- reference ----

static double pq_inverse(double code) { // nits / 10000
    double p = pow(code, 32. / 2523);
    return pow(fmax(p - .8359375, 0) / (18.8515625 - 18.6875 * p), 16384. / 2610);
}

static double pq(double nits) {
    double y = pow(nits / 10000, 2610. / 16384);
    return pow((.8359375 + 18.8515625 * y) / (1 + 18.6875 * y), 2523. / 32);
}

static double hlg_inverse(double code) {
    return code <= .5 ? code * code / 3 : (exp((code - .55991073) / .17883277) + .28466892) / 12;
}

// Rows are X, Y, Z of R, G, B; D65.
static const double xyz_of[3][3][3] = {
    {{.4123908, .3575843, .1804808},
     {.2126390, .7151687, .0721923},
     {.0193308, .1191948, .9505322}},
    {{.6369580, .1446169, .1688810}, {.2627002, .6779981, .0593017}, {0, .0280727, 1.0609851}},
    {{.4865709, .2656677, .1982173}, {.2289746, .6917385, .0792869}, {0, .0451134, 1.0439444}},
};
static const double bt709_of_xyz[3][3] = {{3.2409699, -1.5373832, -.4986108},
                                          {-.9692436, 1.8759675, .0415551},
                                          {.0556301, -.2039770, 1.0569715}};

static double eetf(double nits, double peak) {
    double white = pq(peak), e1 = fmin(pq(nits) / white, 1), max_lum = pq(203) / white;
    double ks = 1.5 * max_lum - .5, e2 = e1;
    if (e1 >= ks) {
        double t = (e1 - ks) / (1 - ks);
        e2 = (2 * pow(t, 3) - 3 * t * t + 1) * ks + (pow(t, 3) - 2 * t * t + t) * (1 - ks) +
             (-2 * pow(t, 3) + 3 * t * t) * max_lum;
    }
    return 10000 * pq_inverse(e2 * white);
}

static void reference(double out[3], const double code[3], const cgv_colour *colour) {
    double light[3], xyz[3] = {0}, rgb[3] = {0};
    const double(*m)[3] = xyz_of[colour->gamut];
    double peak = (double)colour->peak, y = 0;
    for (int c = 0; c < 3; c++) {
        light[c] = colour->transfer == CGV_TRANSFER_PQ ? fmin(10000 * pq_inverse(code[c]), peak)
                                                       : hlg_inverse(code[c]);
        y += m[1][c] * light[c];
    }
    if (colour->transfer == CGV_TRANSFER_HLG)
        for (int c = 0; c < 3; c++)
            light[c] *= peak * pow(y, .2 + .42 * log10(peak / 1000));
    for (int i = 0; i < 3; i++)
        for (int c = 0; c < 3; c++)
            xyz[i] += m[i][c] * light[c];
    double luminance = eetf(xyz[1], peak) / 203, scale = xyz[1] > 0 ? luminance / xyz[1] : 0;
    double share = 1;
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 3; i++)
            rgb[c] += scale * bt709_of_xyz[c][i] * xyz[i];
        if (rgb[c] > 1)
            share = fmin(share, (1 - luminance) / (rgb[c] - luminance));
        if (rgb[c] < 0)
            share = fmin(share, luminance / (luminance - rgb[c]));
    }
    for (int c = 0; c < 3; c++) {
        double v = luminance + share * (rgb[c] - luminance);
        out[c] = pow(fmin(fmax(v, 0), 1), 1 / 2.4);
    }
}

// ---- tests ----

static void translate(test_picture *out, const test_picture *in) {
    if (!identity)
        CU_ASSERT_EQUAL_FATAL(cgv_model_load(&identity, "identity"), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(picture_translate(out, in, cgv_test_device(), identity, 1), CGV_OK);
}

// The largest distance from the reference, in codes of 8 bits, of random and of grey colours.
static double error_of(cgv_transfer transfer, cgv_gamut gamut, float peak) {
    cgv_picture_format from = hdr_format(transfer, gamut, peak);
    cgv_picture_format to = picture_format_of("rgb48le", SIDE, SIDE, 1, true, &test_sitings[0]);
    test_picture in = picture_create(&from, PICTURE_TIGHT);
    test_picture out = picture_create(&to, PICTURE_TIGHT);
    picture_randomise(&in, &rng);
    for (int x = 0; x < SIDE; x++)
        for (int c = 0; c < 3; c++)
            picture_set(&in, c, x, 0, x * 65535 / (SIDE - 1));
    translate(&out, &in);
    double worst = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double exact[3], code[3];
            for (int c = 0; c < 3; c++)
                code[c] = picture_code(&in, c, x, y) / 65535.;
            reference(exact, code, &from.colour);
            // Where a component nearly vanishes, gamma makes much of the rounding of light.
            for (int c = 0; c < 3; c++)
                worst = fmax(worst, fabs(picture_code(&out, c, x, y) / 257. - 255 * exact[c]) *
                                        (exact[c] < .05 ? .05 : 1));
        }
    for (int x = 0; x < SIDE; x++) // greys are neutral, and brighter from left to right
        for (int c = 0; c < 3; c++) {
            CU_ASSERT(abs(picture_code(&out, c, x, 0) - picture_code(&out, 1, x, 0)) <= 8);
            CU_ASSERT(!x || picture_code(&out, c, x, 0) >= picture_code(&out, c, x - 1, 0));
        }
    CU_ASSERT(abs(picture_code(&out, 0, SIDE - 1, 0) - 65535) <= 8);
    picture_destroy(&in);
    picture_destroy(&out);
    return worst;
}

static void test_reference(void) {
    cgv_rng_seed(&rng, SEED, 1);
    for (int transfer = CGV_TRANSFER_PQ; transfer <= CGV_TRANSFER_HLG; transfer++)
        for (int gamut = CGV_GAMUT_BT709; gamut <= CGV_GAMUT_P3; gamut++) {
            CU_ASSERT(error_of(transfer, gamut, 1000) < .5);
            CU_ASSERT(error_of(transfer, gamut, 4000) < .5);
        }
}

// What a grey of a PQ code comes out as, in codes of 8 bits.
static double grey_of(double code) {
    cgv_picture_format from = hdr_format(CGV_TRANSFER_PQ, CGV_GAMUT_BT2020, 1000);
    cgv_picture_format to = picture_format_of("rgb48le", SIDE, SIDE, 1, true, &test_sitings[0]);
    test_picture in = picture_create(&from, PICTURE_TIGHT);
    test_picture out = picture_create(&to, PICTURE_TIGHT);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++)
                picture_set(&in, c, x, y, (int)(65535 * code + .5));
    translate(&out, &in);
    double grey = picture_code(&out, 1, 5, 5) / 257.;
    picture_destroy(&in);
    picture_destroy(&out);
    return grey;
}

// Codes of PQ: 10 nits .2997, 203 nits .5807, 1000 nits .7518. The knee is
// above 10 nits, which therefore stay; white of SDR gives way a little to what is brighter.
static void test_anchors(void) {
    CU_ASSERT_EQUAL(grey_of(0), 0);
    CU_ASSERT_DOUBLE_EQUAL(grey_of(.2997), 255 * pow(10 / 203., 1 / 2.4), .3);
    CU_ASSERT(grey_of(.5807) > 195 && grey_of(.5807) < 245);
    CU_ASSERT(grey_of(.7518) > 254.9);
    CU_ASSERT(grey_of(1) > 254.9);
}

// 16 bits to 8: a flat area keeps its mean to a part of 64, and codes of 8 bits stay as they are.
static void check_dither(int code) {
    cgv_picture_format from = picture_format_of("rgb48le", SIDE, SIDE, 1, true, &test_sitings[0]);
    cgv_picture_format to = cgv_picture_format_rgb24(SIDE, SIDE);
    test_picture in = picture_create(&from, PICTURE_TIGHT);
    test_picture out = picture_create(&to, PICTURE_TIGHT);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++)
                picture_set(&in, c, x, y, code);
    translate(&out, &in);
    double sum = 0;
    int wrong = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            sum += picture_code(&out, 0, x, y);
            wrong += fabs(picture_code(&out, 0, x, y) - code / 257.) >= 1;
            wrong += picture_code(&out, 0, x, y) != picture_code(&out, 2, x, y);
        }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_DOUBLE_EQUAL(sum / (SIDE * SIDE), code / 257., .009);
    picture_destroy(&in);
    picture_destroy(&out);
}

static void test_dither(void) {
    for (int code = 0; code < 65536; code += 4369)
        check_dither(code);
    for (int part = 1; part < 257; part += 51)
        check_dither(100 * 257 + part);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"against the standards", test_reference},
        {"black, white and what stays", test_anchors},
        {"dithering", test_dither},
        {0},
    };
    int failed = cgv_test_run("tone map", cases);
    cgv_model_destroy(&identity);
    return failed;
}
