#include "push.h"

CGV_PUSH(adam)
    uint64_t values, grads, m, v, average;
    uint64_t hyper; // step_size, sqrt_correction, beta1, beta2, epsilon, average_decay
    int count;
CGV_PUSH_END(adam)
