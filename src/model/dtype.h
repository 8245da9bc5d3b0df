// Number formats that model files hold, and their conversion to and from float32.
#ifndef CGV_MODEL_DTYPE_H
#define CGV_MODEL_DTYPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/float32.h"

typedef enum cgv_dtype {
    CGV_DTYPE_F32,
    CGV_DTYPE_F16,
    CGV_DTYPE_BF16,
    CGV_DTYPE_F64,
    CGV_DTYPE_I64,
    CGV_DTYPE_I32,
    CGV_DTYPE_I16,
    CGV_DTYPE_I8,
    CGV_DTYPE_U8, // also booleans
} cgv_dtype;

size_t cgv_dtype_size(cgv_dtype type); // bytes of one number

// dst[i] = number i * stride of src (little-endian, any alignment), for i below count.
void cgv_dtype_to_float(float *dst, const uint8_t *src, size_t count, size_t stride,
                        cgv_dtype type);

// IEEE 754 half precision, rounded to nearest, ties to even. 65520 and above become infinite;
// NaN stays NaN.
uint16_t cgv_half_from_float(float32 value);

#endif
