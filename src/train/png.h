// PNG files <-> pictures of 8-bit R, G, B.
#ifndef CGV_TRAIN_PNG_H
#define CGV_TRAIN_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "train/bitmap.h"

// rgb: rows of 3 * width bytes. *data is malloc'ed and the caller's.
CGV_NODISCARD cgv_status cgv_png_encode(void **data, size_t *size, const uint8_t *rgb, int width,
                                        int height);
// The file appears whole or not at all.
CGV_NODISCARD cgv_status cgv_png_write(const char *path, const uint8_t *rgb, int width, int height);

// Any PNG: grey, palettes and 16 bits become 8-bit RGB; alpha is blended over black. name: for
// messages.
CGV_NODISCARD cgv_status cgv_png_decode(cgv_bitmap *out, const void *data, size_t size,
                                        const char *name);

#endif
