#include "push.h"

// Elements of a plane that one subgroup sums up.
#define PLANE_CHUNK 2048

CGV_PUSH(plane_sums)
    uint64_t dy, y, x, stats, partial;
    int plane;  // elements of a plane
    int planes;
    int chunks; // of a plane
    float slope;
CGV_PUSH_END(plane_sums)
