#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "pixels_scatter.h"

// y [N, channels, H, W] = x [N, H, W, stored] in half precision: with COLUMNS = 1 the same numbers,
// else the activation of the bias and the sum over k of channel k * channels + c of the k-th
// neighbour in the line, the first of them PAD to the left. One element an invocation.
layout(constant_id = 3) const int COLUMNS = 1;
layout(constant_id = 4) const int PAD = 0;
layout(constant_id = 5) const int PAD_MODE = PAD_ZERO;
layout(constant_id = 6) const int ACTIVATION = ACT_NONE;

float half_of(int index)
{
    vec2 pair = unpackHalf2x16(Words(push.x + uint64_t(index / 2) * 4).v[0]);
    return (index & 1) != 0 ? pair.y : pair.x;
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int plane_index = i / push.plane, pixel = i - plane_index * push.plane;
    int n = plane_index / push.channels, channel = plane_index - n * push.channels;
    int row = pixel / push.w, column = pixel - row * push.w;
    float sum = optional_at(push.bias, channel, push.x, 0);
    [[unroll]] for (int k = 0; k < COLUMNS; k++) {
        int from = column + k - PAD;
        if (PAD_MODE != PAD_ZERO || (from >= 0 && from < push.w))
            sum += half_of((n * push.plane + row * push.w + pad_index(from, push.w, PAD_MODE)) *
                               push.stored +
                           k * push.channels + channel);
    }
    Floats(at(push.y, i)).v[0] = activate(sum, ACTIVATION, push.slope);
}
