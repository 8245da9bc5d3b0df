// The optimizer.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "adam.h"

static uint64_t update(cgv_cmd *cmd, uint64_t address, uint64_t bytes) {
    if (!address)
        return 0;
    cgv_cmd_read(cmd, address, bytes);
    return cgv_cmd_write(cmd, address, bytes);
}

void cgv_adam(cgv_cmd *cmd, const cgv_adam_state *state, uint64_t hyper) {
    uint64_t bytes = state->count * sizeof(float);
    struct adam_push push = {
        .values = update(cmd, state->values, bytes),
        .grads = cgv_cmd_read(cmd, state->grads, bytes),
        .m = update(cmd, state->m, bytes),
        .v = update(cmd, state->v, bytes),
        .average = update(cmd, state->average, bytes),
        .hyper = cgv_cmd_read(cmd, hyper, sizeof(cgv_adam_hyper)),
        .count = (int)state->count,
    };
    cgv_dispatch_linear(cmd, state->count,
                        (cgv_dispatch){.shader = &cgv_shader_adam,
                                       .spec = {state->average != 0},
                                       .spec_count = 1,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}
