// Trivial translations to compare with: tone curves fitted to the colours of two collections.
#ifndef CGV_EVAL_CURVE_H
#define CGV_EVAL_CURVE_H

#include "train/bitmap.h"

// Of all pictures of a collection together.
typedef struct cgv_histogram {
    uint64_t count[3][256]; // [channel][code]
} cgv_histogram;

void cgv_histogram_add(cgv_histogram *histogram, const cgv_bitmap *picture);
// Mean luma (BT.601), 0..255.
double cgv_histogram_luma(const cgv_histogram *histogram);

// One curve a channel.
typedef struct cgv_curves {
    uint8_t code[3][256];
} cgv_curves;

// The gamma g, 1/16 to 16, with which x^g (x = code / 255, the same for all channels) gives
// pictures of histogram `from` the mean luma of `to`.
double cgv_gamma_between(const cgv_histogram *from, const cgv_histogram *to);
cgv_curves cgv_curves_gamma(double gamma);

// Histogram matching (specification), channel by channel: the rising curves that bring the
// distribution of codes of `from` nearest to that of `to`.
cgv_curves cgv_curves_matching(const cgv_histogram *from, const cgv_histogram *to);

// *out is allocated here.
CGV_NODISCARD cgv_status cgv_curves_apply(cgv_bitmap *out, const cgv_bitmap *in,
                                          const cgv_curves *curves);

#endif
