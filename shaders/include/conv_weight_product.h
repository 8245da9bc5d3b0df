#include "push.h"

CGV_PUSH(conv_weight_product)
    uint64_t gradients, columns, dw;
    int rows;    // of one group: channels of the gradient
    int width;   // of one group: columns, the weights of a row
    int panels;  // of rows in one group
    int blocks;  // of columns in one group
    int steps;   // fours of pixels
CGV_PUSH_END(conv_weight_product)
