#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "steady.glsl"
#include "steady_blend.h"
#include "steady_pixel.glsl"

// The network's picture y [3][h][w] of the input x takes in that of the last frame.
layout(constant_id = 3) const int PAIRS = 0; // w is even: two pixels an invocation
const int PIXELS = 1 + PAIRS;

// Neighbours in a plane; the second alone counts where there is one.
vec2 load(uint64_t address)
{
    return PAIRS != 0 ? load_pair(address) : vec2(Floats(address).v[0]);
}

void store(uint64_t address, vec2 v)
{
    if (PAIRS != 0)
        store_pair(address, v);
    else
        Floats(address).v[0] = v.x;
}

void main()
{
    int i = LINEAR_INDEX * PIXELS, plane = push.h * push.w;
    if (i >= plane)
        return;
    int row = divide(i, push.w), offset = past_offset(row, i - row * push.w);
    Past past = load_past();
    vec2 y[3], luma = vec2(0.5);
    [[unroll]] for (int c = 0; c < 3; c++) {
        const float weight[3] = float[3](0.1495, 0.2935, 0.057); // half of Rec. 601's
        luma += weight[c] * load(at(push.x, i + c * plane));
        y[c] = load(at(push.y, i + c * plane));
    }
    [[unroll]] for (int k = 0; k < PIXELS; k++) {
        uvec2 word;
        uvec2 kept = load_kept(past, i + k, offset);
        vec3 own = take_past(past, vec3(y[0][k], y[1][k], y[2][k]), luma[k], kept, word);
        [[unroll]] for (int c = 0; c < 3; c++)
            y[c][k] = own[c];
        store_past(past, i + k, word);
    }
    [[unroll]] for (int c = 0; c < 3; c++)
        store(at(push.y, i + c * plane), y[c]);
}
