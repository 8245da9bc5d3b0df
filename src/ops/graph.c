// The operations of imported graphs: general, forward only.
#include "ops/graph.h"

#include "ops/dispatch.h"
#include "shaders.h"

#include "elementwise.h"
#include "gather.h"
#include "pool.h"
#include "resize.h"
#include "window_conv.h"

enum { MARGIN = 4 }; // of gather.comp, behind cgv_rearrangement

static int elements(cgv_tensor tensor) {
    return (int)(cgv_tensor_bytes(tensor) / sizeof(float));
}

static uint64_t read_all(cgv_cmd *cmd, cgv_tensor tensor) {
    return cgv_cmd_read(cmd, tensor.address, cgv_tensor_bytes(tensor));
}

static uint64_t write_all(cgv_cmd *cmd, cgv_tensor tensor) {
    return cgv_cmd_write(cmd, tensor.address, cgv_tensor_bytes(tensor));
}

void cgv_window_conv(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, uint64_t weights, uint64_t bias,
                     const cgv_window_conv_params *params) {
    const cgv_window *window = &params->window;
    uint64_t count = (uint64_t)x.c * (uint64_t)(y.c / params->groups) *
                     (uint64_t)window->kernel[0] * (uint64_t)window->kernel[1];
    struct window_conv_push push = {
        .y = write_all(cmd, y),
        .x = read_all(cmd, x),
        .weights = cgv_cmd_read(cmd, weights, count * sizeof(float)),
        .bias = cgv_read_if(cmd, bias, (uint64_t)y.c * sizeof(float)),
        .h = x.h,
        .w = x.w,
        .out_h = y.h,
        .out_w = y.w,
        .cin = x.c / params->groups,
        .cout = y.c / params->groups,
        .groups = params->groups,
    };
    for (int axis = 0; axis < 2; axis++) {
        push.kernel[axis] = window->kernel[axis];
        push.stride[axis] = window->stride[axis];
        push.dilation[axis] = window->dilation[axis];
        push.pad[axis] = window->pad[axis];
    }
    push.count = y.n * params->groups * cgv_divide_up(push.cout, WINDOW_BLOCK) * y.h * y.w;
    cgv_dispatch_linear(cmd, (uint64_t)push.count,
                        (cgv_dispatch){.shader = &cgv_shader_window_conv,
                                       .spec = {params->transposed},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_pool_apply(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_pooling pool,
                    const cgv_window *window) {
    struct pool_push push = {
        .y = write_all(cmd, y),
        .x = read_all(cmd, x),
        .h = x.h,
        .w = x.w,
        .out_h = y.h,
        .out_w = y.w,
        .count = elements(y),
    };
    for (int axis = 0; axis < 2; axis++) {
        int whole = axis ? x.w : x.h;
        push.kernel[axis] = window->kernel[axis] ? window->kernel[axis] : whole;
        push.stride[axis] = window->stride[axis];
        push.dilation[axis] = window->dilation[axis];
    }
    for (int side = 0; side < 4; side++)
        push.pad[side] = window->pad[side];
    cgv_dispatch_linear(cmd, (uint64_t)push.count,
                        (cgv_dispatch){.shader = &cgv_shader_pool,
                                       .spec = {pool},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

static bool alike(cgv_tensor a, cgv_tensor b) {
    return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w;
}

// Elements from one picture, channel, row and column of x to the next; 0 where it is repeated.
static void set_steps(int step[4], cgv_tensor x) {
    step[0] = x.n == 1 ? 0 : x.c * x.h * x.w;
    step[1] = x.c == 1 ? 0 : x.h * x.w;
    step[2] = x.h == 1 ? 0 : x.w;
    step[3] = x.w == 1 ? 0 : 1;
}

void cgv_elementwise(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, cgv_tensor b,
                     const cgv_elementwise_params *params) {
    bool two = params->binary != CGV_BINARY_NONE;
    int a_step[4], b_step[4] = {0};
    struct elementwise_push push = {
        .y = write_all(cmd, y),
        .a = read_all(cmd, a),
        .b = two ? read_all(cmd, b) : 0,
        .count = elements(y),
        .c = y.c,
        .h = y.h,
        .w = y.w,
        .p = params->p,
        .q = params->q,
    };
    set_steps(a_step, a);
    if (two)
        set_steps(b_step, b);
    for (int i = 0; i < 4; i++) {
        push.a_step[i] = a_step[i];
        push.b_step[i] = b_step[i];
    }
    cgv_dispatch_linear(cmd, (uint64_t)push.count,
                        (cgv_dispatch){.shader = &cgv_shader_elementwise,
                                       .spec = {params->binary, params->function,
                                                alike(y, a) && (!two || alike(y, b))},
                                       .spec_count = 3,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

static void gather(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, const cgv_margin *margin, int kind,
                   int factor) {
    struct gather_push push = {
        .y = write_all(cmd, y),
        .x = read_all(cmd, x),
        .count = elements(y),
        .c = x.c,
        .h = x.h,
        .w = x.w,
        .out_c = y.c,
        .out_h = y.h,
        .out_w = y.w,
        .before = {margin->before[0], margin->before[1], margin->before[2]},
        .value = margin->value,
    };
    cgv_dispatch_linear(cmd, (uint64_t)push.count,
                        (cgv_dispatch){.shader = &cgv_shader_gather,
                                       .spec = {kind, margin->mode, factor},
                                       .spec_count = 3,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_pad_apply(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, const cgv_margin *margin) {
    gather(cmd, y, x, margin, MARGIN, 1);
}

void cgv_rearrange(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_rearrangement how, int factor) {
    gather(cmd, y, x, &(cgv_margin){0}, (int)how, factor);
}

void cgv_resize(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, const cgv_resize_params *params) {
    struct resize_push push = {
        .y = write_all(cmd, y),
        .x = read_all(cmd, x),
        .count = elements(y),
        .h = x.h,
        .w = x.w,
        .out_h = y.h,
        .out_w = y.w,
        .shift = params->centres == CGV_CENTRES_HALF_PIXEL ? 0.5f : 0,
    };
    for (int axis = 0; axis < 2; axis++) {
        int from = axis ? x.w : x.h, to = axis ? y.w : y.h;
        bool aligned = params->centres == CGV_CENTRES_ALIGNED;
        push.times[axis] = !aligned ? 1 : (float)(from - 1);
        push.over[axis] = !aligned ? params->scale[axis] : to > 1 ? (float)(to - 1) : 1;
    }
    cgv_dispatch_linear(cmd, (uint64_t)push.count,
                        (cgv_dispatch){.shader = &cgv_shader_resize,
                                       .spec = {params->nearest},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}
