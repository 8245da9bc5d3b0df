#include "ops/dispatch.h"

// Below every device's limit of 65535, and a divisor-friendly number.
#define MAX_AXIS 32768

void cgv_dispatch_linear(cgv_cmd *cmd, uint64_t count, cgv_dispatch dispatch) {
    const cgv_limits *limits = cgv_device_limits(cgv_cmd_device(cmd));
    // A CPU driver runs a subgroup at a time; more per group only saves its bookkeeping.
    dispatch.local[0] = limits->cpu ? limits->subgroup * 8 : 256;
    if (dispatch.local[0] > limits->workgroup)
        dispatch.local[0] = limits->workgroup;
    dispatch.local[1] = 1;
    uint64_t groups = (count + dispatch.local[0] - 1) / dispatch.local[0];
    uint64_t rows = (groups + MAX_AXIS - 1) / MAX_AXIS;
    dispatch.groups[0] = (uint32_t)(rows > 1 ? MAX_AXIS : groups);
    dispatch.groups[1] = (uint32_t)rows;
    dispatch.groups[2] = 1;
    cgv_cmd_dispatch(cmd, &dispatch);
}

void cgv_spread_planes(uint32_t axes[2], int planes) {
    axes[1] = (uint32_t)cgv_divide_up(planes, MAX_AXIS);
    axes[0] = (uint32_t)cgv_divide_up(planes, (int)axes[1]);
}
