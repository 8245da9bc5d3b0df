// Pictures of training data: interleaved R, G, B bytes, rows without gaps.
#ifndef CGV_TRAIN_BITMAP_H
#define CGV_TRAIN_BITMAP_H

#include <stddef.h>
#include <stdint.h>

#include "cgvideo/status.h"

typedef struct cgv_bitmap {
    int width, height;
    uint8_t *rgb; // malloc'ed
} cgv_bitmap;

// A box of a picture, in pixels.
typedef struct cgv_box {
    int x, y, width, height;
} cgv_box;

static inline size_t cgv_bitmap_bytes(int width, int height) {
    return (size_t)width * (size_t)height * 3;
}

// Memory for a picture of this size, its contents undefined. *out is {0} on failure.
CGV_NODISCARD cgv_status cgv_bitmap_create(cgv_bitmap *out, int width, int height);
void cgv_bitmap_free(cgv_bitmap *bitmap);

// A box of `in` at another size; out->rgb is allocated here, *out is {0} on failure: antialiased
// bicubic, a = -0.5, its support widened by the factor when the picture shrinks; across, then down,
// rounded to bytes in between. The same numbers as Pillow's Image.resize(size, BICUBIC) of the box.
CGV_NODISCARD cgv_status cgv_bitmap_resize(cgv_bitmap *out, int width, int height,
                                           const cgv_bitmap *in, cgv_box box);

#endif
