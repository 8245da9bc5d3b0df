#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "shrink_grad.h"

// Gradient of the mean over squares of FACTOR x FACTOR: every element has its share of its square's.
layout(constant_id = 3) const int FACTOR = 2;

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    ivec3 place = place_of(i, push.w, push.h);
    int from = (place.z * push.out_h + place.y / FACTOR) * push.out_w + place.x / FACTOR;
    Floats(at(push.dx, i)).v[0] = Floats(at(push.dy, from)).v[0] / float(FACTOR * FACTOR);
}
