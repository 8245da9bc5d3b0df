// What a device can do at best, measured on it: the roof under which a layer's time stays.
#ifndef CGV_OPS_ROOFLINE_H
#define CGV_OPS_ROOFLINE_H

#include "gpu/gpu.h"

typedef struct cgv_roofline {
    double flops;    // a second, in single precision: fused multiply-adds in registers, as two each
    double bytes;    // a second, read and written, of a shader that copies
    uint64_t copied; // bytes that it copies, far more than caches hold
} cgv_roofline;

// Best of several runs; takes a few tenths of a second, and two buffers of `copied` bytes.
CGV_NODISCARD cgv_status cgv_roofline_measure(cgv_roofline *out, cgv_device *device);

// The least time of a work on that device.
typedef struct cgv_roofline_bound {
    double ms;
    bool arithmetic; // is what takes it, not memory
} cgv_roofline_bound;
cgv_roofline_bound cgv_roofline_of(const cgv_roofline *roofline, double flops, double bytes);

// ---- what is run for it

// y [count] = the sum of some chains of x = a x + b, `rounds` times as many as a loop unrolls
// (shaders/include/roofline_fma.h).
void cgv_roofline_fma(cgv_cmd *cmd, uint64_t y, int count, int rounds, float a, float b);
double cgv_roofline_fma_flops(int count, int rounds);

// bytes: a multiple of 64.
void cgv_roofline_copy(cgv_cmd *cmd, uint64_t y, uint64_t x, uint64_t bytes);

#endif
