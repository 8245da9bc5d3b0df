#include "eval/psnr.h"

#include <math.h>

double cgv_psnr(const cgv_bitmap *a, const cgv_bitmap *b) {
    size_t bytes = cgv_bitmap_bytes(a->width, a->height);
    uint64_t squares = 0;
    for (size_t i = 0; i < bytes; i++) {
        int difference = a->rgb[i] - b->rgb[i];
        squares += (uint64_t)(difference * difference);
    }
    return squares ? 10 * log10(255.0 * 255.0 * (double)bytes / (double)squares) : CGV_PSNR_EQUAL;
}
