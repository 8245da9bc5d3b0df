// Element-wise operations.
#include "ops/dispatch.h"
#include "ops/ops.h"
#include "shaders.h"

#include "pointwise.h"

static void pointwise(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, const cgv_tensor *b,
                      cgv_activation activation, float slope) {
    uint64_t bytes = cgv_tensor_bytes(y);
    struct pointwise_push push = {
        .y = cgv_cmd_write(cmd, y.address, bytes),
        .a = cgv_cmd_read(cmd, a.address, bytes),
        .b = b ? cgv_cmd_read(cmd, b->address, bytes) : 0,
        .count = (int)(bytes / sizeof(float)),
        .slope = slope,
    };
    cgv_dispatch_linear(cmd, bytes / sizeof(float),
                        (cgv_dispatch){.shader = &cgv_shader_pointwise,
                                       .spec = {activation, b != NULL},
                                       .spec_count = 2,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_activation_apply(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_activation activation,
                          float slope) {
    pointwise(cmd, y, x, NULL, activation, slope);
}

void cgv_add(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, cgv_tensor b) {
    pointwise(cmd, y, a, &b, CGV_ACT_NONE, 0);
}
