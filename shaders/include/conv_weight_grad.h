#include "push.h"

CGV_PUSH(conv_weight_grad)
    uint64_t dy, x, partial;
    int h, w;         // of x
    int out_h, out_w; // of dy
    int rows;         // channels of dy in one group
    int columns;      // channels of x in one group
    int groups;
    int blocks;       // blocks of rows in one group
    int batch;
    int split_lines;  // lines of dy, over all pictures, of one split
    int weights;      // all weights: floats of one split's result
CGV_PUSH_END(conv_weight_grad)
