// The image pool: discriminators also see fakes of earlier steps, which steadies them.
// Source: Shrivastava et al. 2017, arXiv:1612.07828; a full pool swaps with probability 1/2.
#ifndef CGV_TRAIN_POOL_H
#define CGV_TRAIN_POOL_H

#include "base/rng.h"
#include "ops/ops.h"

typedef struct cgv_pool {
    cgv_buffer pictures; // [slots, c, h, w]
    cgv_buffer choices;  // [batch, 2] ints that the host writes before every step
    cgv_buffer shown;    // [batch, c, h, w]
    cgv_tensor output;   // what the discriminator sees
    int slots, filled;
    cgv_rng rng;
} cgv_pool;

// slots 0: output is `fakes` itself.
CGV_NODISCARD cgv_status cgv_pool_create(cgv_pool *out, cgv_device *device, cgv_tensor fakes,
                                         int slots, uint64_t seed, uint64_t stream);
void cgv_pool_destroy(cgv_pool *pool);

// Draw what happens to the next batch; before the step is submitted.
void cgv_pool_draw(cgv_pool *pool);
void cgv_pool_record(cgv_pool *pool, cgv_cmd *cmd, cgv_tensor fakes);

#endif
