#include "push.h"

#include "bilateral_grid.h"

CGV_PUSH(bilateral_slice)
    uint64_t y, rows, x;
    int h, w;  // of x and y
    int grid_w;
    int count; // pixels of all pictures
CGV_PUSH_END(bilateral_slice)
