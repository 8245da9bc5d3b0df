// The bilateral grid of a generator: slicing it, and the gradients.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "ops/steady_internal.h"
#include "shaders.h"

#include "bilateral_slice.h"
#include "bilateral_slice_grad.h"

_Static_assert(CGV_GRID_CHANNELS == GRID_DEPTH * GRID_TERMS, "the shaders' grid");

static uint64_t pixels_of(cgv_tensor t) {
    return (uint64_t)t.n * (uint64_t)t.h * (uint64_t)t.w;
}

// Strips of pixel rows between two rows of cells, at most: the outermost ones have half a cell
// more.
static int strips(int size, int cells, int rows) {
    return cgv_divide_up(cells > 2 ? size * 3 / (2 * cells) + 2 : size, rows);
}

static void slice(cgv_cmd *cmd, cgv_tensor y, cgv_tensor grid, cgv_tensor x, const cgv_past *past) {
    const cgv_limits *limits = cgv_device_limits(cgv_cmd_device(cmd));
    int rows = limits->cpu ? 8 : 2; // a GPU wants many subgroups
    cgv_steady_places places = {0};
    if (past)
        places = cgv_steady_find(cmd, y, past);
    struct bilateral_slice_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .grid = cgv_cmd_read(cmd, grid.address, cgv_tensor_bytes(grid)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .history = places.history,
        .offsets = places.offsets,
        .state = places.state,
        .n = x.n,
        .h = x.h,
        .w = x.w,
        .grid_h = grid.h,
        .grid_w = grid.w,
        .strips = strips(x.h, grid.h, rows),
        .blocks_w = places.blocks_w,
    };
    bool shuffle = limits->shuffle && limits->subgroup % GRID_DEPTH == 0;
    int spans = (grid.h > 1 ? grid.h - 1 : 1) * (grid.w > 1 ? grid.w - 1 : 1);
    cgv_dispatch dispatch = {
        .shader = shuffle ? &cgv_shader_bilateral_slice_shuffle : &cgv_shader_bilateral_slice,
        .local = {limits->subgroup, 1},
        .groups = {1, 1, 1},
        .spec = {past != NULL, rows},
        .spec_count = 2,
        .push = &push,
        .push_bytes = sizeof push,
    };
    cgv_spread_planes(dispatch.groups, x.n * spans * push.strips);
    cgv_cmd_dispatch(cmd, &dispatch);
}

void cgv_bilateral_slice(cgv_cmd *cmd, cgv_tensor y, cgv_tensor grid, cgv_tensor x) {
    slice(cmd, y, grid, x, NULL);
}

void cgv_steady_slice(cgv_cmd *cmd, cgv_tensor y, cgv_tensor grid, cgv_tensor x,
                      const cgv_past *past) {
    slice(cmd, y, grid, x, past);
}

void cgv_bilateral_slice_grad(cgv_cmd *cmd, cgv_tensor dgrid, cgv_tensor dx, cgv_tensor dy,
                              cgv_tensor y, cgv_tensor grid, cgv_tensor x) {
    uint64_t bytes = cgv_tensor_bytes(x), rows = 3 * pixels_of(grid);
    struct bilateral_slice_grad_push push = {
        .dgrid = cgv_cmd_write(cmd, dgrid.address, cgv_tensor_bytes(dgrid)),
        .dy = cgv_cmd_read(cmd, dy.address, bytes),
        .y = cgv_cmd_read(cmd, y.address, bytes),
        .x = cgv_cmd_read(cmd, x.address, bytes),
        .h = x.h,
        .w = x.w,
        .grid_h = grid.h,
        .grid_w = grid.w,
        .count = (int)rows,
    };
    cgv_dispatch dispatch = {
        .shader = &cgv_shader_bilateral_slice_grad, .push = &push, .push_bytes = sizeof push};
    cgv_dispatch_linear(cmd, rows, dispatch);
    if (!dx.address)
        return;
    push.dgrid = 0;
    push.dx = cgv_cmd_write(cmd, dx.address, bytes);
    push.dy = cgv_cmd_read(cmd, dy.address, bytes);
    push.y = cgv_cmd_read(cmd, y.address, bytes);
    push.grid = cgv_cmd_read(cmd, grid.address, cgv_tensor_bytes(grid));
    push.x = cgv_cmd_read(cmd, x.address, bytes);
    push.count = (int)pixels_of(x);
    dispatch.shader = &cgv_shader_bilateral_slice_grad_x;
    cgv_dispatch_linear(cmd, pixels_of(x), dispatch);
}
