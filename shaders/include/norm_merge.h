#include "push.h"

CGV_PUSH(norm_merge)
    uint64_t partial, stats, keep; // keep 0: none
    int plane;
    int planes;
    int chunks;
    int chunk; // elements of every chunk but the last
    float epsilon;
CGV_PUSH_END(norm_merge)
