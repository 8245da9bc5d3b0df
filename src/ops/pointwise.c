// Element-wise operations.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "coord.h"
#include "pointwise.h"

static void pointwise(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, const cgv_tensor *b,
                      cgv_activation activation, float slope) {
    uint64_t bytes = cgv_tensor_bytes(y);
    struct pointwise_push push = {
        .y = cgv_cmd_write(cmd, y.address, bytes),
        .a = cgv_cmd_read(cmd, a.address, bytes),
        .b = b ? cgv_cmd_read(cmd, b->address, bytes) : 0,
        .count = (int)(bytes / sizeof(float)),
        .slope = slope,
    };
    cgv_dispatch_linear(cmd, bytes / sizeof(float),
                        (cgv_dispatch){.shader = &cgv_shader_pointwise,
                                       .spec = {activation, b != NULL},
                                       .spec_count = 2,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

void cgv_activation_apply(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_activation activation,
                          float slope) {
    pointwise(cmd, y, x, NULL, activation, slope);
}

void cgv_add(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, cgv_tensor b) {
    pointwise(cmd, y, a, &b, CGV_ACT_NONE, 0);
}

static cgv_tensor one_picture(cgv_tensor t, int picture) {
    t.n = 1;
    t.address += (uint64_t)picture * cgv_tensor_bytes(t);
    return t;
}

static uint64_t elements(cgv_tensor t) {
    return (uint64_t)t.c * (uint64_t)t.h * (uint64_t)t.w;
}

// One picture's part of y in cgv_join, behind `skipped` floats of it, shaped as one picture of
// `like`.
static cgv_tensor part(cgv_tensor y, int picture, cgv_tensor like, uint64_t skipped) {
    like.n = 1;
    like.address = y.address + ((uint64_t)picture * elements(y) + skipped) * sizeof(float);
    return like;
}

void cgv_join(cgv_cmd *cmd, cgv_tensor y, cgv_tensor a, cgv_tensor b) {
    for (int i = 0; i < y.n; i++) {
        pointwise(cmd, part(y, i, a, 0), one_picture(a, i), NULL, CGV_ACT_NONE, 0);
        pointwise(cmd, part(y, i, b, elements(a)), one_picture(b, i), NULL, CGV_ACT_NONE, 0);
    }
}

void cgv_split(cgv_cmd *cmd, cgv_tensor da, cgv_tensor db, cgv_tensor dy) {
    for (int i = 0; i < dy.n; i++) {
        if (da.address)
            pointwise(cmd, one_picture(da, i), part(dy, i, da, 0), NULL, CGV_ACT_NONE, 0);
        if (db.address)
            pointwise(cmd, one_picture(db, i), part(dy, i, db, elements(da)), NULL, CGV_ACT_NONE,
                      0);
    }
}

void cgv_coord(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x) {
    uint64_t count = cgv_tensor_bytes(y) / sizeof(float);
    struct coord_push push = {
        .y = cgv_cmd_write(cmd, y.address, cgv_tensor_bytes(y)),
        .x = cgv_cmd_read(cmd, x.address, cgv_tensor_bytes(x)),
        .c = x.c,
        .h = x.h,
        .w = x.w,
        .count = (int)count,
    };
    cgv_dispatch_linear(
        cmd, count,
        (cgv_dispatch){.shader = &cgv_shader_coord, .push = &push, .push_bytes = sizeof push});
}
