#include "push.h"

#define WINDOW_BLOCK 4 // output channels of an invocation

CGV_PUSH(window_conv)
    uint64_t y, x, weights, bias; // bias 0: none
    int h, w, out_h, out_w;
    int cin, cout, groups; // of one group
    int kernel[2], stride[2], dilation[2], pad[2];
    int count; // invocations
CGV_PUSH_END(window_conv)
