// The optimizer.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "adam.h"

void cgv_adam(cgv_cmd *cmd, const cgv_adam_state *state, uint64_t hyper) {
    uint64_t bytes = state->count * sizeof(float);
    struct adam_push push = {
        .values = cgv_update_if(cmd, state->values, bytes),
        .grads = cgv_cmd_read(cmd, state->grads, bytes),
        .m = cgv_update_if(cmd, state->m, bytes),
        .v = cgv_update_if(cmd, state->v, bytes),
        .average = cgv_update_if(cmd, state->average, bytes),
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
