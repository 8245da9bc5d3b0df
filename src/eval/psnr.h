// How near a picture comes back after both generators.
#ifndef CGV_EVAL_PSNR_H
#define CGV_EVAL_PSNR_H

#include "train/bitmap.h"

// What equal pictures get, whose ratio has no logarithm.
#define CGV_PSNR_EQUAL 100.0

// Peak signal-to-noise ratio of two pictures of one size over all codes of all channels, in dB.
double cgv_psnr(const cgv_bitmap *a, const cgv_bitmap *b);

#endif
