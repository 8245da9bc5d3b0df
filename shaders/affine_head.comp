#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "affine_head.h"

// y = tanh(x * (1 + gain) + offset). A picture's coefficients are all its gains, then all its
// offsets: two pictures' worth of elements.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int g = i + i / push.picture * push.picture;
    float gain = Floats(at(push.coefficients, g)).v[0];
    float offset = Floats(at(push.coefficients, g + push.picture)).v[0];
    float x = Floats(at(push.x, i)).v[0];
    Floats(at(push.y, i)).v[0] = activate(x * (1 + gain) + offset, ACT_TANH, 0);
}
