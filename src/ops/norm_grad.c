// Gradients of instance normalisation, and sums over planes.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "norm_grad.h"
#include "plane_merge.h"
#include "plane_sums.h"

static int chunks(cgv_tensor x) {
    return cgv_divide_up(x.h * x.w, PLANE_CHUNK);
}

static uint64_t sums_bytes(cgv_tensor x) {
    return (uint64_t)x.n * (uint64_t)x.c * 2 * sizeof(float);
}

uint64_t cgv_channel_sums_scratch(cgv_tensor x) {
    return sums_bytes(x) * (uint64_t)(1 + chunks(x));
}

// scratch: sums [N, C, 2] of g and g * xhat, then the partial sums; dshift += sum of g over n,
// dscale += sum of g * xhat. stats 0: no xhat, the second sum is 0.
static void sum_planes(cgv_cmd *cmd, cgv_tensor dy, cgv_tensor y, cgv_tensor x, uint64_t stats,
                       uint64_t dscale, uint64_t dshift, uint64_t scratch,
                       const cgv_norm_params *params) {
    uint64_t partial_bytes = sums_bytes(dy) * (uint64_t)chunks(dy);
    uint64_t partial = scratch + sums_bytes(dy), channel_bytes = (uint64_t)dy.c * sizeof(float);
    bool activated = params->activation != CGV_ACT_NONE;
    struct plane_sums_push sums = {
        .dy = cgv_cmd_read(cmd, dy.address, cgv_tensor_bytes(dy)),
        .y = activated ? cgv_cmd_read(cmd, y.address, cgv_tensor_bytes(y)) : 0,
        .x = stats ? cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)) : 0,
        .stats = cgv_read_if(cmd, stats, sums_bytes(dy)),
        .partial = cgv_cmd_write(cmd, partial, partial_bytes),
        .plane = dy.h * dy.w,
        .planes = dy.n * dy.c,
        .chunks = chunks(dy),
        .slope = params->slope,
    };
    cgv_dispatch dispatch = {
        .shader = &cgv_shader_plane_sums,
        .local = {cgv_device_limits(cgv_cmd_device(cmd))->subgroup, 1},
        .groups = {(uint32_t)chunks(dy)},
        .spec = {params->activation, stats != 0},
        .spec_count = 2,
        .push = &sums,
        .push_bytes = sizeof sums,
    };
    cgv_spread_planes(dispatch.groups + 1, dy.n * dy.c);
    cgv_cmd_dispatch(cmd, &dispatch);

    struct plane_merge_push merge = {
        .partial = cgv_cmd_read(cmd, partial, partial_bytes),
        .sums = cgv_cmd_write(cmd, scratch, sums_bytes(dy)),
        .dshift = cgv_update_if(cmd, dshift, channel_bytes),
        .dscale = cgv_update_if(cmd, dscale, channel_bytes),
        .batch = dy.n,
        .channels = dy.c,
        .chunks = chunks(dy),
    };
    cgv_dispatch_linear(cmd, (uint64_t)dy.c,
                        (cgv_dispatch){.shader = &cgv_shader_plane_merge,
                                       .push = &merge,
                                       .push_bytes = sizeof merge});
}

void cgv_channel_sums(cgv_cmd *cmd, uint64_t sums, cgv_tensor x, uint64_t scratch) {
    sum_planes(cmd, x, (cgv_tensor){0}, (cgv_tensor){0}, 0, 0, sums, scratch,
               &(cgv_norm_params){0});
}

uint64_t cgv_instance_norm_grad_scratch(cgv_tensor x) {
    return cgv_channel_sums_scratch(x);
}

void cgv_instance_norm_grad(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dy, cgv_tensor y, cgv_tensor x,
                            uint64_t stats, uint64_t dscale, uint64_t dshift, uint64_t scratch,
                            const cgv_norm_params *params) {
    const cgv_limits *limits = cgv_device_limits(cgv_cmd_device(cmd));
    bool activated = params->activation != CGV_ACT_NONE;
    // Gradients of scale and shift are sums over pictures; dx does not depend on who wants them.
    bool affine = params->scale || dscale || dshift;
    // Not by the number of threads: the order of the sums is another one, and a training's bytes
    // must not depend on how many there are.
    bool few = x.h * x.w <= 32 * (int)limits->subgroup;
    bool at_once = !affine && (limits->cpu || few);
    if (!at_once)
        sum_planes(cmd, dy, y, x, stats, dscale, dshift, scratch, params);
    struct norm_grad_push push = {
        .dx = cgv_cmd_write(cmd, dx.address, cgv_tensor_bytes(dx)),
        .dy = cgv_cmd_read(cmd, dy.address, cgv_tensor_bytes(dy)),
        .y = activated ? cgv_cmd_read(cmd, y.address, cgv_tensor_bytes(y)) : 0,
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .stats = cgv_cmd_read(cmd, stats, sums_bytes(x)),
        .sums = at_once ? 0 : cgv_cmd_read(cmd, scratch, sums_bytes(x)),
        .scale = cgv_read_if(cmd, params->scale, (uint64_t)x.c * sizeof(float)),
        .plane = x.h * x.w,
        .planes = x.n * x.c,
        .channels = x.c,
        .slope = params->slope,
    };
    cgv_dispatch dispatch = {
        .shader = at_once ? &cgv_shader_norm_grad_plane : &cgv_shader_norm_grad,
        .local = {limits->subgroup, 1},
        .groups = {1, 1, 1},
        .spec = {params->activation, push.plane % 2 == 0},
        .spec_count = 2,
        .push = &push,
        .push_bytes = sizeof push,
    };
    if (!at_once)
        dispatch.groups[0] = (uint32_t)cgv_divide_up(push.plane, NORM_GRAD_CHUNK);
    cgv_spread_planes(dispatch.groups + (at_once ? 0 : 1), push.planes);
    cgv_cmd_dispatch(cmd, &dispatch);
}
