// Rectangles of tensors, for pictures that are worked on tile by tile.
#include "ops/dispatch.h"
#include "ops/ops.h"
#include "shaders.h"

#include "region_copy.h"
#include "region_merge.h"
#include "region_moments.h"

enum { MOMENTS = 3 };

// Bytes from a tensor's begin to an element of its first plane.
static uint64_t offset_of(cgv_tensor t, int y, int x) {
    return ((uint64_t)y * (uint64_t)t.w + (uint64_t)x) * sizeof(float);
}

void cgv_region_copy(cgv_cmd *cmd, cgv_tensor y, int to_y, int to_x, cgv_tensor x,
                     cgv_region region) {
    uint64_t count = (uint64_t)x.n * (uint64_t)x.c * (uint64_t)region.h * (uint64_t)region.w;
    struct region_copy_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)) + offset_of(y, to_y, to_x),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)) + offset_of(x, region.y, region.x),
        .w = region.w,
        .rows = region.h,
        .x_row = x.w,
        .x_plane = x.h * x.w,
        .y_row = y.w,
        .y_plane = y.h * y.w,
        .count = (int)count,
    };
    cgv_dispatch_linear(cmd, count,
                        (cgv_dispatch){.shader = &cgv_shader_region_copy,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

int cgv_region_stripes(cgv_region region) {
    return cgv_divide_up(region.h, REGION_STRIPE);
}

uint64_t cgv_region_moments_bytes(cgv_tensor x, int stripes) {
    return (uint64_t)x.n * (uint64_t)x.c * (uint64_t)stripes * MOMENTS * sizeof(float);
}

void cgv_region_moments(cgv_cmd *cmd, uint64_t moments, cgv_tensor x, cgv_region region) {
    int stripes = cgv_region_stripes(region);
    struct region_moments_push push = {
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)) + offset_of(x, region.y, region.x),
        .moments = cgv_cmd_write(cmd, moments, cgv_region_moments_bytes(x, stripes)),
        .w = region.w,
        .rows = region.h,
        .row = x.w,
        .plane = x.h * x.w,
        .planes = x.n * x.c,
    };
    cgv_dispatch dispatch = {
        .shader = &cgv_shader_region_moments,
        .local = {cgv_device_limits(cgv_cmd_device(cmd))->subgroup, 1},
        .groups = {(uint32_t)stripes},
        .push = &push,
        .push_bytes = sizeof push,
    };
    cgv_spread_planes(dispatch.groups + 1, push.planes);
    cgv_cmd_dispatch(cmd, &dispatch);
}

void cgv_region_stats(cgv_cmd *cmd, uint64_t stats, uint64_t moments, cgv_tensor x, int stripes,
                      uint64_t keep, float epsilon) {
    int planes = x.n * x.c;
    uint64_t stats_bytes = (uint64_t)planes * 2 * sizeof(float);
    if (keep) // what stats held before is read, too
        cgv_cmd_read(cmd, stats, stats_bytes);
    struct region_merge_push push = {
        .moments = cgv_cmd_read(cmd, moments, cgv_region_moments_bytes(x, stripes)),
        .stats = cgv_cmd_write(cmd, stats, stats_bytes),
        .keep = cgv_read_if(cmd, keep, sizeof(float)),
        .parts = stripes,
        .planes = planes,
        .epsilon = epsilon,
    };
    cgv_dispatch dispatch = {
        .shader = &cgv_shader_region_merge,
        .local = {cgv_device_limits(cgv_cmd_device(cmd))->subgroup, 1},
        .groups = {1, 1, 1},
        .push = &push,
        .push_bytes = sizeof push,
    };
    cgv_spread_planes(dispatch.groups, planes);
    cgv_cmd_dispatch(cmd, &dispatch);
}
