#include "push.h"

CGV_PUSH(pixels_scatter)
    uint64_t y, x, bias; // bias 0: none
    int count; // elements of y
    int plane; // pixels of a picture
    int w;
    int channels; // of y
    int stored;   // channels of x
    float slope;
CGV_PUSH_END(pixels_scatter)
