#include "base/rng.h"

#include <math.h>

void cgv_rng_seed(cgv_rng *rng, uint64_t seed, uint64_t stream) {
    rng->state = 0;
    rng->stream = stream << 1 | 1;
    cgv_rng_u32(rng);
    rng->state += seed;
    cgv_rng_u32(rng);
}

uint32_t cgv_rng_u32(cgv_rng *rng) {
    uint64_t old = rng->state;
    rng->state = old * 6364136223846793005ull + rng->stream;
    uint32_t word = (uint32_t)((old >> 18 ^ old) >> 27);
    uint32_t turn = (uint32_t)(old >> 59);
    return word >> turn | word << (-turn & 31);
}

uint32_t cgv_rng_below(cgv_rng *rng, uint32_t bound) {
    // Rejecting the first 2^32 mod bound values keeps the remainder uniform.
    uint32_t reject = -bound % bound;
    for (;;) {
        uint32_t u = cgv_rng_u32(rng);
        if (u >= reject)
            return u % bound;
    }
}

float cgv_rng_float(cgv_rng *rng) {
    return (float)(cgv_rng_u32(rng) >> 8) * 0x1p-24f;
}

float cgv_rng_normal(cgv_rng *rng) {
    // 1 - u lies in (0, 1], where the logarithm is finite.
    float radius = sqrtf(-2.0f * logf(1.0f - cgv_rng_float(rng)));
    return radius * cosf(6.28318530717958647692f * cgv_rng_float(rng));
}
