#include "eval/curve.h"

#include <math.h>

void cgv_histogram_add(cgv_histogram *histogram, const cgv_bitmap *picture) {
    size_t pixels = (size_t)picture->width * (size_t)picture->height;
    for (size_t i = 0; i < pixels; i++)
        for (size_t channel = 0; channel < 3; channel++)
            histogram->count[channel][picture->rgb[3 * i + channel]]++;
}

// Mean luma of the pictures after the curves. (Luma is linear in the channels.)
static double luma_through(const cgv_histogram *histogram, const cgv_curves *curves) {
    static const double weight[3] = {0.299, 0.587, 0.114};
    double luma = 0;
    for (int channel = 0; channel < 3; channel++) {
        double sum = 0, count = 0;
        for (int code = 0; code < 256; code++) {
            double pixels = (double)histogram->count[channel][code];
            sum += pixels * curves->code[channel][code];
            count += pixels;
        }
        luma += count > 0 ? weight[channel] * sum / count : 0;
    }
    return luma;
}

double cgv_histogram_luma(const cgv_histogram *histogram) {
    cgv_curves straight = cgv_curves_gamma(1);
    return luma_through(histogram, &straight);
}

cgv_curves cgv_curves_gamma(double gamma) {
    cgv_curves curves;
    for (int channel = 0; channel < 3; channel++)
        for (int code = 0; code < 256; code++)
            curves.code[channel][code] = (uint8_t)lround(255 * pow(code / 255.0, gamma));
    return curves;
}

double cgv_gamma_between(const cgv_histogram *from, const cgv_histogram *to) {
    const double wanted = cgv_histogram_luma(to);
    double low = -4, high = 4; // exponents of 2; luma falls as gamma rises
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        cgv_curves curves = cgv_curves_gamma(exp2(middle));
        if (luma_through(from, &curves) > wanted)
            low = middle;
        else
            high = middle;
    }
    return exp2((low + high) / 2);
}

static double total(const uint64_t count[256]) {
    uint64_t sum = 0;
    for (int code = 0; code < 256; code++)
        sum += count[code];
    return (double)sum;
}

static void match(uint8_t curve[256], const uint64_t from[256], const uint64_t to[256]) {
    const double from_total = total(from), to_total = total(to);
    double below = 0, reached = (double)to[0]; // pixels of `from` below code; of `to` up to target
    int target = 0;
    for (int code = 0; code < 256; code++) {
        // The middle of the code's pixels, so that equal histograms give the straight curve.
        double rank = below + (double)from[code] / 2;
        while (target < 255 && reached * from_total < rank * to_total)
            reached += (double)to[++target];
        curve[code] = (uint8_t)target;
        below += (double)from[code];
    }
}

cgv_curves cgv_curves_matching(const cgv_histogram *from, const cgv_histogram *to) {
    cgv_curves curves;
    for (int channel = 0; channel < 3; channel++)
        match(curves.code[channel], from->count[channel], to->count[channel]);
    return curves;
}

cgv_status cgv_curves_apply(cgv_bitmap *out, const cgv_bitmap *in, const cgv_curves *curves) {
    cgv_status status = cgv_bitmap_create(out, in->width, in->height);
    if (status)
        return status;
    size_t pixels = (size_t)in->width * (size_t)in->height;
    for (size_t i = 0; i < pixels; i++)
        for (size_t channel = 0; channel < 3; channel++)
            out->rgb[3 * i + channel] = curves->code[channel][in->rgb[3 * i + channel]];
    return CGV_OK;
}
