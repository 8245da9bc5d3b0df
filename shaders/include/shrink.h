#include "push.h"

CGV_PUSH(shrink)
    uint64_t y, x;
    int h, w;         // of x
    int out_h, out_w; // of y
    int count;        // elements of y
CGV_PUSH_END(shrink)
