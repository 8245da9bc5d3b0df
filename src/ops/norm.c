// Instance normalisation.
#include "ops/dispatch.h"
#include "ops/ops.h"
#include "shaders.h"

#include "norm_apply.h"
#include "norm_merge.h"
#include "norm_partial.h"
#include "norm_plane.h"

#define PER_LANE 8

static int chunks(cgv_tensor x) {
    return cgv_divide_up(x.h * x.w, NORM_CHUNK);
}

uint64_t cgv_instance_norm_scratch(cgv_tensor x) {
    return (uint64_t)x.n * (uint64_t)x.c * (uint64_t)chunks(x) * 2 * sizeof(float);
}

static uint64_t stats_bytes(cgv_tensor x) {
    return (uint64_t)x.n * (uint64_t)x.c * 2 * sizeof(float);
}

void cgv_instance_norm_stats(cgv_cmd *cmd, uint64_t stats, cgv_tensor x, uint64_t scratch,
                             uint64_t keep, float epsilon) {
    uint32_t subgroup = cgv_device_limits(cgv_cmd_device(cmd))->subgroup;
    uint64_t scratch_bytes = cgv_instance_norm_scratch(x);
    int planes = x.n * x.c;
    struct norm_partial_push partial = {
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .partial = cgv_cmd_write(cmd, scratch, scratch_bytes),
        .plane = x.h * x.w,
        .planes = planes,
        .chunks = chunks(x),
    };
    cgv_dispatch dispatch = {
        .shader = &cgv_shader_norm_partial,
        .local = {subgroup, 1},
        .groups = {(uint32_t)chunks(x)},
        .spec = {x.h * x.w % 2 == 0},
        .spec_count = 1,
        .push = &partial,
        .push_bytes = sizeof partial,
    };
    cgv_spread_planes(dispatch.groups + 1, planes);
    cgv_cmd_dispatch(cmd, &dispatch);

    if (keep) // what stats held before is read, too
        cgv_cmd_read(cmd, stats, stats_bytes(x));
    struct norm_merge_push merge = {
        .partial = cgv_cmd_read(cmd, scratch, scratch_bytes),
        .stats = cgv_cmd_write(cmd, stats, stats_bytes(x)),
        .keep = cgv_read_if(cmd, keep, sizeof(float)),
        .plane = x.h * x.w,
        .planes = planes,
        .chunks = chunks(x),
        .chunk = NORM_CHUNK,
        .epsilon = epsilon,
    };
    dispatch = (cgv_dispatch){
        .shader = &cgv_shader_norm_merge,
        .local = {subgroup, 1},
        .groups = {1, 1, 1},
        .push = &merge,
        .push_bytes = sizeof merge,
    };
    cgv_spread_planes(dispatch.groups, planes);
    cgv_cmd_dispatch(cmd, &dispatch);
}

void cgv_instance_norm(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t stats,
                       cgv_tensor residual, const cgv_norm_params *params) {
    uint32_t local = cgv_device_limits(cgv_cmd_device(cmd))->cpu ? 32 : 128;
    uint64_t channel_bytes = (uint64_t)x.c * sizeof(float);
    struct norm_apply_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .stats = cgv_cmd_read(cmd, stats, stats_bytes(x)),
        .residual = cgv_read_if(cmd, residual.address, cgv_tensor_bytes(x)),
        .scale = cgv_read_if(cmd, params->scale, channel_bytes),
        .shift = cgv_read_if(cmd, params->shift, channel_bytes),
        .plane = x.h * x.w,
        .planes = x.n * x.c,
        .channels = x.c,
        .slope = params->slope,
    };
    cgv_dispatch dispatch = {
        .shader = &cgv_shader_norm_apply,
        .local = {local, 1},
        .groups = {(uint32_t)cgv_divide_up(x.h * x.w, (int)local * PER_LANE)},
        .spec = {params->activation, residual.address != 0, x.h * x.w % 2 == 0, PER_LANE},
        .spec_count = 4,
        .push = &push,
        .push_bytes = sizeof push,
    };
    cgv_spread_planes(dispatch.groups + 1, x.n * x.c);
    cgv_cmd_dispatch(cmd, &dispatch);
}

bool cgv_instance_norm_at_once(const cgv_device *device, cgv_tensor x) {
    const cgv_limits *limits = cgv_device_limits(device);
    // A CPU passes a plane through in the same time, if there are enough of them to share out.
    bool quick = x.h * x.w <= 32 * (int)limits->subgroup;
    return quick || (limits->cpu && x.n * x.c >= 2 * limits->threads);
}

void cgv_instance_norm_whole(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t stats,
                             uint64_t keep, float epsilon, cgv_tensor residual,
                             const cgv_norm_params *params) {
    uint64_t channel_bytes = (uint64_t)x.c * sizeof(float);
    if (keep) // what stats held before is read, too
        cgv_cmd_read(cmd, stats, stats_bytes(x));
    struct norm_plane_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .stats = cgv_cmd_write(cmd, stats, stats_bytes(x)),
        .keep = cgv_read_if(cmd, keep, sizeof(float)),
        .residual = cgv_read_if(cmd, residual.address, cgv_tensor_bytes(x)),
        .scale = cgv_read_if(cmd, params->scale, channel_bytes),
        .shift = cgv_read_if(cmd, params->shift, channel_bytes),
        .plane = x.h * x.w,
        .planes = x.n * x.c,
        .channels = x.c,
        .slope = params->slope,
        .epsilon = epsilon,
    };
    cgv_dispatch dispatch = {
        .shader = &cgv_shader_norm_plane,
        .local = {cgv_device_limits(cgv_cmd_device(cmd))->subgroup, 1},
        .groups = {1, 1, 1},
        .spec = {params->activation, residual.address != 0, x.h * x.w % 2 == 0},
        .spec_count = 3,
        .push = &push,
        .push_bytes = sizeof push,
    };
    cgv_spread_planes(dispatch.groups, push.planes);
    cgv_cmd_dispatch(cmd, &dispatch);
}
