#include "push.h"

CGV_PUSH(steady_motion)
    uint64_t motion, coarse, now, last; // coarse 0: none
    int h, w;             // of now and last
    int cells_h, cells_w; // of motion and coarse
CGV_PUSH_END(steady_motion)
