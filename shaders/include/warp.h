#include "push.h"

CGV_PUSH(warp)
    uint64_t y, x;
    uint64_t maps; // [pictures][6]
    int h, w;
    int picture; // elements of one picture
    int count;   // elements of y
CGV_PUSH_END(warp)
