// The affine head of a generator, and its gradients.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "affine_head.h"
#include "affine_head_grad.h"

static int picture_elements(cgv_tensor t) {
    return t.c * t.h * t.w;
}

void cgv_affine_head(cgv_cmd *cmd, cgv_tensor y, cgv_tensor coefficients, cgv_tensor x) {
    uint64_t count = cgv_tensor_bytes(y) / sizeof(float);
    struct affine_head_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .coefficients = cgv_cmd_read(cmd, coefficients.address, cgv_tensor_bytes(coefficients)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .picture = picture_elements(y),
        .count = (int)count,
    };
    cgv_dispatch_linear(cmd, count,
                        (cgv_dispatch){.shader = &cgv_shader_affine_head,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_affine_head_grad(cgv_cmd *cmd, cgv_tensor dcoefficients, cgv_tensor dx, cgv_tensor dy,
                          cgv_tensor y, cgv_tensor coefficients, cgv_tensor x) {
    uint64_t bytes = cgv_tensor_bytes(y), count = bytes / sizeof(float);
    bool wanted = dx.address;
    struct affine_head_grad_push push = {
        .dcoefficients = cgv_cmd_write(cmd, dcoefficients.address, cgv_tensor_bytes(dcoefficients)),
        .dx = wanted ? cgv_cmd_write(cmd, dx.address, bytes) : 0,
        .dy = cgv_cmd_read(cmd, dy.address, bytes),
        .y = cgv_cmd_read(cmd, y.address, bytes),
        .coefficients =
            wanted ? cgv_cmd_read(cmd, coefficients.address, cgv_tensor_bytes(coefficients)) : 0,
        .x = cgv_cmd_read(cmd, x.address, bytes),
        .picture = picture_elements(y),
        .count = (int)count,
    };
    cgv_dispatch_linear(cmd, count,
                        (cgv_dispatch){.shader = &cgv_shader_affine_head_grad,
                                       .spec = {wanted},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}
