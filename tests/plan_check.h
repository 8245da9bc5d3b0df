// Plans against the network evaluated node by node in C: steps are fused and share memory, the
// numbers stay.
#ifndef CGV_TESTS_PLAN_CHECK_H
#define CGV_TESTS_PLAN_CHECK_H

#include <stdbool.h>

#include "base/rng.h"
#include "nn/plan.h"

extern cgv_rng plan_rng;

// Begin a test with random numbers from this stream.
void plan_begin(uint64_t stream);

// One network ready on one device.
typedef struct application {
    cgv_params params;
    cgv_plan *plan;
    cgv_tape tape;
    cgv_cmd *cmd;
} application;

cgv_status application_create(application *a, cgv_device *device, const cgv_net *net,
                              const float *weights, const cgv_plan_params *shape);
void application_destroy(application *a);

// The whole of what a plan promises, for one net and one input shape: right numbers, the same ones
// again, with the input kept and with all barriers; only declared accesses. Prints what failed.
bool plan_check_shape(const cgv_net *net, cgv_plan_params shape, double tolerance);
// The same in single precision.
bool plan_check(const cgv_net *net, int n, int h, int w);

#endif
