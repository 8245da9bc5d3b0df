#include "push.h"

CGV_PUSH(steady_mix)
    uint64_t y, average, motion, state;
    int h, w;
    int cells_h, cells_w; // of motion
    int count;
CGV_PUSH_END(steady_mix)
