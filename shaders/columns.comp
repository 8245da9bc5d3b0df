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

// The next pixel. Not by dividing, which a CPU does one lane after the other.
ivec3 behind(ivec3 place)
{
    place.x++;
    if (place.x == push.out_w)
        place = ivec3(0, place.y + 1, place.z);
    if (place.y == push.out_h)
        place = ivec3(0, 0, place.z + 1);
    return place;
}

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
    int p = 4 * first; // the same for all lanes, as is its place
    ivec3 place = place_of(min(p, push.pixels - 1), push.out_w, push.out_h);
    for (int pair = 2 * first; pair < 2 * last; pair++) {
        float v[2];
        [[unroll]] for (int i = 0; i < 2; i++) {
            int x = place.x * STRIDE + kx, y = place.y * STRIDE + ky;
            int channel = (place.z * push.groups + (exists ? group : 0)) * push.channels + c;
            float value = Floats(at(push.x, channel * plane +
                                                pad_index(y, push.h, PAD_MODE) * push.w +
                                                pad_index(x, push.w, PAD_MODE))).v[0];
            bool seen = PAD_MODE != PAD_ZERO ||
                        (y >= 0 && y < push.h && x >= 0 && x < push.w);
            v[i] = exists && seen && p < push.pixels ? value : 0;
            p++;
            if (p < push.pixels)
                place = behind(place);
        }
        if (group < push.groups)
            store_pair(to + uint64_t(pair * BLOCK) * PAIR_BYTES, vec2(v[0], v[1]));
    }
}
