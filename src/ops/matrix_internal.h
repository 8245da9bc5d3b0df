// Between ops/pixels.c and ops/matrix_conv.c: conversions that lay the columns of a kernel out as
// channels.
#ifndef CGV_OPS_MATRIX_INTERNAL_H
#define CGV_OPS_MATRIX_INTERNAL_H

#include "ops/matrix.h"

// y has columns times the channels of x: those of the pixel's neighbours in its line.
void cgv_pixels_gather(cgv_cmd *cmd, cgv_pixels y, cgv_tensor x, int columns, int pad,
                       cgv_pad_mode pad_mode);
// x has columns times the channels of y; what belongs to one pixel is added up.
typedef struct cgv_scatter_params {
    int columns, pad;
    cgv_pad_mode pad_mode;
    uint64_t bias; // 0: none
    cgv_activation activation;
    float slope;
} cgv_scatter_params;
void cgv_pixels_scatter(cgv_cmd *cmd, cgv_tensor y, cgv_pixels x, const cgv_scatter_params *params);

#endif
