#include "push.h"

CGV_PUSH(elementwise)
    uint64_t y, a, b;
    int count;
    int c, h, w;                // of y
    int a_step[4], b_step[4];   // elements from one picture, channel, row, column to the next
    float p, q;
CGV_PUSH_END(elementwise)
