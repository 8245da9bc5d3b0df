#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "steady_luma.h"

// y [h][w] = the luma of x [3][h][w]: of [-1, 1], in [0, 1].
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    vec3 v = vec3(Floats(at(push.x, i)).v[0], Floats(at(push.x, i + push.count)).v[0],
                  Floats(at(push.x, i + 2 * push.count)).v[0]);
    Floats(at(push.y, i)).v[0] = 0.5 * dot(v, vec3(0.299, 0.587, 0.114)) + 0.5;
}
