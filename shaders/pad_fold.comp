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
    // Elements away from the border stand for themselves alone.
    bool inner_x = x > push.pad && x < push.w - 1 - push.pad;
    bool inner_y = y > push.pad && y < push.h - 1 - push.pad;
    int y0 = inner_y ? y + push.pad : 0, y1 = inner_y ? y0 + 1 : padded_h;
    int x0 = inner_x ? x + push.pad : 0, x1 = inner_x ? x0 + 1 : padded_w;
    for (int v = y0; v < y1; v++) {
        if (pad_index(v - push.pad, push.h, PAD_MODE) != y)
            continue;
        for (int u = x0; u < x1; u++)
            if (pad_index(u - push.pad, push.w, PAD_MODE) == x)
                sum += Floats(at(plane, v * padded_w + u)).v[0];
    }
    Floats(at(push.dx, i)).v[0] = sum;
}
