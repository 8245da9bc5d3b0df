// Whether a translation is more than a change of brightness and colour balance.
#ifndef CGV_EVAL_TONE_H
#define CGV_EVAL_TONE_H

#include "train/bitmap.h"

// Share of the output's variance that the best tone curve of each channel explains: any function
// of the input's code in the same channel, so a gamma, a gain, a histogram match all give 1, and
// light that depends on the place or on what is seen gives less. The best curve is the mean of the
// output where the input has a code, E[out | in]. Variances of the three channels are added.
// 1 for an output without variance. The pictures have one size.
double cgv_tone_share(const cgv_bitmap *input, const cgv_bitmap *output);

#endif
