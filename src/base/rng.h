// Reproducible random numbers: PCG32 (O'Neill 2014), the same sequence on every platform.
#ifndef CGV_BASE_RNG_H
#define CGV_BASE_RNG_H

#include <stdint.h>

typedef struct cgv_rng {
    uint64_t state, stream;
} cgv_rng;

void cgv_rng_seed(cgv_rng *rng, uint64_t seed, uint64_t stream);
uint32_t cgv_rng_u32(cgv_rng *rng);
uint32_t cgv_rng_below(cgv_rng *rng, uint32_t bound); // uniform in [0, bound); bound > 0
float cgv_rng_float(cgv_rng *rng);                    // uniform in [0, 1)
float cgv_rng_normal(cgv_rng *rng);                   // mean 0, deviation 1 (Box-Muller)

#endif
