#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "activation_grad.glsl"
#include "activation_grad.h"

// dx = dy * act'(y), y the activation's result.
layout(constant_id = 3) const int ACTIVATION = ACT_NONE;

void main()
{
    int i = LINEAR_INDEX;
    if (i < push.count)
        Floats(at(push.dx, i)).v[0] =
            Floats(at(push.dy, i)).v[0] *
            activation_slope(Floats(at(push.y, i)).v[0], ACTIVATION, push.slope);
}
