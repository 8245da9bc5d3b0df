// What the files that look for things in a picture by day share.
#ifndef CGV_TRAIN_MASK_H
#define CGV_TRAIN_MASK_H

#include <stdint.h>

// Rec. 601, of a pixel.
static inline uint8_t cgv_luma(const uint8_t *rgb) {
    return (uint8_t)((77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8);
}

// The neighbour of pixel i in one of four directions; -1: there is none.
static inline int cgv_neighbour(int i, int direction, int width, int height) {
    int x = i % width;
    switch (direction) {
    case 0:
        return x > 0 ? i - 1 : -1;
    case 1:
        return x + 1 < width ? i + 1 : -1;
    case 2:
        return i - width; // negative above the first row
    default:
        return i + width < width * height ? i + width : -1;
    }
}

#endif
