#include "ops/dispatch.h"

// Below every device's limit of 65535, and a divisor-friendly number.
#define MAX_ROW 32768

void cgv_dispatch_linear(cgv_cmd *cmd, uint64_t count, cgv_dispatch dispatch) {
    const cgv_limits *limits = cgv_device_limits(cgv_cmd_device(cmd));
    // A CPU driver runs a subgroup at a time; more per group only saves its bookkeeping.
    dispatch.local[0] = limits->cpu ? limits->subgroup * 8 : 256;
    if (dispatch.local[0] > limits->workgroup)
        dispatch.local[0] = limits->workgroup;
    dispatch.local[1] = 1;
    uint64_t groups = (count + dispatch.local[0] - 1) / dispatch.local[0];
    uint64_t rows = (groups + MAX_ROW - 1) / MAX_ROW;
    dispatch.groups[0] = (uint32_t)(rows > 1 ? MAX_ROW : groups);
    dispatch.groups[1] = (uint32_t)rows;
    dispatch.groups[2] = 1;
    cgv_cmd_dispatch(cmd, &dispatch);
}
