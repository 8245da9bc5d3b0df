#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "resize.h"

// Any change of size, to the nearest element or linear; as cgv_nearest.
const int NEAREST_FLOOR = 0;
const int NEAREST_ROUND_DOWN = 1;
const int NEAREST_ROUND_UP = 2;
const int NEAREST_CEIL = 3;
const int NEAREST_LINEAR = 4;
layout(constant_id = 3) const int NEAREST = NEAREST_FLOOR;

// Positions are multiples of 1 / size; what lies closer to a whole number was meant to be it.
const float NEARLY = 1e-4;

float position(int o, int axis)
{
    return (float(o) + push.shift) * push.times[axis] / push.over[axis] - push.shift;
}

int nearest(int o, int axis, int size)
{
    float p = position(o, axis);
    float i = NEAREST == NEAREST_FLOOR        ? floor(p + NEARLY)
              : NEAREST == NEAREST_ROUND_DOWN ? ceil(p - 0.5 - NEARLY)
              : NEAREST == NEAREST_ROUND_UP   ? floor(p + 0.5 + NEARLY)
                                              : ceil(p - NEARLY);
    return clamp(whole(i), 0, size - 1);
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    ivec3 o = place_of(i, push.out_w, push.out_h);
    uint64_t plane = at(push.x, o.z * push.h * push.w);
    float v;
    if (NEAREST == NEAREST_LINEAR) {
        vec2 p = clamp(vec2(position(o.x, 1), position(o.y, 0)), vec2(0), vec2(push.w, push.h) - 1);
        ivec2 a = whole(p), b = min(a + 1, ivec2(push.w, push.h) - 1);
        vec2 f = p - vec2(a);
        float top = mix(Floats(at(plane, a.y * push.w + a.x)).v[0],
                        Floats(at(plane, a.y * push.w + b.x)).v[0], f.x);
        float bottom = mix(Floats(at(plane, b.y * push.w + a.x)).v[0],
                           Floats(at(plane, b.y * push.w + b.x)).v[0], f.x);
        v = mix(top, bottom, f.y);
    } else {
        v = Floats(at(plane, nearest(o.y, 0, push.h) * push.w + nearest(o.x, 1, push.w))).v[0];
    }
    Floats(at(push.y, i)).v[0] = v;
}
