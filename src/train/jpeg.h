// Pictures <-> JPEG in memory, by libjpeg.
#ifndef CGV_TRAIN_JPEG_H
#define CGV_TRAIN_JPEG_H

#include "train/bitmap.h"

// *data is malloc'ed and the caller's. quality: 1..100.
CGV_NODISCARD cgv_status cgv_jpeg_encode(uint8_t **data, size_t *size, const cgv_bitmap *picture,
                                         int quality);

// name: for messages.
CGV_NODISCARD cgv_status cgv_jpeg_decode(cgv_bitmap *out, const uint8_t *data, size_t size,
                                         const char *name);

#endif
