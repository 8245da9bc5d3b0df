#include "push.h"

#include "bilateral_grid.h"

CGV_PUSH(bilateral_slice)
    uint64_t y, grid, x;
    uint64_t history, offsets, state; // of one picture that is held steady
    int n, h, w; // of x and y
    int grid_h, grid_w;
    int strips;  // of ROWS rows, at most, between two rows of cells
    int blocks_w; // of a row of offsets
CGV_PUSH_END(bilateral_slice)
