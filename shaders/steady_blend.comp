#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "steady.glsl"
#include "steady_blend.h"

// The network's picture y [3][h][w] takes in that of the last frame, where the input x has moved from
// there and looks alike: what flickers then is the network's doing, or noise that it made visible.
//
// history [2][h][w]: of each pixel four numbers of 16 bits, y as it came out and the luma of x; the
// frames write its halves in turn. A luma of ones: nothing to be used.
const float SHARE = 0.6;        // of the weight: the past of a pixel is short, so nothing smears
const float UNLIKE = 6.0 / 255; // the difference of luma from which on nothing is taken

const uint NOTHING = 0xffff;

layout(constant_id = 3) const int PAIRS = 0; // w is even: two pixels an invocation
const int PIXELS = 1 + PAIRS;

uint code(float v) // of 0..1
{
    return uint(clamp(v, 0, 1) * 65534 + 0.5);
}

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
    int row = divide(i, push.w), column = i - row * push.w;
    float keep = SHARE * Floats(push.state).v[0];
    int turn = int(Words(push.state).v[1]) * plane;
    int block = row / STEADY_BLOCK * push.blocks_w + column / STEADY_BLOCK;
    int offset = int(Words(at(push.offsets, block)).v[0]);
    bool used = keep > 0 && offset != STEADY_NOWHERE;
    int from = plane - turn + i + (used ? offset : 0);
    vec2 y[3], luma = vec2(0.5);
    [[unroll]] for (int c = 0; c < 3; c++) {
        const float weight[3] = float[3](0.1495, 0.2935, 0.057); // half of Rec. 601's
        luma += weight[c] * load(at(push.x, i + c * plane));
        y[c] = load(at(push.y, i + c * plane));
    }
    [[unroll]] for (int k = 0; k < PIXELS; k++) {
        vec3 own = vec3(y[0][k], y[1][k], y[2][k]);
        uint now = code(luma[k]);
        uvec2 past = unpack32(Pairs(at(push.history, 2 * (from + k))).v[0]);
        vec3 before = vec3(past.x & 0xffff, past.x >> 16, past.y & 0xffff) * (2.0 / 65534) - 1;
        float d = (float(past.y >> 16) - float(now)) * (1 / (65534 * UNLIKE));
        float alike = max(1 - d * d, 0);
        bool known = used && past.y >> 16 != NOTHING;
        own += (known ? keep * alike * alike : 0) * (before - own);
        [[unroll]] for (int c = 0; c < 3; c++)
            y[c][k] = own[c];
        float sum = own.r + own.g + own.b;
        uvec2 word = uvec2(code(0.5 * own.r + 0.5) | code(0.5 * own.g + 0.5) << 16,
                           code(0.5 * own.b + 0.5) | (is_finite(sum) ? now : NOTHING) << 16);
        Pairs(at(push.history, 2 * (turn + i + k))).v[0] = pack64(word);
    }
    [[unroll]] for (int c = 0; c < 3; c++)
        store(at(push.y, i + c * plane), y[c]);
}
