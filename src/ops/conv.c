// Convolution and transposed convolution: packing of weights, dispatch.
#include "ops/choose.h"
#include "ops/conv_internal.h"
#include "ops/dispatch.h"
#include "ops/ops.h"
#include "shaders.h"

#include "conv.h"
#include "conv_pack.h"

static int group_cout(const cgv_conv_params *params) {
    return params->cout / params->groups;
}

// Output channels of a block: as even a split as possible.
static int block_size(const cgv_conv_params *params) {
    int cout = group_cout(params), most = params->choice.tile_c ? params->choice.tile_c : 8;
    return cgv_divide_up(cout, cgv_divide_up(cout, most));
}

static int block_count(const cgv_conv_params *params) {
    return cgv_divide_up(group_cout(params), block_size(params));
}

static int tap_rows(const cgv_conv_params *params) {
    return params->choice.tap_rows ? params->choice.tap_rows : params->kernel;
}

// Floats of the weights that a kernel loads at once, of one input channel in one block; even, so
// that they load in pairs.
static int weight_run(const cgv_conv_params *params) {
    return cgv_divide_up(tap_rows(params) * params->kernel * block_size(params), 2) * 2;
}

static int weight_runs(const cgv_conv_params *params) {
    return params->kernel / tap_rows(params);
}

// The last subgroup-wide load reads beyond the last run: up to two floats a lane.
enum { BEHIND_RUNS = 2 * 128 };

static int64_t packed_floats(const cgv_conv_params *params) {
    int64_t blocks = (int64_t)params->groups * block_count(params);
    int64_t runs = blocks * (params->cin / params->groups) * weight_runs(params);
    return runs * weight_run(params) + BEHIND_RUNS;
}

bool cgv_conv_fits(cgv_conv_kernel kernel, const cgv_conv_params *params) {
    switch (kernel) {
    case CGV_CONV_DIRECT:
        break;
    case CGV_CONV_DEPTHWISE:
        return params->groups > 1 && params->groups == params->cin && params->cin == params->cout &&
               !params->transposed;
    case CGV_CONV_WINOGRAD:
        return cgv_winograd_fits(params);
    }
    return true;
}

uint64_t cgv_conv_packed_bytes(const cgv_conv_params *params) {
    return params->choice.kernel == CGV_CONV_WINOGRAD
               ? cgv_winograd_packed_bytes(params)
               : (uint64_t)packed_floats(params) * sizeof(float);
}

uint64_t cgv_conv_scratch(const cgv_device *device, cgv_tensor x, const cgv_conv_params *params) {
    return params->choice.kernel == CGV_CONV_WINOGRAD ? cgv_winograd_scratch(device, x, params) : 0;
}

static uint64_t weight_bytes(const cgv_conv_params *params) {
    return (uint64_t)params->cout * (uint64_t)(params->cin / params->groups) *
           (uint64_t)(params->kernel * params->kernel) * sizeof(float);
}

void cgv_conv_pack(cgv_cmd *cmd, uint64_t packed, uint64_t weights, const cgv_conv_params *params) {
    if (params->choice.kernel == CGV_CONV_WINOGRAD) {
        cgv_winograd_pack(cmd, packed, weights, params);
        return;
    }
    struct conv_pack_push push = {
        .packed = cgv_cmd_write(cmd, packed, cgv_conv_packed_bytes(params)),
        .weights = cgv_cmd_read(cmd, weights, weight_bytes(params)),
        .cin = params->cin / params->groups,
        .cout = group_cout(params),
        .blocks = block_count(params),
        .taps = tap_rows(params) * params->kernel,
        .runs = weight_runs(params),
        .run = weight_run(params),
        .behind = BEHIND_RUNS,
    };
    cgv_cmd_dispatch(cmd,
                     &(cgv_dispatch){.shader = &cgv_shader_conv_pack,
                                     .local = {cgv_device_limits(cgv_cmd_device(cmd))->subgroup, 1},
                                     .groups = {(uint32_t)(push.cin * push.runs),
                                                (uint32_t)(params->groups * push.blocks), 1},
                                     .spec = {params->transposed || params->mirrored,
                                              params->mirrored, block_size(params)},
                                     .spec_count = 3,
                                     .push = &push,
                                     .push_bytes = sizeof push});
}

// Whether the kernel may load pairs of columns where a lane has tile_x pixels of a row; see
// conv_direct.comp.
static bool pairs_fit(const cgv_conv_params *params, int tile_x, int w, int out_w) {
    bool even = w % 2 == 0 && (params->stride == 2 || tile_x % 2 == 0);
    bool mendable = params->pad_mode == CGV_PAD_ZERO ||
                    (params->stride == 1 && out_w == w && out_w % tile_x == 0 &&
                     2 * params->pad + 1 == params->kernel && params->pad <= tile_x);
    return even && mendable;
}

static void set_kernel(cgv_dispatch *dispatch, const cgv_shader *shader, const int32_t *spec,
                       int count) {
    dispatch->shader = shader;
    dispatch->spec_count = count;
    for (int i = 0; i < count; i++)
        dispatch->spec[i] = spec[i];
}
#define SET_KERNEL(dispatch, shader, ...)                                                          \
    set_kernel(dispatch, shader, (const int32_t[]){__VA_ARGS__},                                   \
               (int)(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))

// The shader and what it is compiled for. Returns how many lanes a block of channels takes.
static int choose_shader(cgv_dispatch *dispatch, cgv_conv_choice tile, cgv_tensor y, cgv_tensor x,
                         const cgv_conv_params *params, const cgv_limits *limits) {
    bool wide = params->exact && limits->wide_sums;
    bool even_rows = y.w % 2 == 0;
    int turn = cgv_conv_turn(params, limits);
    if (params->transposed) {
        SET_KERNEL(dispatch, wide ? &cgv_shader_conv_transposed_wide : &cgv_shader_conv_transposed,
                   params->kernel, params->pad, tile.tile_x, tile.tile_y, block_size(params),
                   params->activation, even_rows, turn);
        return cgv_conv_tiles(tile, cgv_divide_up(y.w, 2), cgv_divide_up(y.h, 2));
    }
    bool pairs = pairs_fit(params, tile.tile_x, x.w, y.w);
    bool pairs_out = even_rows && tile.tile_x % 2 == 0;
    if (tile.kernel == CGV_CONV_DEPTHWISE)
        SET_KERNEL(dispatch, &cgv_shader_conv_depthwise, params->kernel, params->stride,
                   params->pad, params->pad_mode, tile.tile_x, tile.tile_y, params->activation,
                   pairs, params->exact, pairs_out);
    else
        SET_KERNEL(dispatch, wide ? &cgv_shader_conv_direct_wide : &cgv_shader_conv_direct,
                   params->kernel, params->stride, params->pad, params->pad_mode, tile.tile_x,
                   tile.tile_y, block_size(params), params->activation, pairs, params->exact,
                   pairs_out, turn, tap_rows(params));
    return cgv_conv_tiles(tile, y.w, y.h);
}

// Every kernel but Winograd's.
static void sum_of_products(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t packed,
                            uint64_t bias, const cgv_conv_params *params) {
    cgv_device *device = cgv_cmd_device(cmd);
    const cgv_limits *limits = cgv_device_limits(device);
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
        .blocks = block_count(params),
        .slope = params->slope,
    };
    cgv_dispatch dispatch = {
        .local = {limits->subgroup, limits->cpu ? 1 : 4},
        .push = &push,
        .push_bytes = sizeof push,
    };
    cgv_conv_choice tile =
        params->choice.tile_x ? params->choice : cgv_conv_rule_direct(device, y, x, params);
    int lanes = choose_shader(&dispatch, tile, y, x, params, limits);
    // Blocks vary fastest, so that what one tile reads is still in the cache for the next block.
    dispatch.groups[0] = (uint32_t)(x.n * params->groups * push.blocks);
    cgv_spread_planes(dispatch.groups + 1,
                      cgv_divide_up(lanes, (int)(dispatch.local[0] * dispatch.local[1])));
    cgv_cmd_dispatch(cmd, &dispatch);
}

void cgv_conv(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t packed, uint64_t bias,
              uint64_t scratch, const cgv_conv_params *params) {
    if (params->choice.kernel == CGV_CONV_WINOGRAD)
        cgv_winograd(cmd, y, x, packed, bias, scratch, params);
    else
        sum_of_products(cmd, y, x, packed, bias, params);
}
