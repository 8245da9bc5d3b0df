#include "push.h"

#include "histogram_bins.h"

CGV_PUSH(histogram_match)
    uint64_t y, x, table;
    int h, w, bands;
    int count;    // pixels of all pictures
    float chroma; // 1: match colours too; 0: brightness alone
CGV_PUSH_END(histogram_match)
