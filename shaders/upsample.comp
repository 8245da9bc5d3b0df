#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "upsample.h"

// Enlarge by an integer factor: nearest, or bilinear with half-pixel centres and clamped edges.
layout(constant_id = 3) const int BILINEAR = 0;

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int out_w = push.w * push.factor, out_h = push.h * push.factor;
    int ox = i % out_w, oy = i / out_w % out_h;
    uint64_t plane = at(push.x, i / out_w / out_h * push.h * push.w);
    float v;
    if (BILINEAR != 0) {
        vec2 at_x = (vec2(ox, oy) + 0.5) / float(push.factor) - 0.5;
        at_x = max(at_x, 0);
        ivec2 a = ivec2(at_x);
        ivec2 b = min(a + 1, ivec2(push.w, push.h) - 1);
        vec2 f = at_x - vec2(a);
        float top = mix(Floats(at(plane, a.y * push.w + a.x)).v[0],
                        Floats(at(plane, a.y * push.w + b.x)).v[0], f.x);
        float bottom = mix(Floats(at(plane, b.y * push.w + a.x)).v[0],
                           Floats(at(plane, b.y * push.w + b.x)).v[0], f.x);
        v = mix(top, bottom, f.y);
    } else {
        v = Floats(at(plane, oy / push.factor * push.w + ox / push.factor)).v[0];
    }
    Floats(at(push.y, i)).v[0] = v;
}
