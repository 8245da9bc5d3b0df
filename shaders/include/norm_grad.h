#include "push.h"

CGV_PUSH(norm_grad)
    uint64_t dx, dy, y, x, stats, sums, scale;
    int plane, count, channels;
    float slope;
CGV_PUSH_END(norm_grad)
