// One run of a net on a device, from host memory to host memory.
#ifndef CGV_TESTS_NET_RUNNER_H
#define CGV_TESTS_NET_RUNNER_H

#include "nn/plan.h"

// x: params->n pictures of params->h x params->w. *y is allocated here, *out its shape (address 0).
CGV_NODISCARD cgv_status net_run(float **y, cgv_tensor *out, cgv_device *device, const cgv_net *net,
                                 const float *weights, const cgv_plan_params *params,
                                 const float *x);

#endif
