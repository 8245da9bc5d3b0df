// Gradients of convolutions. The data gradient is itself a convolution (cgv_conv_data_grad); the
// weights' is the one kernel of its own.
#include "ops/conv_internal.h"
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "conv_weight_grad.h"
#include "pad_fold.h"
#include "sum_partials.h"

#define SCRATCH_LIMIT (64ull << 20)

cgv_conv_params cgv_conv_data_grad(const cgv_conv_params *params) {
    cgv_conv_params grad = {
        .cin = params->cout,
        .cout = params->cin,
        .kernel = params->kernel,
        .stride = params->stride,
        .pad = params->pad_mode == CGV_PAD_ZERO ? params->pad : 0,
        .groups = params->groups,
        .exact = params->exact,
    };
    if (params->transposed)
        return grad; // stride 2, and the weights' order is a convolution's
    if (params->stride == 1) {
        grad.mirrored = true;
        grad.pad = params->kernel - 1 - grad.pad;
    } else {
        grad.transposed = true;
    }
    return grad;
}

// The weight gradient as the kernel sees it: rows are the channels of `dy`, columns of `x`. A
// transposed convolution exchanges its input and its output's gradient.
typedef struct weight_grad {
    cgv_tensor dy, x;
    int rows, columns;           // of one group
    int block, blocks;           // of rows
    int together, column_blocks; // the same of columns
    int tile_x, lanes_x;
    int splits, split_lines;
    int weights;
    bool pairs;
} weight_grad;

// Whether conv_weight_grad.comp may load pairs of columns with tiles of this width; see there.
static bool pairs_fit(const weight_grad *g, int tile_x, const cgv_conv_params *params) {
    bool mendable = params->pad_mode == CGV_PAD_ZERO ||
                    (params->stride == 1 && g->x.w == g->dy.w && g->dy.w % tile_x == 0 &&
                     2 * params->pad + 1 == params->kernel && params->pad <= tile_x);
    return g->x.w % 2 == 0 && g->dy.w % 2 == 0 && tile_x % 2 == 0 && mendable;
}

static int sums_of_lane(const weight_grad *g, const cgv_conv_params *params) {
    return g->block * g->together * params->kernel * params->kernel;
}

// What one picture costs a subgroup whose lanes take tiles of tile_x pixels, lanes_x of them beside
// each other. In half cycles of a CPU: a multiplication 1, a sum fetched and put back 4 (on a GPU,
// where it stays in its register, 2), a load 16.
static int64_t picture_cost(const weight_grad *g, int tile_x, int lanes_x, const cgv_limits *limits,
                            const cgv_conv_params *params) {
    int stride = params->stride, kernel = params->kernel, sums = sums_of_lane(g, params);
    int columns = (tile_x - 1) * stride + kernel;
    int loads = g->block * tile_x + g->together * (stride < kernel ? stride : kernel) * columns;
    if (pairs_fit(g, tile_x, params))
        loads = (loads + 1) / 2;
    int64_t line = sums * (tile_x + (limits->cpu ? 4 : 2)) + 16 * loads;
    return line * cgv_divide_up(g->dy.w, tile_x * lanes_x) *
           cgv_divide_up(g->dy.h, (int)limits->subgroup / lanes_x);
}

static void choose_tile(weight_grad *g, const cgv_limits *limits, const cgv_conv_params *params) {
    int64_t least = INT64_MAX;
    bool room = limits->cpu && 8 * sums_of_lane(g, params) <= CGV_CONV_MOST_PRODUCTS;
    g->tile_x = g->lanes_x = 1;
    for (int tile_x = room ? 8 : 4; tile_x >= 1; tile_x /= 2)
        for (int lanes_x = (int)limits->subgroup; lanes_x >= 1; lanes_x /= 2) {
            int64_t cost = picture_cost(g, tile_x, lanes_x, limits, params);
            if (cost < least) {
                least = cost;
                g->tile_x = tile_x;
                g->lanes_x = lanes_x;
            }
        }
    g->pairs = pairs_fit(g, g->tile_x, params);
}

static weight_grad plan_weight_grad(const cgv_limits *limits, cgv_tensor dy, cgv_tensor x,
                                    const cgv_conv_params *params) {
    weight_grad g = {.dy = params->transposed ? x : dy, .x = params->transposed ? dy : x};
    g.rows = g.dy.c / params->groups;
    g.columns = g.x.c / params->groups;
    int taps = params->kernel * params->kernel;
    g.weights = g.dy.c * g.columns * taps;
    // Rows and columns of a tile: as even a split as possible. A CPU keeps even 300 sums close by,
    // and every load that a tile shares counts; a GPU has 255 registers a lane at most.
    int block = taps >= 40 ? 2 : taps >= 16 ? 4 : 8;
    g.together = !limits->cpu || taps >= 40 || g.columns < 4 ? 1 : 4;
    g.column_blocks = cgv_divide_up(g.columns, g.together);
    g.blocks = cgv_divide_up(g.rows, block);
    g.block = cgv_divide_up(g.rows, g.blocks);
    choose_tile(&g, limits, params);
    // Enough workgroups to fill the device, but no split below 8 lines.
    int lines = g.dy.n * g.dy.h, groups = params->groups * g.blocks * g.column_blocks;
    int wanted = cgv_divide_up(limits->cpu ? 64 : 1024, groups);
    int most = cgv_divide_up(lines, 8);
    int room = (int)(SCRATCH_LIMIT / sizeof(float) / (uint64_t)g.weights) + 1;
    g.splits = wanted < most ? wanted : most;
    g.splits = g.splits < room ? g.splits : room;
    g.split_lines = cgv_divide_up(lines, g.splits);
    g.splits = cgv_divide_up(lines, g.split_lines);
    return g;
}

static uint64_t partial_bytes(const weight_grad *g) {
    return g->splits == 1 ? 0 : (uint64_t)g->splits * (uint64_t)g->weights * sizeof(float);
}

uint64_t cgv_conv_param_grad_scratch(const cgv_device *device, cgv_tensor dy, cgv_tensor x,
                                     const cgv_conv_params *params) {
    weight_grad g = plan_weight_grad(cgv_device_limits(device), dy, x, params);
    uint64_t bias = cgv_channel_sums_scratch(dy);
    uint64_t weights = cgv_weight_product_pays(device, g.dy, g.x, params)
                           ? cgv_weight_product_scratch(device, g.dy, g.x, params)
                           : partial_bytes(&g);
    return weights > bias ? weights : bias;
}

static void weight_gradient(cgv_cmd *cmd, uint64_t dw, const weight_grad *g, uint64_t scratch,
                            const cgv_conv_params *params) {
    const cgv_limits *limits = cgv_device_limits(cgv_cmd_device(cmd));
    uint64_t bytes = (uint64_t)g->weights * sizeof(float);
    bool whole = g->splits == 1; // added to dw at once
    if (whole)
        cgv_cmd_read(cmd, dw, bytes);
    struct conv_weight_grad_push push = {
        .dy = cgv_cmd_read(cmd, g->dy.address, cgv_tensor_bytes(g->dy)),
        .x = cgv_cmd_read(cmd, g->x.address, cgv_tensor_bytes(g->x)),
        .partial =
            whole ? cgv_cmd_write(cmd, dw, bytes) : cgv_cmd_write(cmd, scratch, partial_bytes(g)),
        .h = g->x.h,
        .w = g->x.w,
        .out_h = g->dy.h,
        .out_w = g->dy.w,
        .rows = g->rows,
        .columns = g->columns,
        .groups = params->groups,
        .blocks = g->blocks,
        .batch = g->dy.n,
        .split_lines = g->split_lines,
        .weights = g->weights,
    };
    cgv_cmd_dispatch(cmd,
                     &(cgv_dispatch){
                         .shader = limits->shuffle ? &cgv_shader_conv_weight_grad_shuffle
                                                   : &cgv_shader_conv_weight_grad,
                         .local = {limits->subgroup, 1},
                         .groups = {(uint32_t)(params->groups * g->blocks),
                                    (uint32_t)g->column_blocks, (uint32_t)g->splits},
                         .spec = {params->kernel, params->stride, params->pad, params->pad_mode,
                                  g->tile_x, g->block, g->together, g->pairs, g->lanes_x, whole},
                         .spec_count = 10,
                         .push = &push,
                         .push_bytes = sizeof push,
                     });
    if (whole)
        return;
    cgv_cmd_read(cmd, dw, bytes);
    bool pairs = g->weights % 2 == 0 && dw % (2 * sizeof(float)) == 0;
    struct sum_partials_push sum = {
        .y = cgv_cmd_write(cmd, dw, bytes),
        .partial = cgv_cmd_read(cmd, scratch, partial_bytes(g)),
        .count = g->weights,
        .splits = g->splits,
    };
    cgv_dispatch_linear(cmd, (uint64_t)(pairs ? g->weights / 2 : g->weights),
                        (cgv_dispatch){.shader = &cgv_shader_sum_partials,
                                       .spec = {pairs},
                                       .spec_count = 1,
                                       .push = &sum,
                                       .push_bytes = sizeof sum});
}

void cgv_conv_param_grad(cgv_cmd *cmd, uint64_t dw, uint64_t db, cgv_tensor dy, cgv_tensor x,
                         uint64_t scratch, const cgv_conv_params *params) {
    const cgv_device *device = cgv_cmd_device(cmd);
    weight_grad g = plan_weight_grad(cgv_device_limits(device), dy, x, params);
    if (cgv_weight_product_pays(device, g.dy, g.x, params))
        cgv_weight_product(cmd, dw, g.dy, g.x, scratch, params);
    else
        weight_gradient(cmd, dw, &g, scratch, params);
    if (db)
        cgv_channel_sums(cmd, db, dy, scratch);
}

void cgv_pad_fold(cgv_cmd *cmd, cgv_tensor dx, cgv_tensor dpadded, int pad, cgv_pad_mode mode) {
    struct pad_fold_push push = {
        .dx = cgv_cmd_write(cmd, dx.address, cgv_tensor_bytes(dx)),
        .dpadded = cgv_cmd_read(cmd, dpadded.address, cgv_tensor_bytes(dpadded)),
        .h = dx.h,
        .w = dx.w,
        .pad = pad,
        .planes = dx.n * dx.c,
    };
    cgv_dispatch dispatch = {
        .shader = &cgv_shader_pad_fold,
        .local = {cgv_device_limits(cgv_cmd_device(cmd))->subgroup, 1},
        .groups = {(uint32_t)cgv_divide_up(dx.h, PAD_FOLD_ROWS)},
        .spec = {mode},
        .spec_count = 1,
        .push = &push,
        .push_bytes = sizeof push,
    };
    cgv_spread_planes(dispatch.groups + 1, push.planes);
    cgv_cmd_dispatch(cmd, &dispatch);
}
