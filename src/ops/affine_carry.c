// What a generator did to a small picture, done to the large one.
#include "ops/dispatch.h"
#include "ops/ops.h"
#include "shaders.h"

#include "affine_carry.h"
#include "affine_fit.h"

void cgv_affine_fit(cgv_cmd *cmd, cgv_tensor coefficients, cgv_tensor y, cgv_tensor x, int radius,
                    float epsilon) {
    uint64_t bytes = cgv_tensor_bytes(x), count = bytes / sizeof(float);
    struct affine_fit_push push = {
        .coefficients = cgv_cmd_write(cmd, coefficients.address, cgv_tensor_bytes(coefficients)),
        .y = cgv_cmd_read(cmd, y.address, bytes),
        .x = cgv_cmd_read(cmd, x.address, bytes),
        .h = x.h,
        .w = x.w,
        .picture = x.c * x.h * x.w,
        .count = (int)count,
        .radius = radius,
        .epsilon = epsilon,
    };
    cgv_dispatch_linear(
        cmd, count,
        (cgv_dispatch){.shader = &cgv_shader_affine_fit, .push = &push, .push_bytes = sizeof push});
}

void cgv_affine_carry(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_tensor coefficients,
                      cgv_tensor small, float sigma, cgv_activation activation) {
    struct affine_carry_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .coefficients = cgv_cmd_read(cmd, coefficients.address, cgv_tensor_bytes(coefficients)),
        .small = cgv_cmd_read(cmd, small.address, cgv_tensor_bytes(small)),
        .h = x.h,
        .w = x.w,
        .small_h = small.h,
        .small_w = small.w,
        .sharpness = 1 / (2 * sigma * sigma),
    };
    cgv_dispatch_linear(cmd, (uint64_t)x.w * (uint64_t)x.h,
                        (cgv_dispatch){.shader = &cgv_shader_affine_carry,
                                       .spec = {activation},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}
