#include "push.h"

CGV_PUSH(region_moments)
    uint64_t x;       // the first element of the region
    uint64_t moments; // [stripes][planes][3]: count, mean, sum of squared deviations
    int w;            // of the region
    int rows;
    int row, plane; // elements from one row to the next, from one plane to the next
    int planes;
CGV_PUSH_END(region_moments)

#define REGION_STRIPE 16 // rows of a stripe
