#include "push.h"

#define PIXELS_NORM_CHUNK 64 // pixels whose statistics one invocation takes

CGV_PUSH(pixels_norm_partial)
    uint64_t x, partial;
    int plane;  // pixels of a picture
    int stored; // channels
    int chunks; // of a picture
CGV_PUSH_END(pixels_norm_partial)
