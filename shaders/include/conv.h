#include "push.h"

// Shared by the direct and the transposed convolution.
CGV_PUSH(conv)
    uint64_t x, weights, bias, y; // bias 0: none
    int h, w;                     // of x
    int out_h, out_w;
    int cin;           // of one group
    int cout;          // of one group
    int groups;
    int blocks;        // blocks of output channels in one group
    float slope;
CGV_PUSH_END(conv)
