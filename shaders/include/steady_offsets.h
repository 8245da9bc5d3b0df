#include "push.h"
#include "steady_block.h"

CGV_PUSH(steady_offsets)
    uint64_t offsets, motion;
    int h, w;               // of the picture
    int blocks_w, count;    // of offsets: of a row, of all
    int cells_h, cells_w;   // of motion
CGV_PUSH_END(steady_offsets)
