#include "push.h"

#include "norm_chunk.h"

CGV_PUSH(norm_partial)
    uint64_t x, partial;
    int plane;  // elements of a plane
    int planes;
    int chunks; // of a plane
CGV_PUSH_END(norm_partial)
