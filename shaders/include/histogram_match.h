#include "push.h"

#include "histogram_bins.h"

CGV_PUSH(histogram_match)
    uint64_t y, x, table;
    int pixels; // of a picture
    int count;  // of all
CGV_PUSH_END(histogram_match)
