#include "ops/steady.h"

#include "ops/dispatch.h"
#include "ops/steady_internal.h"
#include "shaders.h"

#include "steady_blend.h"
#include "steady_keep.h"
#include "steady_luma.h"
#include "steady_mix.h"
#include "steady_motion.h"
#include "steady_offsets.h"

void cgv_steady_luma(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x) {
    uint64_t count = cgv_tensor_bytes(y) / sizeof(float);
    struct steady_luma_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .count = (int)count,
    };
    cgv_dispatch_linear(cmd, count,
                        (cgv_dispatch){.shader = &cgv_shader_steady_luma,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_steady_keep(cgv_cmd *cmd, uint64_t state, cgv_tensor last, cgv_tensor now, uint64_t begins,
                     float weight) {
    cgv_cmd_read(cmd, state, CGV_STEADY_STATE);
    struct steady_keep_push push = {
        .state = cgv_cmd_write(cmd, state, CGV_STEADY_STATE),
        .last = cgv_cmd_read(cmd, last.address, cgv_tensor_bytes(last)),
        .now = cgv_cmd_read(cmd, now.address, cgv_tensor_bytes(now)),
        .begins = cgv_cmd_read(cmd, begins, sizeof(uint32_t)),
        .h = now.h,
        .w = now.w,
        .weight = weight,
    };
    cgv_cmd_dispatch(cmd, &(cgv_dispatch){
                              .shader = &cgv_shader_steady_keep,
                              .local = {cgv_device_limits(cgv_cmd_device(cmd))->subgroup, 1},
                              .groups = {1, 1, 1},
                              .push = &push,
                              .push_bytes = sizeof push,
                          });
}

void cgv_steady_motion(cgv_cmd *cmd, cgv_tensor motion, cgv_tensor coarse, cgv_tensor now,
                       cgv_tensor last) {
    struct steady_motion_push push = {
        .motion = cgv_cmd_write(cmd, motion.address, cgv_tensor_bytes(motion)),
        .coarse = cgv_read_if(cmd, coarse.address, cgv_tensor_bytes(coarse)),
        .now = cgv_cmd_read(cmd, now.address, cgv_tensor_bytes(now)),
        .last = cgv_cmd_read(cmd, last.address, cgv_tensor_bytes(last)),
        .h = now.h,
        .w = now.w,
        .cells_h = motion.h,
        .cells_w = motion.w,
    };
    cgv_dispatch_linear(cmd, (uint64_t)motion.h * (uint64_t)motion.w,
                        (cgv_dispatch){.shader = &cgv_shader_steady_motion,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_steady_mix(cgv_cmd *cmd, cgv_tensor y, cgv_tensor average, cgv_tensor motion,
                    uint64_t state) {
    uint64_t bytes = cgv_tensor_bytes(y), count = bytes / sizeof(float);
    cgv_cmd_read(cmd, y.address, bytes);
    struct steady_mix_push push = {
        .y = cgv_cmd_write(cmd, y.address, bytes),
        .average = cgv_cmd_read(cmd, average.address, bytes),
        .motion = cgv_cmd_read(cmd, motion.address, cgv_tensor_bytes(motion)),
        .state = cgv_cmd_read(cmd, state, CGV_STEADY_STATE),
        .h = y.h,
        .w = y.w,
        .cells_h = motion.h,
        .cells_w = motion.w,
        .count = (int)count,
    };
    cgv_dispatch_linear(
        cmd, count,
        (cgv_dispatch){.shader = &cgv_shader_steady_mix, .push = &push, .push_bytes = sizeof push});
}

static uint64_t pixels_of(cgv_tensor y) {
    return (uint64_t)y.h * (uint64_t)y.w;
}

static uint64_t past_bytes(cgv_tensor y) {
    return 2 * pixels_of(y) * sizeof(uint64_t);
}

static int blocks(int side) {
    return cgv_divide_up(side, STEADY_BLOCK);
}

static uint64_t offset_bytes(cgv_tensor y) {
    return (uint64_t)blocks(y.h) * (uint64_t)blocks(y.w) * sizeof(uint32_t);
}

uint64_t cgv_steady_history_bytes(cgv_tensor y) {
    return past_bytes(y) + offset_bytes(y);
}

cgv_steady_places cgv_steady_find(cgv_cmd *cmd, cgv_tensor y, const cgv_past *past) {
    uint64_t offsets = past->history + past_bytes(y);
    struct steady_offsets_push push = {
        .offsets = cgv_cmd_write(cmd, offsets, offset_bytes(y)),
        .motion = cgv_cmd_read(cmd, past->motion.address, cgv_tensor_bytes(past->motion)),
        .h = y.h,
        .w = y.w,
        .blocks_w = blocks(y.w),
        .count = blocks(y.h) * blocks(y.w),
        .cells_h = past->motion.h,
        .cells_w = past->motion.w,
    };
    cgv_dispatch_linear(cmd, (uint64_t)push.count,
                        (cgv_dispatch){.shader = &cgv_shader_steady_offsets,
                                       .push = &push,
                                       .push_bytes = sizeof push});
    cgv_cmd_read(cmd, past->history, past_bytes(y));
    return (cgv_steady_places){
        .history = cgv_cmd_write(cmd, past->history, past_bytes(y)),
        .offsets = cgv_cmd_read(cmd, offsets, offset_bytes(y)),
        .state = cgv_cmd_read(cmd, past->state, CGV_STEADY_STATE),
        .blocks_w = push.blocks_w,
    };
}

void cgv_steady_blend(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, const cgv_past *past) {
    const cgv_steady_places places = cgv_steady_find(cmd, y, past);
    int pairs = y.w % 2 == 0;
    cgv_cmd_read(cmd, y.address, cgv_tensor_bytes(y));
    struct steady_blend_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .history = places.history,
        .offsets = places.offsets,
        .state = places.state,
        .h = y.h,
        .w = y.w,
        .blocks_w = places.blocks_w,
    };
    cgv_dispatch_linear(cmd, pixels_of(y) >> pairs,
                        (cgv_dispatch){.shader = &cgv_shader_steady_blend,
                                       .spec = {pairs},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}
