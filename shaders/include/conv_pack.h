#include "push.h"

CGV_PUSH(conv_pack)
    uint64_t packed, weights;
    int cin, cout; // of one group
    int groups;
    int blocks;
    int taps;
    int block; // output channels of a block
    int total; // floats to write
CGV_PUSH_END(conv_pack)
