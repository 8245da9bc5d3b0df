#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "upsample_grad.h"

// Gradient of upsample.comp: every element gathers, with its weights there, what it gave.
layout(constant_id = 3) const int BILINEAR = 0;

// The weight of source s in output o along an axis of n sources.
float weight(int o, int s, int n)
{
    if (BILINEAR == 0)
        return o / push.factor == s ? 1 : 0;
    float position = max((float(o) + 0.5) / float(push.factor) - 0.5, 0);
    int a = int(position), b = min(a + 1, n - 1);
    float f = position - float(a);
    return (a == s ? 1 - f : 0) + (b == s ? f : 0);
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int x = i % push.w, y = i / push.w % push.h;
    int out_w = push.w * push.factor, out_h = push.h * push.factor;
    uint64_t plane = at(push.dy, i / push.w / push.h * out_w * out_h);
    int reach = BILINEAR != 0 ? push.factor : 0;
    float sum = 0;
    for (int v = max(y * push.factor - reach, 0); v < min((y + 1) * push.factor + reach, out_h); v++)
        for (int u = max(x * push.factor - reach, 0); u < min((x + 1) * push.factor + reach, out_w);
             u++)
            sum += weight(v, y, push.h) * weight(u, x, push.w) *
                   Floats(at(plane, v * out_w + u)).v[0];
    Floats(at(push.dx, i)).v[0] = sum;
}
