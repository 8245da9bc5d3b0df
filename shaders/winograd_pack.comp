#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "winograd_pack.h"

// Weights to G w G^T, in the order that winograd.h says, zeros where it is padded. One invocation
// for a channel in and a channel out.
layout(constant_id = 3) const int BLOCK = 16;

void transform(out float u[6], float a, float b, float c)
{
    float even = (a + c) / 6, odd = b / 6;
    float outer = fma(4.0, c, a) / 24, middle = b / 12;
    u[0] = a / 4;
    u[1] = -even - odd;
    u[2] = odd - even;
    u[3] = outer + middle;
    u[4] = outer - middle;
    u[5] = c;
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int lanes = push.blocks * BLOCK;
    int ci = i / lanes, co = i - ci * lanes;
    bool inside = ci < push.cin && co < push.cout;
    float w[9];
    int from = inside ? (co * push.cin + ci) * 9 : 0;
    [[unroll]] for (int t = 0; t < 9; t++) {
        float value = Floats(at(push.weights, from + t)).v[0];
        w[t] = inside ? value : 0;
    }
    float half_done[18]; // [6][3]
    [[unroll]] for (int t = 0; t < 3; t++) {
        float u[6];
        transform(u, w[t], w[3 + t], w[6 + t]);
        [[unroll]] for (int j = 0; j < 6; j++)
            half_done[3 * j + t] = u[j];
    }
    int block = co / BLOCK;
    int to = ((block * push.pairs + ci / 2) * BLOCK + co - block * BLOCK) * 2 + (ci & 1);
    int next = push.blocks * push.pairs * BLOCK * 2;
    [[unroll]] for (int j = 0; j < 6; j++) {
        float u[6];
        transform(u, half_done[3 * j], half_done[3 * j + 1], half_done[3 * j + 2]);
        [[unroll]] for (int k = 0; k < 6; k++)
            Floats(at(push.packed, (6 * j + k) * next + to)).v[0] = u[k];
    }
}
