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
    int row = i / push.w, x = i - row * push.w;
    int plane = row / push.h, y = row - plane * push.h;
    int from = (plane * push.out_h + y / FACTOR) * push.out_w + x / FACTOR;
    Floats(at(push.dx, i)).v[0] = Floats(at(push.dy, from)).v[0] / float(FACTOR * FACTOR);
}
