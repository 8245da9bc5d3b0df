#include "model/dtype.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "model files are little-endian");

size_t cgv_dtype_size(cgv_dtype type) {
    switch (type) {
    case CGV_DTYPE_F64:
    case CGV_DTYPE_I64:
        return 8;
    case CGV_DTYPE_F32:
    case CGV_DTYPE_I32:
        return 4;
    case CGV_DTYPE_F16:
    case CGV_DTYPE_BF16:
    case CGV_DTYPE_I16:
        return 2;
    case CGV_DTYPE_I8:
    case CGV_DTYPE_U8:
        break;
    }
    return 1;
}

static float from_half(uint16_t bits) {
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    float magnitude = exponent == 31  ? (mantissa ? NAN : INFINITY)
                      : exponent == 0 ? ldexpf((float)mantissa, -24)
                                      : ldexpf((float)(mantissa + 1024), exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

uint16_t cgv_half_from_float(float32 value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return sign | 0x7e00; // NaN
    if (magnitude >= 0x477ff000)
        return sign | 0x7c00;   // 65520, half way to the number behind the largest
    if (magnitude < 0x38800000) // below 2^-14: subnormal, a multiple of 2^-24; lrintf ties to even
        return sign | (uint16_t)lrintf(ldexpf(fabsf(value), 24));
    // Exponents are biased by 127 and by 15. A carry out of the mantissa raises the exponent.
    uint32_t rebased = magnitude - ((uint32_t)(127 - 15) << 23);
    return sign | (uint16_t)((rebased + 0xfff + (rebased >> 13 & 1)) >> 13);
}

static float from_bfloat(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float32 value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// A double beyond float's range becomes infinite, which the loader of models refuses.
static float from_double(double value) {
    return fabs(value) > 3.4028235677973366e38 ? (float)copysign(INFINITY, value) : (float)value;
}

#define CONVERT(type, expression)                                                                  \
    for (size_t i = 0; i < count; i++) {                                                           \
        type x;                                                                                    \
        memcpy(&x, src + i * step, sizeof x);                                                      \
        dst[i] = expression;                                                                       \
    }                                                                                              \
    break

void cgv_dtype_to_float(float *dst, const uint8_t *src, size_t count, size_t stride,
                        cgv_dtype type) {
    size_t step = stride * cgv_dtype_size(type);
    switch (type) {
    case CGV_DTYPE_F32:
        CONVERT(float32, x);
    case CGV_DTYPE_F16:
        CONVERT(uint16_t, from_half(x));
    case CGV_DTYPE_BF16:
        CONVERT(uint16_t, from_bfloat(x));
    case CGV_DTYPE_F64:
        CONVERT(double, from_double(x));
    case CGV_DTYPE_I64:
        CONVERT(int64_t, (float)x);
    case CGV_DTYPE_I32:
        CONVERT(int32_t, (float)x);
    case CGV_DTYPE_I16:
        CONVERT(int16_t, x);
    case CGV_DTYPE_I8:
        CONVERT(int8_t, x);
    case CGV_DTYPE_U8:
        CONVERT(uint8_t, x);
    }
}
