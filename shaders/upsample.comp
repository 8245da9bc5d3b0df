#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "upsample.h"

// Enlarge by an integer factor: nearest, or bilinear with half-pixel centres and clamped edges.
layout(constant_id = 3) const int BILINEAR = 0;
layout(constant_id = 4) const int FACTOR = 2;

// Every element of x fills its square of y: a load and a division serve all of it.
void nearest(int i)
{
    float v = Floats(at(push.x, i)).v[0];
    int row = i / push.w; // counted through all planes
    int corner = row * FACTOR * FACTOR * push.w + (i - row * push.w) * FACTOR;
    for (int dy = 0; dy < FACTOR; dy++) {
        uint64_t target = at(push.y, corner + dy * FACTOR * push.w);
        if (FACTOR == 2)
            store_pair(target, vec2(v));
        else
            for (int dx = 0; dx < FACTOR; dx++)
                Floats(at(target, dx)).v[0] = v;
    }
}

void bilinear(int i)
{
    int out_w = push.w * FACTOR, out_h = push.h * FACTOR;
    ivec3 o = place_of(i, out_w, out_h);
    uint64_t plane = at(push.x, o.z * push.h * push.w);
    vec2 at_x = (vec2(o.xy) + 0.5) / float(FACTOR) - 0.5;
    at_x = max(at_x, 0);
    ivec2 a = whole(at_x);
    ivec2 b = min(a + 1, ivec2(push.w, push.h) - 1);
    vec2 f = at_x - vec2(a);
    float top = mix(Floats(at(plane, a.y * push.w + a.x)).v[0],
                    Floats(at(plane, a.y * push.w + b.x)).v[0], f.x);
    float bottom = mix(Floats(at(plane, b.y * push.w + a.x)).v[0],
                       Floats(at(plane, b.y * push.w + b.x)).v[0], f.x);
    Floats(at(push.y, i)).v[0] = mix(top, bottom, f.y);
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    if (BILINEAR != 0)
        bilinear(i);
    else
        nearest(i);
}
