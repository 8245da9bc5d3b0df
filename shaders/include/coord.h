#include "push.h"

CGV_PUSH(coord)
    uint64_t y, x;
    int c, h, w; // of x
    int count;   // elements of y
CGV_PUSH_END(coord)
