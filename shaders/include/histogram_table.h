#include "push.h"

#include "histogram_bins.h"

CGV_PUSH(histogram_table)
    uint64_t x, reference;
    uint64_t table; // of each opponent colour: where each bin begins and ends
    int pixels;     // of a picture
CGV_PUSH_END(histogram_table)
