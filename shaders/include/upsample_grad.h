#include "push.h"

CGV_PUSH(upsample_grad)
    uint64_t dx, dy;
    int h, w;  // of dx
    int count; // elements of dx
CGV_PUSH_END(upsample_grad)
