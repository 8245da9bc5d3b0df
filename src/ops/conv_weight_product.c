// Gradient of a convolution's weights as a matrix product: shaders/conv_weight_product.comp.
#include "ops/conv_internal.h"
#include "ops/dispatch.h"
#include "shaders.h"

#include "columns.h"
#include "conv_weight_product.h"

#define TILES         4
#define BLOCK         16
#define STEPS         8 // of one invocation of columns.comp
#define SCRATCH_LIMIT (64ull << 20)

typedef struct product {
    int groups, rows, width; // of one group
    int panel;               // rows of a subgroup
    int panels, blocks;
    int pixels, steps;
} product;

static product divide(const cgv_limits *limits, cgv_tensor dy, cgv_tensor x,
                      const cgv_conv_params *params) {
    product p = {.groups = params->groups, .rows = dy.c / params->groups};
    p.width = x.c / params->groups * params->kernel * params->kernel;
    p.panel = TILES * (int)limits->subgroup;
    p.panels = cgv_divide_up(p.rows, p.panel);
    p.blocks = cgv_divide_up(p.width, BLOCK);
    p.pixels = dy.n * dy.h * dy.w;
    p.steps = cgv_divide_up(p.pixels, 4);
    return p;
}

// Of `blocks` blocks of a matrix of columns, in every group.
static uint64_t matrix_bytes(const product *p, int blocks, int block) {
    return (uint64_t)p->groups * (uint64_t)blocks * (uint64_t)block * (uint64_t)p->steps * 4 *
           sizeof(float);
}

uint64_t cgv_weight_product_scratch(const cgv_device *device, cgv_tensor dy, cgv_tensor x,
                                    const cgv_conv_params *params) {
    product p = divide(cgv_device_limits(device), dy, x, params);
    return matrix_bytes(&p, p.panels, p.panel) + matrix_bytes(&p, p.blocks, BLOCK);
}

// Making columns costs as much for few rows as for many; the other kernel pays for each weight
// once, however few the pixels. Nanoseconds a multiply-add as measured on lavapipe.
bool cgv_weight_product_pays(const cgv_device *device, cgv_tensor dy, cgv_tensor x,
                             const cgv_conv_params *params) {
    product p = divide(cgv_device_limits(device), dy, x, params);
    double product_cost = (0.118 * p.panels * p.panel + 5.2) / p.rows;
    double other_cost = 0.11 + 90.0 / p.pixels;
    return product_cost < other_cost &&
           cgv_weight_product_scratch(device, dy, x, params) <= SCRATCH_LIMIT;
}

static void make_columns(cgv_cmd *cmd, uint64_t columns, const product *p, int blocks, int block,
                         cgv_tensor out, cgv_tensor x, const cgv_conv_params *params) {
    struct columns_push push = {
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .columns = cgv_cmd_write(cmd, columns, matrix_bytes(p, blocks, block)),
        .h = x.h,
        .w = x.w,
        .out_h = out.h,
        .out_w = out.w,
        .channels = x.c / p->groups,
        .groups = p->groups,
        .blocks = blocks,
        .pixels = p->pixels,
        .steps = p->steps,
    };
    int subgroup = (int)cgv_device_limits(cgv_cmd_device(cmd))->subgroup;
    cgv_cmd_dispatch(
        cmd,
        &(cgv_dispatch){
            .shader = &cgv_shader_columns,
            .local = {(uint32_t)subgroup, 1},
            .groups = {(uint32_t)cgv_divide_up(p->groups * blocks * block, subgroup),
                       (uint32_t)cgv_divide_up(p->steps, STEPS), 1},
            .spec = {params->kernel, params->stride, params->pad, params->pad_mode, block, STEPS},
            .spec_count = 6,
            .push = &push,
            .push_bytes = sizeof push,
        });
}

void cgv_weight_product(cgv_cmd *cmd, uint64_t dw, cgv_tensor dy, cgv_tensor x, uint64_t scratch,
                        const cgv_conv_params *params) {
    const cgv_limits *limits = cgv_device_limits(cgv_cmd_device(cmd));
    product p = divide(limits, dy, x, params);
    uint64_t gradients = scratch, gradient_bytes = matrix_bytes(&p, p.panels, p.panel);
    uint64_t columns = scratch + gradient_bytes;
    const cgv_conv_params itself = {.kernel = 1, .stride = 1};
    make_columns(cmd, gradients, &p, p.panels, p.panel, dy, dy, &itself);
    make_columns(cmd, columns, &p, p.blocks, BLOCK, dy, x, params);

    uint64_t bytes = (uint64_t)p.groups * (uint64_t)p.rows * (uint64_t)p.width * sizeof(float);
    cgv_cmd_read(cmd, dw, bytes);
    struct conv_weight_product_push push = {
        .gradients = cgv_cmd_read(cmd, gradients, gradient_bytes),
        .columns = cgv_cmd_read(cmd, columns, matrix_bytes(&p, p.blocks, BLOCK)),
        .dw = cgv_cmd_write(cmd, dw, bytes),
        .rows = p.rows,
        .width = p.width,
        .panels = p.panels,
        .blocks = p.blocks,
        .steps = p.steps,
    };
    cgv_cmd_dispatch(cmd,
                     &(cgv_dispatch){
                         .shader = &cgv_shader_conv_weight_product,
                         .local = {limits->subgroup, 1},
                         .groups = {(uint32_t)p.blocks, (uint32_t)p.panels, (uint32_t)p.groups},
                         .spec = {TILES, BLOCK},
                         .spec_count = 2,
                         .push = &push,
                         .push_bytes = sizeof push,
                     });
}
