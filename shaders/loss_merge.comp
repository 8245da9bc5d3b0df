#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "loss_merge.h"

// loss += scale * sum of the chunks, by one subgroup in a fixed order.
void main()
{
    float sum = 0;
    for (int i = int(gl_SubgroupInvocationID); i < push.chunks; i += SUBGROUP)
        sum += Floats(at(push.partial, i)).v[0];
    float total = 0;
    [[unroll]] for (int l = 0; l < SUBGROUP; l++)
        total += subgroupBroadcast(sum, uint(l));
    if (gl_SubgroupInvocationID == 0)
        Floats(push.loss).v[0] += push.scale * total;
}
