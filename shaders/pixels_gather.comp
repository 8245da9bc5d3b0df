#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "half.glsl"
#include "pixels_gather.h"

// y [N, H, W, stored] in half precision = x [N, channels, H, W]: with COLUMNS = 1 the same numbers,
// else channel k * channels + c of a pixel is channel c of its k-th neighbour in the line, the first
// of them PAD to the left. Eight channels an invocation; pixels vary fastest.
layout(constant_id = 3) const int COLUMNS = 1;
layout(constant_id = 4) const int PAD = 0;
layout(constant_id = 5) const int PAD_MODE = PAD_ZERO;

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int pieces = push.stored / 8;
    int n = i / (push.plane * pieces), rest = i - n * push.plane * pieces;
    int piece = rest / push.plane, pixel = rest - piece * push.plane;
    int row = pixel / push.w, column = pixel - row * push.w;
    float v[8];
    [[unroll]] for (int k = 0; k < 8; k++) {
        int channel = piece * 8 + k, tap = channel / push.channels;
        int from = column + tap - PAD;
        bool inside = tap < COLUMNS && (PAD_MODE != PAD_ZERO || (from >= 0 && from < push.w));
        int source = (n * push.channels + channel - tap * push.channels) * push.plane +
                     row * push.w + pad_index(from, push.w, PAD_MODE);
        v[k] = 0;
        if (inside)
            v[k] = Floats(at(push.x, source)).v[0];
    }
    store_eight(half_at(push.y, (n * push.plane + pixel) * push.stored + piece * 8), v);
}
