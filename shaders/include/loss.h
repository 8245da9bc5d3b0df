#include "push.h"

#define LOSS_CHUNK 2048

#define LOSS_SQUARED    0 // (x - target)^2
#define LOSS_BCE        1 // binary cross entropy of the logit x against target 0 or 1
#define LOSS_HINGE      2 // max(0, 1 - target * x), target -1 or 1
#define LOSS_LINEAR     3 // -target * x
#define LOSS_L1         4 // |x - other|

CGV_PUSH(loss)
    uint64_t x, other, dx, partial;
    int count;
    float target;
    float grad_scale; // weight / count
CGV_PUSH_END(loss)
