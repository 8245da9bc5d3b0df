#include "push.h"

CGV_PUSH(affine_head)
    uint64_t y, coefficients, x;
    int picture; // elements of one picture of y
    int count;   // elements of y
CGV_PUSH_END(affine_head)
