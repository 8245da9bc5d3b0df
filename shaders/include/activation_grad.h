#include "push.h"

CGV_PUSH(activation_grad)
    uint64_t dx, dy, y;
    int count;
    float slope;
CGV_PUSH_END(activation_grad)
