// The bilateral grid of a generator: slicing it, and the gradients.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "bilateral_rows.h"
#include "bilateral_slice.h"
#include "bilateral_slice_grad.h"

_Static_assert(CGV_GRID_CHANNELS == GRID_DEPTH * GRID_TERMS, "the shaders' grid");

static uint64_t pixels_of(cgv_tensor t) {
    return (uint64_t)t.n * (uint64_t)t.h * (uint64_t)t.w;
}

uint64_t cgv_bilateral_slice_scratch(cgv_tensor grid, cgv_tensor x) {
    return (uint64_t)x.n * (uint64_t)x.h * (uint64_t)grid.w * CGV_GRID_CHANNELS * sizeof(float);
}

void cgv_bilateral_slice(cgv_cmd *cmd, cgv_tensor y, cgv_tensor grid, cgv_tensor x,
                         uint64_t scratch) {
    uint64_t scratch_bytes = cgv_bilateral_slice_scratch(grid, x);
    uint64_t levels = scratch_bytes / (GRID_TERMS * sizeof(float));
    struct bilateral_rows_push rows = {
        .rows = cgv_cmd_write(cmd, scratch, scratch_bytes),
        .grid = cgv_cmd_read(cmd, grid.address, cgv_tensor_bytes(grid)),
        .h = x.h,
        .grid_h = grid.h,
        .grid_w = grid.w,
        .count = (int)levels,
    };
    cgv_dispatch_linear(cmd, levels,
                        (cgv_dispatch){.shader = &cgv_shader_bilateral_rows,
                                       .push = &rows,
                                       .push_bytes = sizeof rows});
    struct bilateral_slice_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .rows = cgv_cmd_read(cmd, scratch, scratch_bytes),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .h = x.h,
        .w = x.w,
        .grid_w = grid.w,
        .count = (int)pixels_of(x),
    };
    cgv_dispatch_linear(cmd, pixels_of(x),
                        (cgv_dispatch){.shader = &cgv_shader_bilateral_slice,
                                       .push = &push,
                                       .push_bytes = sizeof push});
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
