#include "push.h"

CGV_PUSH(region_copy)
    uint64_t y, x; // the first element of the region in each
    int w;         // of the region
    int rows;
    int x_row, x_plane; // elements from one row to the next, from one plane to the next
    int y_row, y_plane;
    int count; // elements of the region in all planes
CGV_PUSH_END(region_copy)
