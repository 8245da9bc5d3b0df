#include "push.h"

CGV_PUSH(upsample)
    uint64_t y, x;
    int h, w;  // of x
    int count; // invocations: elements of x, bilinear of y
CGV_PUSH_END(upsample)
