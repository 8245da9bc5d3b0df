#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "columns.h"

// "im2col": what each weight of a convolution meets, as a matrix for conv_weight_product.comp.
//
// x [N, groups * channels, h, w]; columns [groups][blocks][steps * 2][BLOCK][2]: column k = (c, ky,
// kx) is number k % BLOCK of its block; pixel p = (n, y, x) of the result is number p % 2 of pair
// p / 2. Zero where there is no such column or pixel. A lane takes a column and STEPS * 4 pixels.
// Grid: x groups of SUBGROUP columns, y runs of STEPS steps.
layout(constant_id = 3) const int KERNEL = 3;
layout(constant_id = 4) const int STRIDE = 1;
layout(constant_id = 5) const int PAD = 1;
layout(constant_id = 6) const int PAD_MODE = PAD_ZERO;
layout(constant_id = 7) const int BLOCK = 16;
layout(constant_id = 8) const int STEPS = 8;

const int TAPS = KERNEL * KERNEL;

void main()
{
    int all = int(gl_GlobalInvocationID.x); // columns with those that fill up the blocks
    int group = all / (push.blocks * BLOCK);
    int k = all - group * push.blocks * BLOCK;
    bool exists = group < push.groups && k < push.channels * TAPS;
    int c = exists ? k / TAPS : 0, tap = k % TAPS;
    int ky = tap / KERNEL - PAD, kx = tap % KERNEL - PAD;
    int plane = push.h * push.w;
    uint64_t to = push.columns + (uint64_t(all / BLOCK) * uint64_t(push.steps * 2 * BLOCK) +
                                  uint64_t(all % BLOCK)) * PAIR_BYTES;
    int first = int(gl_WorkGroupID.y) * STEPS, last = min(first + STEPS, push.steps);
    for (int pair = 2 * first; pair < 2 * last; pair++) {
        float v[2];
        [[unroll]] for (int i = 0; i < 2; i++) {
            // The same for all lanes.
            int p = min(2 * pair + i, push.pixels - 1);
            int line = p / push.out_w, n = line / push.out_h;
            int x = (p - line * push.out_w) * STRIDE + kx;
            int y = (line - n * push.out_h) * STRIDE + ky;
            int channel = (n * push.groups + (exists ? group : 0)) * push.channels + c;
            float value = Floats(at(push.x, channel * plane +
                                                pad_index(y, push.h, PAD_MODE) * push.w +
                                                pad_index(x, push.w, PAD_MODE))).v[0];
            bool seen = PAD_MODE != PAD_ZERO ||
                        (y >= 0 && y < push.h && x >= 0 && x < push.w);
            v[i] = exists && seen && 2 * pair + i < push.pixels ? value : 0;
        }
        if (group < push.groups)
            store_pair(to + uint64_t(pair * BLOCK) * PAIR_BYTES, vec2(v[0], v[1]));
    }
}
