#include "push.h"

CGV_PUSH(sum_partials)
    uint64_t y, partial;
    int count;  // elements of y
    int splits;
CGV_PUSH_END(sum_partials)
