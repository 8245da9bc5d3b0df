#include "push.h"

CGV_PUSH(pool)
    uint64_t y, x;
    int h, w, out_h, out_w;
    int kernel[2], stride[2], dilation[2];
    int pad[4]; // top, left, bottom, right
    int count;
CGV_PUSH_END(pool)
