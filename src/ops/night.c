// What holds of every night.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "night.h"

static void dispatch(cgv_cmd *cmd, const cgv_shader *shader, cgv_tensor y, cgv_tensor x,
                     cgv_tensor day, cgv_tensor scene, cgv_night_ground ground) {
    uint64_t bytes = cgv_tensor_bytes(x), pixels = bytes / (3 * sizeof(float));
    struct night_push push = {
        .y = cgv_cmd_write(cmd, y.address, bytes),
        .x = cgv_cmd_read(cmd, x.address, bytes),
        .day = cgv_cmd_read(cmd, day.address, bytes),
        .scene = cgv_cmd_read(cmd, scene.address, bytes),
        .plane = x.h * x.w,
        .count = (int)pixels,
        .gamma = ground.gamma,
        .most = ground.most,
        .light = ground.light,
    };
    cgv_dispatch_linear(cmd, pixels,
                        (cgv_dispatch){.shader = shader, .push = &push, .push_bytes = sizeof push});
}

void cgv_night(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_tensor day, cgv_tensor scene,
               cgv_night_ground ground) {
    dispatch(cmd, &cgv_shader_night, y, x, day, scene, ground);
}

void cgv_windows(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_tensor day, cgv_tensor scene,
                 cgv_night_ground ground) {
    dispatch(cmd, &cgv_shader_lit_windows, y, x, day, scene, ground);
}
