#include "push.h"

CGV_PUSH(norm_plane)
    uint64_t y, x, stats, keep, residual, scale, shift; // keep 0: none
    int plane;
    int planes;
    int channels;
    float slope;
    float epsilon;
CGV_PUSH_END(norm_plane)
