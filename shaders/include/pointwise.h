#include "push.h"

CGV_PUSH(pointwise)
    uint64_t y, a, b;
    int count;
    float slope;
CGV_PUSH_END(pointwise)
