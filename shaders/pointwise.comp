#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "pointwise.h"

// y = act(a), or y = act(a + b).
layout(constant_id = 3) const int ACTIVATION = ACT_NONE;
layout(constant_id = 4) const int ADD = 0;

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    float v = Floats(at(push.a, i)).v[0];
    if (ADD != 0)
        v += Floats(at(push.b, i)).v[0];
    Floats(at(push.y, i)).v[0] = activate(v, ACTIVATION, push.slope);
}
