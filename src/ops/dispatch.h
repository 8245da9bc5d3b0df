// Helpers for recording ops.
#ifndef CGV_OPS_DISPATCH_H
#define CGV_OPS_DISPATCH_H

#include "gpu/gpu.h"

static inline int cgv_divide_up(int a, int b) {
    return (a + b - 1) / b;
}

// Declare that an operand is read which there may not be: address 0.
static inline uint64_t cgv_read_if(cgv_cmd *cmd, uint64_t address, uint64_t bytes) {
    return address ? cgv_cmd_read(cmd, address, bytes) : 0;
}

// The same of one that is read and written, as what is added to.
static inline uint64_t cgv_update_if(cgv_cmd *cmd, uint64_t address, uint64_t bytes) {
    return cgv_read_if(cmd, address, bytes) ? cgv_cmd_write(cmd, address, bytes) : 0;
}

// Dispatch one invocation for each of `count` elements, in rows of workgroups so that no limit on
// their number is met. In the shader: LINEAR_INDEX (shaders/include/common.glsl), which can exceed
// `count`. The template's local and groups are filled in.
void cgv_dispatch_linear(cgv_cmd *cmd, uint64_t count, cgv_dispatch dispatch);

// Spread `planes` workgroups over two axes of a grid; the shader skips what is beyond the last.
void cgv_spread_planes(uint32_t axes[2], int planes);

#endif
