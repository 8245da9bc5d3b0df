#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "pad_fold.h"

// Gradient of padding: every padded element's gradient goes to the element it repeats.
// dx [planes, h, w] gathers from dpadded [planes, h + 2 pad, w + 2 pad], in a fixed order.
layout(constant_id = 3) const int PAD_MODE = PAD_REFLECT;

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int x = i % push.w, y = i / push.w % push.h;
    int padded_w = push.w + 2 * push.pad, padded_h = push.h + 2 * push.pad;
    uint64_t plane = at(push.dpadded, i / push.w / push.h * padded_w * padded_h);
    float sum = 0;
    // Only elements near a border are repeated, and only on its side.
    int y0 = y <= push.pad ? 0 : y + push.pad;
    int y1 = y >= push.h - 1 - push.pad ? padded_h : y + push.pad + 1;
    int x0 = x <= push.pad ? 0 : x + push.pad;
    int x1 = x >= push.w - 1 - push.pad ? padded_w : x + push.pad + 1;
    for (int v = y0; v < y1; v++) {
        if (pad_index(v - push.pad, push.h, PAD_MODE) != y)
            continue;
        for (int u = x0; u < x1; u++)
            if (pad_index(u - push.pad, push.w, PAD_MODE) == x)
                sum += Floats(at(plane, v * padded_w + u)).v[0];
    }
    Floats(at(push.dx, i)).v[0] = sum;
}
