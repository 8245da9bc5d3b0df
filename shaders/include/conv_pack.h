#include "push.h"

CGV_PUSH(conv_pack)
    uint64_t packed, weights;
    int cin, cout; // of one group
    int blocks;    // of one group
    int taps;   // of a run
    int runs;   // of one input channel in one block
    int run;    // floats of one
    int behind; // floats behind all runs
CGV_PUSH_END(conv_pack)
