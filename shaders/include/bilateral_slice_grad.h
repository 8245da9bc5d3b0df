#include "push.h"

#include "bilateral_grid.h"

// Shared by the gradients of the grid and of the picture.
CGV_PUSH(bilateral_slice_grad)
    uint64_t dgrid, dx, dy, y, grid, x;
    int h, w;           // of x and y
    int grid_h, grid_w;
    int count;          // rows of matrices in all cells; pixels of all pictures
CGV_PUSH_END(bilateral_slice_grad)
