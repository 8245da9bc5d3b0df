// Pixels in half precision: conversions and instance norm.
#include "ops/dispatch.h"
#include "ops/matrix_internal.h"
#include "shaders.h"

#include "pixels_gather.h"
#include "pixels_norm_apply.h"
#include "pixels_norm_merge.h"
#include "pixels_norm_partial.h"
#include "pixels_scatter.h"

#define STORED_MULTIPLE 32
#define PIECE           8 // halves that one invocation takes

_Static_assert(STORED_MULTIPLE % PIXELS_NORM_CHANNELS == 0, "whole workgroups of a norm");

int cgv_pixels_stored(int channels) {
    return cgv_divide_up(channels, STORED_MULTIPLE) * STORED_MULTIPLE;
}

static uint64_t stored_halves(cgv_pixels p) {
    return (uint64_t)p.n * (uint64_t)p.h * (uint64_t)p.w * (uint64_t)cgv_pixels_stored(p.c);
}

uint64_t cgv_pixels_bytes(cgv_pixels p) {
    return stored_halves(p) * 2;
}

void cgv_pixels_gather(cgv_cmd *cmd, cgv_pixels y, cgv_tensor x, int columns, int pad,
                       cgv_pad_mode pad_mode) {
    struct pixels_gather_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_pixels_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .count = (int)(stored_halves(y) / PIECE),
        .plane = x.h * x.w,
        .w = x.w,
        .channels = x.c,
        .stored = cgv_pixels_stored(y.c),
    };
    cgv_dispatch_linear(cmd, (uint64_t)push.count,
                        (cgv_dispatch){.shader = &cgv_shader_pixels_gather,
                                       .spec = {columns, pad, (int32_t)pad_mode},
                                       .spec_count = 3,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_pixels_scatter(cgv_cmd *cmd, cgv_tensor y, cgv_pixels x,
                        const cgv_scatter_params *params) {
    struct pixels_scatter_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_pixels_bytes(x)),
        .bias = cgv_read_if(cmd, params->bias, (uint64_t)y.c * sizeof(float)),
        .count = (int)(cgv_tensor_bytes(y) / sizeof(float)),
        .plane = y.h * y.w,
        .w = y.w,
        .channels = y.c,
        .stored = cgv_pixels_stored(x.c),
        .slope = params->slope,
    };
    cgv_dispatch_linear(
        cmd, (uint64_t)push.count,
        (cgv_dispatch){.shader = &cgv_shader_pixels_scatter,
                       .spec = {params->columns, params->pad, (int32_t)params->pad_mode,
                                (int32_t)params->activation},
                       .spec_count = 4,
                       .push = &push,
                       .push_bytes = sizeof push});
}

void cgv_pixels_from_planes(cgv_cmd *cmd, cgv_pixels y, cgv_tensor x) {
    cgv_pixels_gather(cmd, y, x, 1, 0, CGV_PAD_ZERO);
}

void cgv_pixels_to_planes(cgv_cmd *cmd, cgv_tensor y, cgv_pixels x) {
    cgv_pixels_scatter(cmd, y, x, &(cgv_scatter_params){.columns = 1});
}

// ---- instance norm ----

static int chunks(cgv_pixels x) {
    return cgv_divide_up(x.h * x.w, PIXELS_NORM_CHUNK);
}

uint64_t cgv_pixels_stats_bytes(cgv_pixels x) {
    return (uint64_t)x.n * (uint64_t)cgv_pixels_stored(x.c) * 2 * sizeof(float);
}

uint64_t cgv_pixels_norm_scratch(cgv_pixels x) {
    return cgv_pixels_stats_bytes(x) * (uint64_t)chunks(x);
}

void cgv_pixels_norm_stats(cgv_cmd *cmd, uint64_t stats, cgv_pixels x, uint64_t scratch,
                           uint64_t keep, float epsilon) {
    enum { PAIRS = 16 }; // what the stored channels are a multiple of; 64 bytes of a pixel
    uint32_t rows = cgv_device_limits(cgv_cmd_device(cmd))->cpu ? 1 : 8;
    int stored = cgv_pixels_stored(x.c);
    struct pixels_norm_partial_push partial = {
        .x = cgv_cmd_read(cmd, x.address, cgv_pixels_bytes(x)),
        .partial = cgv_cmd_write(cmd, scratch, cgv_pixels_norm_scratch(x)),
        .plane = x.h * x.w,
        .stored = stored,
        .chunks = chunks(x),
    };
    cgv_cmd_dispatch(cmd,
                     &(cgv_dispatch){
                         .shader = &cgv_shader_pixels_norm_partial,
                         .local = {PAIRS, rows},
                         .groups = {(uint32_t)(stored / 2 / PAIRS),
                                    (uint32_t)cgv_divide_up(chunks(x), (int)rows), (uint32_t)x.n},
                         .push = &partial,
                         .push_bytes = sizeof partial,
                     });
    if (keep) // what stats held before is read, too
        cgv_cmd_read(cmd, stats, cgv_pixels_stats_bytes(x));
    struct pixels_norm_merge_push merge = {
        .partial = cgv_cmd_read(cmd, scratch, cgv_pixels_norm_scratch(x)),
        .stats = cgv_cmd_write(cmd, stats, cgv_pixels_stats_bytes(x)),
        .keep = cgv_read_if(cmd, keep, sizeof(float)),
        .plane = x.h * x.w,
        .stored = stored,
        .chunks = chunks(x),
        .chunk = PIXELS_NORM_CHUNK,
        .epsilon = epsilon,
    };
    cgv_cmd_dispatch(cmd,
                     &(cgv_dispatch){
                         .shader = &cgv_shader_pixels_norm_merge,
                         .local = {PIXELS_NORM_CHANNELS, PIXELS_NORM_SLICES},
                         .groups = {(uint32_t)(stored / PIXELS_NORM_CHANNELS), (uint32_t)x.n, 1},
                         .push = &merge,
                         .push_bytes = sizeof merge,
                     });
}

void cgv_pixels_norm(cgv_cmd *cmd, cgv_pixels y, cgv_pixels x, uint64_t stats, cgv_pixels residual,
                     const cgv_norm_params *params) {
    uint64_t channel_bytes = (uint64_t)x.c * sizeof(float);
    struct pixels_norm_apply_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_pixels_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_pixels_bytes(x)),
        .stats = cgv_read_if(cmd, stats, cgv_pixels_stats_bytes(x)),
        .residual = cgv_read_if(cmd, residual.address, cgv_pixels_bytes(x)),
        .scale = cgv_read_if(cmd, params->scale, channel_bytes),
        .shift = cgv_read_if(cmd, params->shift, channel_bytes),
        .count = (int)(stored_halves(x) / PIECE),
        .plane = x.h * x.w,
        .stored = cgv_pixels_stored(x.c),
        .channels = x.c,
        .slope = params->slope,
    };
    cgv_dispatch_linear(
        cmd, (uint64_t)push.count,
        (cgv_dispatch){.shader = &cgv_shader_pixels_norm_apply,
                       .spec = {(int32_t)params->activation, residual.address != 0, stats != 0},
                       .spec_count = 3,
                       .push = &push,
                       .push_bytes = sizeof push});
}
