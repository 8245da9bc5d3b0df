// Gradients of activations and of resampling.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "activation_grad.h"
#include "shrink_grad.h"
#include "upsample_grad.h"

void cgv_activation_grad(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dy, cgv_tensor y,
                         cgv_activation activation, float slope) {
    uint64_t bytes = cgv_tensor_bytes(y);
    struct activation_grad_push push = {
        .dx = cgv_cmd_write(cmd, dx.address, bytes),
        .dy = cgv_cmd_read(cmd, dy.address, bytes),
        .y = cgv_cmd_read(cmd, y.address, bytes),
        .count = (int)(bytes / sizeof(float)),
        .slope = slope,
    };
    cgv_dispatch_linear(cmd, bytes / sizeof(float),
                        (cgv_dispatch){.shader = &cgv_shader_activation_grad,
                                       .spec = {activation},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_upsample_grad(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dy, int factor,
                       cgv_upsample_mode mode) {
    uint64_t count = cgv_tensor_bytes(dx) / sizeof(float);
    struct upsample_grad_push push = {
        .dx = cgv_cmd_write(cmd, dx.address, cgv_tensor_bytes(dx)),
        .dy = cgv_cmd_read(cmd, dy.address, cgv_tensor_bytes(dy)),
        .h = dx.h,
        .w = dx.w,
        .count = (int)count,
    };
    cgv_dispatch_linear(cmd, count,
                        (cgv_dispatch){.shader = &cgv_shader_upsample_grad,
                                       .spec = {mode == CGV_UPSAMPLE_BILINEAR, factor},
                                       .spec_count = 2,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_shrink_grad(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dy, int factor) {
    uint64_t count = cgv_tensor_bytes(dx) / sizeof(float);
    struct shrink_grad_push push = {
        .dx = cgv_cmd_write(cmd, dx.address, cgv_tensor_bytes(dx)),
        .dy = cgv_cmd_read(cmd, dy.address, cgv_tensor_bytes(dy)),
        .h = dx.h,
        .w = dx.w,
        .out_h = dy.h,
        .out_w = dy.w,
        .count = (int)count,
    };
    cgv_dispatch_linear(cmd, count,
                        (cgv_dispatch){.shader = &cgv_shader_shrink_grad,
                                       .spec = {factor},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}
