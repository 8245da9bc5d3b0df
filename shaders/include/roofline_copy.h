#include "push.h"

#define ROOFLINE_PIECES 8 // of 8 bytes, of an invocation

CGV_PUSH(roofline_copy)
    uint64_t y, x;
    int count; // invocations
CGV_PUSH_END(roofline_copy)
