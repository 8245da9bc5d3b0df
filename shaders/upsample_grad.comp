#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "upsample_grad.h"

// Gradient of upsample.comp: every element gathers, with its weights there, what it gave.
layout(constant_id = 3) const int BILINEAR = 0;
layout(constant_id = 4) const int FACTOR = 2;

// The sum of its square.
float nearest(int i)
{
    int row = i / push.w; // counted through all planes
    int corner = row * FACTOR * FACTOR * push.w + (i - row * push.w) * FACTOR;
    float sum = 0;
    for (int v = 0; v < FACTOR; v++)
        for (int u = 0; u < FACTOR; u++)
            sum += Floats(at(push.dy, corner + v * FACTOR * push.w + u)).v[0];
    return sum;
}

// The weight of source s in output o along an axis of n sources.
float weight(int o, int s, int n)
{
    float position = max((float(o) + 0.5) / float(FACTOR) - 0.5, 0);
    int a = whole(position), b = min(a + 1, n - 1);
    float f = position - float(a);
    return (a == s ? 1 - f : 0) + (b == s ? f : 0);
}

float bilinear(int i)
{
    ivec3 place = place_of(i, push.w, push.h);
    int x = place.x, y = place.y;
    int out_w = push.w * FACTOR, out_h = push.h * FACTOR;
    uint64_t plane = at(push.dy, place.z * out_w * out_h);
    float sum = 0;
    for (int v = max((y - 1) * FACTOR, 0); v < min((y + 2) * FACTOR, out_h); v++)
        for (int u = max((x - 1) * FACTOR, 0); u < min((x + 2) * FACTOR, out_w); u++)
            sum += weight(v, y, push.h) * weight(u, x, push.w) *
                   Floats(at(plane, v * out_w + u)).v[0];
    return sum;
}

void main()
{
    int i = LINEAR_INDEX;
    if (i < push.count)
        Floats(at(push.dx, i)).v[0] = BILINEAR != 0 ? bilinear(i) : nearest(i);
}
