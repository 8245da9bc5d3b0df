#include "push.h"

CGV_PUSH(affine_carry)
    uint64_t y, x, coefficients, small;
    int h, w;             // of y and x
    int small_h, small_w; // of coefficients and small
    float sharpness;      // 1 / (2 sigma^2) of the colour distance
CGV_PUSH_END(affine_carry)
