#include "push.h"

// Elements of a plane that one subgroup writes.
#define NORM_GRAD_CHUNK 512

CGV_PUSH(norm_grad)
    uint64_t dx, dy, y, x, stats, sums, scale;
    int plane; // elements of a plane
    int planes, channels;
    float slope;
CGV_PUSH_END(norm_grad)
