#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "sum_partials.h"

// y[i] += sum over s of partial[s][i], in the order of s.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    float sum = 0;
    for (int s = 0; s < push.splits; s++)
        sum += Floats(at(push.partial, s * push.count + i)).v[0];
    Floats(at(push.y, i)).v[0] += sum;
}
