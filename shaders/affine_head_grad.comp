#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "affine_head_grad.h"

// Gradients of affine_head.comp from its result: with z before the tanh, dz = dy (1 - y^2).
layout(constant_id = 3) const int DX = 1; // that of x is wanted

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int g = i + i / push.picture * push.picture;
    float y = Floats(at(push.y, i)).v[0];
    float dz = Floats(at(push.dy, i)).v[0] * (1 - y * y);
    Floats(at(push.dcoefficients, g)).v[0] = dz * Floats(at(push.x, i)).v[0];
    Floats(at(push.dcoefficients, g + push.picture)).v[0] = dz;
    if (DX != 0)
        Floats(at(push.dx, i)).v[0] = dz * (1 + Floats(at(push.coefficients, g)).v[0]);
}
