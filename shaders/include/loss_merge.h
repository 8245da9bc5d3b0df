#include "push.h"

CGV_PUSH(loss_merge)
    uint64_t partial, loss;
    int chunks;
    float scale; // weight / count
CGV_PUSH_END(loss_merge)
