#include "push.h"

CGV_PUSH(columns)
    uint64_t x, columns;
    int h, w;         // of x
    int out_h, out_w; // of the convolution's result
    int channels;     // of x in one group
    int groups;
    int blocks;       // of columns in one group
    int pixels;       // of the result, over all pictures
    int steps;        // pixels, in fours, rounded up
CGV_PUSH_END(columns)
