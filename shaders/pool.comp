#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "pool.h"

// The mean or the maximum of every window of x; as cgv_pooling.
const int POOL_AVERAGE = 0;
const int POOL_AVERAGE_PADDED = 1;
const int POOL_MAX = 2;
layout(constant_id = 3) const int POOL = POOL_AVERAGE;

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int ox = i % push.out_w, row = i / push.out_w;
    int oy = row % push.out_h;
    uint64_t plane = at(push.x, row / push.out_h * push.h * push.w);
    int top = oy * push.stride[0] - push.pad[0], left = ox * push.stride[1] - push.pad[1];
    float best = uintBitsToFloat(0xff800000u), sum = 0;
    int inside = 0, padded = 0;
    for (int ky = 0; ky < push.kernel[0]; ky++) {
        int y = top + ky * push.dilation[0];
        float line = 0;
        for (int kx = 0; kx < push.kernel[1]; kx++) {
            int x = left + kx * push.dilation[1];
            // A window may reach beyond the padding, which then is not there either.
            if (y < push.h + push.pad[2] && x < push.w + push.pad[3])
                padded++;
            if (y < 0 || y >= push.h || x < 0 || x >= push.w)
                continue;
            float v = Floats(at(plane, y * push.w + x)).v[0];
            best = v > best || isnan(v) ? v : best; // once it is NaN it stays
            line += v;
            inside++;
        }
        sum += line;
    }
    Floats(at(push.y, i)).v[0] = POOL == POOL_MAX              ? best
                                 : POOL == POOL_AVERAGE_PADDED ? sum / float(padded)
                                                               : sum / float(inside);
}
