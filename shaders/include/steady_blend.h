#include "push.h"
#include "steady_block.h"

CGV_PUSH(steady_blend)
    uint64_t y, x, history, offsets, state;
    int h, w;     // of y and x
    int blocks_w; // of a row of offsets
CGV_PUSH_END(steady_blend)
