// Convolution and transposed convolution: choice of register tile, packing of weights, dispatch.
#include "ops/choose.h"
#include "ops/conv_internal.h"
#include "ops/dispatch.h"
#include "ops/ops.h"
#include "shaders.h"

#include "conv.h"
#include "conv_pack.h"

// The register tile of a lane: pixels (transposed: cells of 2x2 outputs).
typedef struct conv_tile {
    int x, y;
} conv_tile;

static int group_cout(const cgv_conv_params *params) {
    return params->cout / params->groups;
}

// Output channels of a block: at most 8, which is what the register file holds beside the tile, or
// 16 for 1x1 kernels, whose tile is small; and as even a split as possible.
static int block_size(const cgv_conv_params *params) {
    int cout = group_cout(params);
    int most = params->kernel == 1 ? 16 : 8;
    return cgv_divide_up(cout, cgv_divide_up(cout, most));
}

static int block_count(const cgv_conv_params *params) {
    return cgv_divide_up(group_cout(params), block_size(params));
}

// Floats of one input channel's weights in one block; even, so that they load in pairs.
static int weight_run(const cgv_conv_params *params) {
    return cgv_divide_up(params->kernel * params->kernel * block_size(params), 2) * 2;
}

// The last subgroup-wide load reads beyond the last run: up to two floats a lane.
enum { BEHIND_RUNS = 2 * 128 };

static int64_t packed_floats(const cgv_conv_params *params) {
    int64_t blocks = (int64_t)params->groups * block_count(params);
    return blocks * (params->cin / params->groups) * weight_run(params) + BEHIND_RUNS;
}

bool cgv_conv_winograd_fits(const cgv_conv_params *params) {
    return cgv_winograd_fits(params);
}

uint64_t cgv_conv_packed_bytes(const cgv_conv_params *params) {
    return params->choice.winograd ? cgv_winograd_packed_bytes(params)
                                   : (uint64_t)packed_floats(params) * sizeof(float);
}

uint64_t cgv_conv_scratch(const cgv_device *device, cgv_tensor x, const cgv_conv_params *params) {
    return params->choice.winograd ? cgv_winograd_scratch(device, x, params) : 0;
}

static uint64_t weight_bytes(const cgv_conv_params *params) {
    return (uint64_t)params->cout * (uint64_t)(params->cin / params->groups) *
           (uint64_t)(params->kernel * params->kernel) * sizeof(float);
}

void cgv_conv_pack(cgv_cmd *cmd, uint64_t packed, uint64_t weights, const cgv_conv_params *params) {
    if (params->choice.winograd) {
        cgv_winograd_pack(cmd, packed, weights, params);
        return;
    }
    struct conv_pack_push push = {
        .packed = cgv_cmd_write(cmd, packed, cgv_conv_packed_bytes(params)),
        .weights = cgv_cmd_read(cmd, weights, weight_bytes(params)),
        .cin = params->cin / params->groups,
        .cout = group_cout(params),
        .blocks = block_count(params),
        .taps = params->kernel * params->kernel,
        .run = weight_run(params),
        .behind = BEHIND_RUNS,
    };
    cgv_cmd_dispatch(
        cmd,
        &(cgv_dispatch){
            .shader = &cgv_shader_conv_pack,
            .local = {cgv_device_limits(cgv_cmd_device(cmd))->subgroup, 1},
            .groups = {(uint32_t)push.cin, (uint32_t)(params->groups * push.blocks), 1},
            .spec = {params->transposed || params->mirrored, params->mirrored, block_size(params)},
            .spec_count = 3,
            .push = &push,
            .push_bytes = sizeof push});
}

static int tile_count(conv_tile tile, int width, int height) {
    return cgv_divide_up(width, tile.x) * cgv_divide_up(height, tile.y);
}

// What a picture costs with this tile: lanes idle beyond its end work too, and a tile loads
// x + kernel - 1 columns for x results. The weights of both were fitted on lavapipe.
static int64_t picture_cost(conv_tile tile, int width, int height, int kernel, int subgroup) {
    int64_t runs = cgv_divide_up(tile_count(tile, width, height), subgroup);
    return runs * tile.y * (2 * tile.x + kernel);
}

// A GPU hides the time of loads by having many subgroups at hand, several a scheduler: where
// large tiles give too few, smaller ones win, though each loaded value serves fewer products.
static conv_tile filling_tile(conv_tile tile, int width, int height, int blocks, int subgroup) {
    enum { SUBGROUPS = 1024 };
    while (tile.x * tile.y > 1 &&
           (int64_t)blocks * cgv_divide_up(tile_count(tile, width, height), subgroup) < SUBGROUPS) {
        if (tile.y >= tile.x)
            tile.y /= 2;
        else
            tile.x /= 2;
    }
    return tile;
}

// blocks: of output channels, of all pictures.
static conv_tile choose_tile(const cgv_conv_params *params, const cgv_limits *limits, int out_w,
                             int out_h, int blocks) {
    bool high = params->kernel == 3 && params->stride == 1 && !limits->few_registers;
    int rows = high ? 4 : 2;
    int columns = 4;
    if (params->transposed) {
        out_w = cgv_divide_up(out_w, 2);
        out_h = cgv_divide_up(out_h, 2);
        rows = columns = 2;
    }
    while (rows > 1 && rows > out_h)
        rows /= 2;
    int subgroup = (int)limits->subgroup;
    conv_tile best = {columns, rows};
    if (!limits->cpu)
        return filling_tile(best, out_w, out_h, blocks, subgroup);
    for (int x = columns / 2; x >= 1; x /= 2) {
        conv_tile tile = {x, rows};
        if (picture_cost(tile, out_w, out_h, params->kernel, subgroup) <
            picture_cost(best, out_w, out_h, params->kernel, subgroup))
            best = tile;
    }
    return best;
}

static conv_tile rule_tile(const cgv_limits *limits, cgv_tensor y, cgv_tensor x,
                           const cgv_conv_params *params) {
    return choose_tile(params, limits, y.w, y.h, x.n * params->groups * block_count(params));
}

cgv_conv_choice cgv_conv_rule_direct(const cgv_device *device, cgv_tensor y, cgv_tensor x,
                                     const cgv_conv_params *params) {
    conv_tile tile = rule_tile(cgv_device_limits(device), y, x, params);
    return (cgv_conv_choice){.tile_x = tile.x, .tile_y = tile.y};
}

// Whether conv_direct.comp may load pairs of columns; see there.
static bool pairs_fit(const cgv_conv_params *params, conv_tile tile, int w, int out_w) {
    bool even = w % 2 == 0 && (params->stride == 2 || tile.x % 2 == 0);
    bool mendable = params->pad_mode == CGV_PAD_ZERO ||
                    (params->stride == 1 && out_w == w && out_w % tile.x == 0 &&
                     2 * params->pad + 1 == params->kernel && params->pad <= tile.x);
    return even && mendable;
}

static void conv_direct(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t packed, uint64_t bias,
                        const cgv_conv_params *params) {
    const cgv_limits *limits = cgv_device_limits(cgv_cmd_device(cmd));
    int blocks = block_count(params);
    conv_tile tile = {params->choice.tile_x, params->choice.tile_y};
    if (!tile.x)
        tile = rule_tile(limits, y, x, params);
    struct conv_push push = {
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .weights = cgv_cmd_read(cmd, packed, cgv_conv_packed_bytes(params)),
        .bias = bias ? cgv_cmd_read(cmd, bias, (uint64_t)params->cout * sizeof(float)) : 0,
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .h = x.h,
        .w = x.w,
        .out_h = y.h,
        .out_w = y.w,
        .cin = params->cin / params->groups,
        .cout = group_cout(params),
        .groups = params->groups,
        .blocks = blocks,
        .slope = params->slope,
    };
    cgv_dispatch dispatch = {
        .local = {limits->subgroup, limits->cpu ? 1 : 4},
        .push = &push,
        .push_bytes = sizeof push,
    };
    bool wide = params->exact && limits->wide_sums;
    int cells_w = y.w, cells_h = y.h;
    if (params->transposed) {
        cells_w = cgv_divide_up(y.w, 2);
        cells_h = cgv_divide_up(y.h, 2);
        dispatch.shader = wide ? &cgv_shader_conv_transposed_wide : &cgv_shader_conv_transposed;
        dispatch.spec_count = 7;
        const int32_t spec[] = {params->kernel,     params->pad,        tile.x,      tile.y,
                                block_size(params), params->activation, y.w % 2 == 0};
        for (int i = 0; i < dispatch.spec_count; i++)
            dispatch.spec[i] = spec[i];
    } else {
        dispatch.shader = wide ? &cgv_shader_conv_direct_wide : &cgv_shader_conv_direct;
        dispatch.spec_count = 10;
        const int32_t spec[] = {params->kernel,
                                params->stride,
                                params->pad,
                                params->pad_mode,
                                tile.x,
                                tile.y,
                                block_size(params),
                                params->activation,
                                pairs_fit(params, tile, x.w, y.w),
                                params->exact};
        for (int i = 0; i < dispatch.spec_count; i++)
            dispatch.spec[i] = spec[i];
    }
    // Blocks vary fastest, so that what one tile reads is still in the cache for the next block.
    dispatch.groups[0] = (uint32_t)(x.n * params->groups * blocks);
    cgv_spread_planes(dispatch.groups + 1,
                      cgv_divide_up(tile_count(tile, cells_w, cells_h),
                                    (int)(dispatch.local[0] * dispatch.local[1])));
    cgv_cmd_dispatch(cmd, &dispatch);
}

void cgv_conv(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t packed, uint64_t bias,
              uint64_t scratch, const cgv_conv_params *params) {
    if (params->choice.winograd)
        cgv_winograd(cmd, y, x, packed, bias, scratch, params);
    else
        conv_direct(cmd, y, x, packed, bias, params);
}
