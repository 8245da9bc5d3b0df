#include "push.h"

#define PIXELS_NORM_SLICES   16
#define PIXELS_NORM_CHANNELS 32 // of a workgroup, by the slices

CGV_PUSH(pixels_norm_merge)
    uint64_t partial, stats, keep; // keep 0: none
    int plane;
    int stored;
    int chunks;
    int chunk; // pixels of every chunk but the last
    float epsilon;
CGV_PUSH_END(pixels_norm_merge)
