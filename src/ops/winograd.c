// 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3): shaders/include/winograd.h.
#include "ops/conv_internal.h"
#include "ops/dispatch.h"
#include "shaders.h"

#include "winograd.h"
#include "winograd_pack.h"

#define PLACES 36

// One run over some of the tiles; all of them where the scratch memory allows.
typedef struct winograd {
    int tiles_x, tiles_y, all;
    int lane_tiles, panel; // tiles of a lane, of a subgroup
    int panels;            // of a run
    int block, blocks;     // output channels of a register tile; how many
    int turn;              // pairs of input channels at a time
} winograd;

static uint64_t places_bytes(int panels, int panel, int channels) {
    return PLACES * (uint64_t)panels * (uint64_t)panel * (uint64_t)channels * sizeof(float);
}

// Pairs of input channels, even, so that winograd_multiply.comp can take some at a time.
static int cin_pairs(const cgv_conv_params *params) {
    return cgv_divide_up(params->cin, 4) * 2;
}

static int padded_cin(const cgv_conv_params *params) {
    return cin_pairs(params) * 2;
}

// How many of them: on a CPU driver a sum that is put back costs as much as three products
// (ops/conv_rule.c).
static int turn(const cgv_limits *limits, const cgv_conv_params *params) {
    int pairs = limits->cpu ? 4 : 1;
    while (cin_pairs(params) % pairs)
        pairs--;
    return pairs;
}

// Output channels of a register tile, even.
static int block_size(const cgv_conv_params *params) {
    return params->choice.tile_c ? params->choice.tile_c : 16;
}

static int block_count(const cgv_conv_params *params) {
    return cgv_divide_up(params->cout, block_size(params));
}

static int padded_cout(const cgv_conv_params *params) {
    return block_count(params) * block_size(params);
}

uint64_t cgv_winograd_packed_bytes(const cgv_conv_params *params) {
    // The last subgroup-wide load of a wide subgroup reads beyond the end.
    return PLACES * (uint64_t)padded_cin(params) * (uint64_t)padded_cout(params) * sizeof(float) +
           2 * 128 * sizeof(float);
}

// Scratch memory of a run. A CPU has it in its caches if it is small; but every run fetches all
// weights, so it should not be smaller than these.
static uint64_t scratch_limit(const cgv_limits *limits, const cgv_conv_params *params) {
    const uint64_t most = 32ull << 20, least = limits->cpu ? 3ull << 20 : most;
    uint64_t weights = cgv_winograd_packed_bytes(params);
    return weights < least ? least : weights < most ? weights : most;
}

// The more, the more products a weight serves that all lanes exchange. No more than are filled.
static int lane_tiles(const cgv_limits *limits, int all) {
    int tiles = limits->cpu ? 8 : 4, subgroup = (int)limits->subgroup;
    while (tiles > 1 && all <= tiles / 2 * subgroup)
        tiles /= 2;
    // The last panel's idle tiles cost as much as the others.
    if (tiles == 8 && cgv_divide_up(all, 4 * subgroup) % 2 && all < 8 * 4 * subgroup)
        tiles = 4;
    return tiles;
}

static winograd divide(const cgv_limits *limits, cgv_tensor x, const cgv_conv_params *params) {
    winograd w = {.tiles_x = cgv_divide_up(x.w, 4), .tiles_y = cgv_divide_up(x.h, 4)};
    w.all = x.n * w.tiles_x * w.tiles_y;
    w.lane_tiles = lane_tiles(limits, w.all);
    w.panel = (int)limits->subgroup * w.lane_tiles;
    w.block = block_size(params);
    w.blocks = block_count(params);
    w.turn = turn(limits, params);
    uint64_t each = places_bytes(1, w.panel, padded_cin(params) + padded_cout(params));
    uint64_t limit = scratch_limit(limits, params);
    int most = limit > each ? (int)((limit + each / 2) / each) : 1;
    w.panels = cgv_divide_up(w.all, w.panel);
    w.panels = w.panels < most ? w.panels : most;
    return w;
}

bool cgv_winograd_fits(const cgv_conv_params *params) {
    return params->kernel == 3 && params->stride == 1 && params->pad == 1 && params->groups == 1 &&
           !params->transposed && !params->mirrored;
}

uint64_t cgv_winograd_scratch(const cgv_device *device, cgv_tensor x,
                              const cgv_conv_params *params) {
    winograd w = divide(cgv_device_limits(device), x, params);
    return places_bytes(w.panels, w.panel, padded_cin(params) + padded_cout(params));
}

void cgv_winograd_pack(cgv_cmd *cmd, uint64_t packed, uint64_t weights,
                       const cgv_conv_params *params) {
    struct winograd_pack_push push = {
        .packed = cgv_cmd_write(cmd, packed, cgv_winograd_packed_bytes(params)),
        .weights = cgv_cmd_read(cmd, weights,
                                (uint64_t)params->cin * (uint64_t)params->cout * 9 * sizeof(float)),
        .cin = params->cin,
        .cout = params->cout,
        .pairs = cin_pairs(params),
        .blocks = block_count(params),
        .count = padded_cin(params) * padded_cout(params),
    };
    cgv_dispatch_linear(cmd, (uint64_t)push.count,
                        (cgv_dispatch){.shader = &cgv_shader_winograd_pack,
                                       .spec = {block_size(params)},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

// The addresses in `push` are those that the dispatch uses.
static void dispatch(cgv_cmd *cmd, cgv_dispatch what, int x, int y, int z,
                     const struct winograd_push *push) {
    what.local[0] = cgv_device_limits(cgv_cmd_device(cmd))->subgroup;
    what.local[1] = 1;
    what.groups[0] = (uint32_t)x;
    what.groups[1] = (uint32_t)y;
    what.groups[2] = (uint32_t)z;
    what.push = push;
    what.push_bytes = sizeof *push;
    cgv_cmd_dispatch(cmd, &what);
}

// One run over push.tiles tiles from push.tile0 on; push holds no addresses yet.
static void run(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t packed, uint64_t bias,
                uint64_t scratch, const winograd *w, struct winograd_push push,
                const cgv_conv_params *params) {
    int subgroup = (int)cgv_device_limits(cgv_cmd_device(cmd))->subgroup;
    uint64_t v_bytes = places_bytes(push.panels, w->panel, padded_cin(params));
    uint64_t m_bytes = places_bytes(push.panels, w->panel, padded_cout(params));
    struct winograd_push input = push, multiply = push, output = push;

    input.x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x));
    input.v = cgv_cmd_write(cmd, scratch, v_bytes);
    dispatch(cmd,
             (cgv_dispatch){.shader = &cgv_shader_winograd_input,
                            .spec = {w->panel, params->pad, params->pad_mode},
                            .spec_count = 3},
             push.panels * w->lane_tiles, push.pairs, 1, &input);

    multiply.v = cgv_cmd_read(cmd, scratch, v_bytes);
    multiply.weights = cgv_cmd_read(cmd, packed, cgv_winograd_packed_bytes(params));
    multiply.m = cgv_cmd_write(cmd, scratch + v_bytes, m_bytes);
    dispatch(cmd,
             (cgv_dispatch){.shader = &cgv_shader_winograd_multiply,
                            .spec = {w->lane_tiles, w->block, w->turn},
                            .spec_count = 3},
             w->blocks, push.panels, PLACES, &multiply);

    output.m = cgv_cmd_read(cmd, scratch + v_bytes, m_bytes);
    output.bias = cgv_read_if(cmd, bias, (uint64_t)params->cout * sizeof(float));
    output.y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y));
    dispatch(cmd,
             (cgv_dispatch){.shader = &cgv_shader_winograd_output,
                            .spec = {w->panel, w->block, params->activation, x.w % 2 == 0},
                            .spec_count = 4},
             cgv_divide_up(push.tiles, subgroup), cgv_divide_up(params->cout, 2), 1, &output);
}

void cgv_winograd(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t packed, uint64_t bias,
                  uint64_t scratch, const cgv_conv_params *params) {
    winograd w = divide(cgv_device_limits(cgv_cmd_device(cmd)), x, params);
    struct winograd_push push = {
        .h = x.h,
        .w = x.w,
        .cin = params->cin,
        .cout = params->cout,
        .pairs = cin_pairs(params),
        .tiles_x = w.tiles_x,
        .tiles_y = w.tiles_y,
        .blocks = w.blocks,
        .slope = params->slope,
    };
    for (int done = 0; done < w.all; done += push.tiles) {
        int left = w.all - done, most = w.panels * w.panel;
        push.tile0 = done;
        push.tiles = left < most ? left : most;
        push.panels = cgv_divide_up(push.tiles, w.panel);
        run(cmd, y, x, packed, bias, scratch, &w, push, params);
    }
}
