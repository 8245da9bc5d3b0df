#include "push.h"

CGV_PUSH(affine_fit)
    uint64_t coefficients, y, x;
    int h, w;
    int picture; // elements of one picture of x
    int count;   // elements of x
    int radius;
    float epsilon;
CGV_PUSH_END(affine_fit)
