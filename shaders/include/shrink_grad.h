#include "push.h"

CGV_PUSH(shrink_grad)
    uint64_t dx, dy;
    int h, w;         // of dx
    int out_h, out_w; // of dy
    int count;        // elements of dx
CGV_PUSH_END(shrink_grad)
