#include "push.h"

// Fused multiply-adds of an invocation in one round: chains that do not wait for each other, more
// than an adder's latency times the adders, few enough for 16 registers; and steps, which make the
// loop's own instructions few beside them.
#define ROOFLINE_CHAINS 12
#define ROOFLINE_STEPS  16

CGV_PUSH(roofline_fma)
    uint64_t y; // [count]
    int count;
    int rounds;
    float a, b;
CGV_PUSH_END(roofline_fma)
