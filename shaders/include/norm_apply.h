#include "push.h"

CGV_PUSH(norm_apply)
    uint64_t y, x, stats, residual, scale, shift;
    int plane;
    int planes;
    int channels;
    float slope;
CGV_PUSH_END(norm_apply)
