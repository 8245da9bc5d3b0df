#include "push.h"

CGV_PUSH(steady_keep)
    uint64_t state, last, now, begins;
    int h, w;
    float weight;
CGV_PUSH_END(steady_keep)
