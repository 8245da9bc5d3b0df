#include "push.h"

#define HISTOGRAM_BINS 256 // of [-1, 1]

// Shared by the shader that makes the tables and the one that looks up in them.
CGV_PUSH(histogram)
    uint64_t y, x, reference;
    uint64_t table; // of each opponent colour and band: where each bin begins and ends
    int h, w;
    int bands;    // of rows
    int count;    // pixels of all pictures
    float chroma; // 1: match colours too; 0: brightness alone
CGV_PUSH_END(histogram)
