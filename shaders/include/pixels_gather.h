#include "push.h"

CGV_PUSH(pixels_gather)
    uint64_t y, x;
    int count; // invocations: pieces of eight channels of all pixels
    int plane; // pixels of a picture
    int w;
    int channels; // of x
    int stored;   // channels of y
CGV_PUSH_END(pixels_gather)
