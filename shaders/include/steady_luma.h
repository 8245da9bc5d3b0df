#include "push.h"

CGV_PUSH(steady_luma)
    uint64_t y, x;
    int count; // of pixels
CGV_PUSH_END(steady_luma)
