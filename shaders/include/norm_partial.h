#include "push.h"

// Elements of a plane that one subgroup sums up.
#define NORM_CHUNK 2048

CGV_PUSH(norm_partial)
    uint64_t x, partial;
    int plane;  // elements of a plane
    int planes;
    int chunks; // of a plane
CGV_PUSH_END(norm_partial)
