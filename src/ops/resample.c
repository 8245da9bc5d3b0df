// Changes of resolution.
#include "ops/dispatch.h"
#include "ops/ops.h"
#include "shaders.h"

#include "shrink.h"
#include "upsample.h"
#include "warp.h"

void cgv_upsample(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, int factor, cgv_upsample_mode mode) {
    bool bilinear = mode == CGV_UPSAMPLE_BILINEAR;
    uint64_t count = cgv_tensor_bytes(bilinear ? y : x) / sizeof(float);
    struct upsample_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .h = x.h,
        .w = x.w,
        .count = (int)count,
    };
    cgv_dispatch_linear(cmd, count,
                        (cgv_dispatch){.shader = &cgv_shader_upsample,
                                       .spec = {bilinear, factor},
                                       .spec_count = 2,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_shrink(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x) {
    uint64_t count = cgv_tensor_bytes(y) / sizeof(float);
    // One more than it covers: devices divide almost exactly, and it may begin a column early.
    int columns = cgv_divide_up(x.w, y.w) + 1, pairs = x.w % 2 == 0;
    int loads = pairs ? columns / 2 + 1 : columns; // an element may begin with the second of a pair
    struct shrink_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .h = x.h,
        .w = x.w,
        .out_h = y.h,
        .out_w = y.w,
        .count = (int)count,
    };
    cgv_dispatch_linear(cmd, count,
                        (cgv_dispatch){.shader = &cgv_shader_shrink,
                                       .spec = {loads, pairs},
                                       .spec_count = 2,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_warp(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t maps) {
    uint64_t count = cgv_tensor_bytes(y) / sizeof(float);
    struct warp_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .maps = cgv_cmd_read(cmd, maps, (uint64_t)x.n * sizeof(cgv_warp_map)),
        .h = x.h,
        .w = x.w,
        .picture = x.c * x.h * x.w,
        .count = (int)count,
    };
    cgv_dispatch_linear(
        cmd, count,
        (cgv_dispatch){.shader = &cgv_shader_warp, .push = &push, .push_bytes = sizeof push});
}
