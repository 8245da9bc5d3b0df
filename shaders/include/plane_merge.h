#include "push.h"

CGV_PUSH(plane_merge)
    uint64_t partial, sums;
    uint64_t dshift, dscale; // 0: none
    int batch, channels;
    int chunks;
CGV_PUSH_END(plane_merge)
