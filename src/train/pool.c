#include "train/pool.h"

#include "ops/dispatch.h"
#include "shaders.h"

#include "pool_swap.h"

static cgv_tensor picture(cgv_tensor batch, int i) {
    batch.n = 1;
    batch.address += (uint64_t)i * cgv_tensor_bytes(batch);
    return batch;
}

cgv_status cgv_pool_create(cgv_pool *out, cgv_device *device, cgv_tensor fakes, int slots,
                           uint64_t seed, uint64_t stream) {
    *out = (cgv_pool){.slots = slots, .output = fakes};
    cgv_rng_seed(&out->rng, seed, stream);
    if (!slots)
        return CGV_OK;
    uint64_t bytes = cgv_tensor_bytes(picture(fakes, 0)) * (uint64_t)slots;
    cgv_status status =
        cgv_buffer_create(&out->pictures, device, bytes, CGV_MEMORY_DEVICE, "image pool");
    if (!status)
        status = cgv_buffer_create(&out->shown, device, cgv_tensor_bytes(fakes), CGV_MEMORY_DEVICE,
                                   "image pool");
    if (!status)
        status = cgv_buffer_create(&out->choices, device, (uint64_t)fakes.n * 2 * sizeof(int32_t),
                                   CGV_MEMORY_UPLOAD, "image pool");
    if (status)
        cgv_pool_destroy(out);
    out->output.address = out->shown.address;
    return status;
}

void cgv_pool_destroy(cgv_pool *pool) {
    cgv_buffer_destroy(&pool->pictures);
    cgv_buffer_destroy(&pool->choices);
    cgv_buffer_destroy(&pool->shown);
}

void cgv_pool_draw(cgv_pool *pool) {
    int32_t *choice = pool->choices.host;
    if (!pool->slots)
        return;
    for (int i = 0; i < pool->output.n; i++, choice += 2) {
        choice[0] = choice[1] = -1;
        if (pool->filled < pool->slots) {
            choice[0] = pool->filled++;
        } else if (cgv_rng_float(&pool->rng) > 0.5f) {
            choice[0] = choice[1] = (int32_t)cgv_rng_below(&pool->rng, (uint32_t)pool->slots);
        }
    }
}

void cgv_pool_record(cgv_pool *pool, cgv_cmd *cmd, cgv_tensor fakes) {
    // One by one: two pictures of a batch may draw the same slot.
    for (int i = 0; pool->slots && i < fakes.n; i++) {
        cgv_tensor fake = picture(fakes, i), shown = picture(pool->output, i);
        uint64_t bytes = cgv_tensor_bytes(fake);
        cgv_cmd_read(cmd, pool->pictures.address, pool->pictures.size);
        struct pool_swap_push push = {
            .y = cgv_cmd_write(cmd, shown.address, bytes),
            .fake = cgv_cmd_read(cmd, fake.address, bytes),
            .pool = cgv_cmd_write(cmd, pool->pictures.address, pool->pictures.size),
            .choice = cgv_cmd_read(cmd, pool->choices.address + (uint64_t)i * 8, 8),
            .count = (int)(bytes / sizeof(float)),
        };
        cgv_dispatch_linear(cmd, bytes / sizeof(float),
                            (cgv_dispatch){.shader = &cgv_shader_pool_swap,
                                           .push = &push,
                                           .push_bytes = sizeof push});
    }
}
