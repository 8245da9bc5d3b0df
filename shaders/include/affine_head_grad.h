#include "push.h"

CGV_PUSH(affine_head_grad)
    uint64_t dcoefficients, dx, dy, y, coefficients, x;
    int picture; // elements of one picture of y
    int count;   // elements of y
CGV_PUSH_END(affine_head_grad)
