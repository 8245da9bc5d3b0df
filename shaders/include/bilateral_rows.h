#include "push.h"

#include "bilateral_grid.h"

CGV_PUSH(bilateral_rows)
    uint64_t rows, grid;
    int h;              // of the picture
    int grid_h, grid_w;
    int count;          // levels of all cells of all rows
CGV_PUSH_END(bilateral_rows)
