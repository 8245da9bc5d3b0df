#include "push.h"

CGV_PUSH(pixels_norm_apply)
    uint64_t y, x, stats, residual, scale, shift; // 0: none
    int count; // pieces of eight channels
    int plane;
    int stored;
    int channels; // of them, those that have a scale and a shift
    float slope;
CGV_PUSH_END(pixels_norm_apply)
