#include "push.h"

#include "histogram_bins.h"

CGV_PUSH(histogram_table)
    uint64_t x, reference;
    uint64_t table; // of each opponent colour and band: where each bin begins and ends
    int h, w;
    int bands; // of rows
CGV_PUSH_END(histogram_table)
