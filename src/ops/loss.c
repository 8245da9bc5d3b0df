// Losses: means over elements, with their gradients.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "loss.h"
#include "loss_merge.h"

_Static_assert((int)CGV_LOSS_SQUARED == LOSS_SQUARED && (int)CGV_LOSS_BCE == LOSS_BCE &&
                   (int)CGV_LOSS_HINGE == LOSS_HINGE && (int)CGV_LOSS_LINEAR == LOSS_LINEAR &&
                   (int)CGV_LOSS_L1 == LOSS_L1,
               "the shader's names of the losses");

static int element_count(cgv_tensor x) {
    return (int)(cgv_tensor_bytes(x) / sizeof(float));
}

static int chunk_count(cgv_tensor x) {
    return cgv_divide_up(element_count(x), LOSS_CHUNK);
}

uint64_t cgv_loss_scratch(cgv_tensor x) {
    return (uint64_t)chunk_count(x) * sizeof(float);
}

void cgv_loss(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor x, cgv_tensor other, uint64_t scratch,
              const cgv_loss_params *params) {
    uint32_t subgroup = cgv_device_limits(cgv_cmd_device(cmd))->subgroup;
    float scale = params->weight / (float)element_count(x);
    bool l1 = params->kind == CGV_LOSS_L1, gradient = dx.address != 0;
    if (gradient && params->accumulate)
        cgv_cmd_read(cmd, dx.address, cgv_tensor_bytes(x));
    struct loss_push push = {
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .other = l1 ? cgv_cmd_read(cmd, other.address, cgv_tensor_bytes(x)) : 0,
        .dx = gradient ? cgv_cmd_write(cmd, dx.address, cgv_tensor_bytes(x)) : 0,
        .partial = cgv_cmd_write(cmd, scratch, cgv_loss_scratch(x)),
        .count = element_count(x),
        .target = params->target,
        .grad_scale = scale,
    };
    cgv_cmd_dispatch(cmd, &(cgv_dispatch){
                              .shader = &cgv_shader_loss,
                              .local = {subgroup, 1},
                              .groups = {(uint32_t)chunk_count(x), 1, 1},
                              .spec = {params->kind, gradient, params->accumulate},
                              .spec_count = 3,
                              .push = &push,
                              .push_bytes = sizeof push,
                          });
    cgv_cmd_read(cmd, params->value, sizeof(float));
    struct loss_merge_push merge = {
        .partial = cgv_cmd_read(cmd, scratch, cgv_loss_scratch(x)),
        .loss = cgv_cmd_write(cmd, params->value, sizeof(float)),
        .chunks = chunk_count(x),
        .scale = scale,
    };
    cgv_cmd_dispatch(cmd, &(cgv_dispatch){
                              .shader = &cgv_shader_loss_merge,
                              .local = {subgroup, 1},
                              .groups = {1, 1, 1},
                              .push = &merge,
                              .push_bytes = sizeof merge,
                          });
}
