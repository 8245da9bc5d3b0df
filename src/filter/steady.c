#include "filter/steady.h"

#include <math.h>

// Motion is looked for in a small copy of about so many pixels, in cells of that side.
enum { SMALL_PIXELS = 192 * 112, CELL = 8 };

// Of the pictures that tell a cut: motion by less than one of their pixels is no change.
enum { SIGNATURE_WIDTH = 32, SIGNATURE_HEIGHT = 18 };

static int least(int a, int b) {
    return a < b ? a : b;
}

// Where the next tensor of a block of memory lies: while sizes are counted, from 0 on.
static void place(cgv_tensor *tensor, uint64_t *next) {
    tensor->address = *next;
    *next += (cgv_tensor_bytes(*tensor) + 255) / 256 * 256;
}

// The pictures of a frame, from *next on, and all of them as one tensor.
static void place_pictures(cgv_steady *s, int frame, cgv_tensor *all, uint64_t *next) {
    const uint64_t begin = *next;
    for (int i = 0; i < CGV_STEADY_LEVELS; i++) {
        s->level[frame][i] =
            (cgv_tensor){.n = 1, .c = 1, .h = s->small.h >> i, .w = s->small.w >> i};
        place(&s->level[frame][i], next);
    }
    s->signature[frame] = (cgv_tensor){.n = 1,
                                       .c = 1,
                                       .h = least(SIGNATURE_HEIGHT, s->small.h),
                                       .w = least(SIGNATURE_WIDTH, s->small.w)};
    place(&s->signature[frame], next);
    *all = (cgv_tensor){
        .address = begin, .n = 1, .c = 1, .h = 1, .w = (int)((*next - begin) / sizeof(float))};
}

static int scaled(int side, double scale) {
    int result = (int)lround(side * scale);
    return result < CELL ? CELL : result;
}

// Everything from address `base` on; returns where it ends.
static uint64_t lay_out(cgv_steady *s, cgv_chain *chain, cgv_tensor picture, bool grid,
                        uint64_t base) {
    uint64_t next = base;
    const cgv_tensor input = cgv_chain_input(chain);
    // By the picture, so that what is held fits a network of another height as well.
    double scale = sqrt(SMALL_PIXELS / ((double)picture.w * picture.h));
    scale = scale < 1 ? scale : 1;
    s->state = next;
    next += 256;
    s->small = (cgv_tensor){.n = 1,
                            .c = 3,
                            .h = least(scaled(picture.h, scale), input.h),
                            .w = least(scaled(picture.w, scale), input.w)};
    place(&s->small, &next);
    place_pictures(s, 0, &s->now, &next);
    place_pictures(s, 1, &s->last, &next);
    for (int i = 0; i < 2; i++) {
        s->motion[i] = (cgv_tensor){.n = 1, .c = 3, .h = s->small.h / CELL, .w = s->small.w / CELL};
        place(&s->motion[i], &next);
    }
    if (grid) {
        s->average = cgv_chain_output(chain);
        place(&s->average, &next);
    }
    s->past = (cgv_past){.history = next, .state = s->state, .motion = s->motion[0]};
    next += (cgv_steady_history_bytes(picture) + 255) / 256 * 256;
    cgv_chain_hold(chain, next, s->state);
    return next + cgv_chain_held_bytes(chain);
}

// No number is undefined, even where it counts for nothing.
static cgv_status clear(const cgv_buffer *memory, cgv_device *device) {
    cgv_cmd *cmd;
    cgv_status status = cgv_cmd_create(&cmd, device, false);
    if (status)
        return status;
    cgv_cmd_begin(cmd);
    cgv_cmd_fill(cmd, memory, 0, memory->size, 0);
    status = cgv_cmd_run(cmd);
    cgv_cmd_destroy(&cmd);
    return status;
}

cgv_status cgv_steady_create(cgv_steady *out, cgv_device *device, cgv_chain *chain, float weight,
                             cgv_tensor picture, bool grid) {
    *out = (cgv_steady){.weight = weight};
    if (!(weight > 0))
        return CGV_OK;
    uint64_t bytes = lay_out(out, chain, picture, grid, 0);
    cgv_status status =
        cgv_buffer_create(&out->memory, device, bytes, CGV_MEMORY_DEVICE, "averages over frames");
    if (status)
        return status;
    lay_out(out, chain, picture, grid, out->memory.address);
    return clear(&out->memory, device);
}

void cgv_steady_destroy(cgv_steady *steady) {
    cgv_buffer_destroy(&steady->memory);
}

static void record_motion(const cgv_steady *s, cgv_cmd *cmd) {
    cgv_tensor coarse = {0};
    for (int i = CGV_STEADY_LEVELS - 1; i >= 0; i--) {
        cgv_tensor motion = s->motion[i % 2];
        cgv_steady_motion(cmd, motion, coarse, s->level[0][i], s->level[1][i]);
        coarse = motion;
    }
}

void cgv_steady_record_begin(const cgv_steady *s, cgv_cmd *cmd, cgv_tensor input, uint64_t begins) {
    if (!s->memory.size)
        return;
    cgv_cmd_label(cmd, "steady: compare frames");
    cgv_shrink(cmd, s->small, input);
    cgv_steady_luma(cmd, s->level[0][0], s->small);
    for (int i = 1; i < CGV_STEADY_LEVELS; i++)
        cgv_shrink(cmd, s->level[0][i], s->level[0][i - 1]);
    cgv_shrink(cmd, s->signature[0], s->level[0][0]);
    cgv_steady_keep(cmd, s->state, s->signature[1], s->signature[0], begins, s->weight);
    record_motion(s, cmd);
    cgv_activation_apply(cmd, s->last, s->now, CGV_ACT_NONE, 0);
    cgv_cmd_label(cmd, NULL);
}

void cgv_steady_record_output(const cgv_steady *s, cgv_cmd *cmd, cgv_tensor output) {
    if (!s->average.address)
        return;
    cgv_cmd_label(cmd, "steady: grid");
    cgv_steady_mix(cmd, output, s->average, s->motion[0], s->state);
    cgv_activation_apply(cmd, s->average, output, CGV_ACT_NONE, 0);
    cgv_cmd_label(cmd, NULL);
}

const cgv_past *cgv_steady_past(const cgv_steady *s) {
    return s->memory.size ? &s->past : NULL;
}

void cgv_steady_record_result(cgv_cmd *cmd, cgv_tensor result, cgv_tensor picture,
                              const cgv_past *past) {
    if (!past)
        return;
    cgv_cmd_label(cmd, "steady: pixels");
    cgv_steady_blend(cmd, result, picture, past);
    cgv_cmd_label(cmd, NULL);
}
