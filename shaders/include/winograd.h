// Winograd F(4x4, 3x3) (Lavin and Gray 2016, arXiv:1509.09308): tiles of 4x4 results from patches of
// 6x6, 36 products where 144 taps were. Three dispatches share these numbers.
//
//     v       [36][panels][pairs of cin][PANEL][2]      transformed patches
//     weights [36][blocks][pairs of cin][BLOCK][2]      transformed weights
//     m       [36][pairs of cout][panels * PANEL][2]    products, summed over cin
#include "push.h"

CGV_PUSH(winograd)
    uint64_t x, v, weights, m, y, bias;
    int h, w; // of x and y
    int cin, cout;
    int pairs;            // of cin, with those that fill up the last turn
    int tiles_x, tiles_y; // of a picture
    int tile0, tiles;     // what the dispatch does, of all pictures' tiles
    int panels, blocks;   // of these tiles, of output channels
    float slope;
CGV_PUSH_END(winograd)
