#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "norm_grad.h"
#include "norm_grad.glsl"
#include "sums.glsl"

// The gradient of an instance norm, sums and all, one subgroup a plane.
void main()
{
    int plane_index = int(gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x);
    if (plane_index >= push.planes)
        return;
    int base = plane_index * push.plane, lane = int(gl_SubgroupInvocationID);
    Norm norm = norm_of(plane_index);
    float sum = 0, product = 0, lost_sum = 0, lost_product = 0;
    for (int i = TOGETHER * lane; i < push.plane; i += TOGETHER * SUBGROUP) {
        vec2 g = gradients_of(base + i);
        add_compensated(sum, lost_sum, g.x + g.y);
        add_compensated(product, lost_product, dot(g, xhat_of(norm, base + i)));
    }
    float sums = 0, products = 0; // in lane order: the same bits every time
    [[unroll]] for (int l = 0; l < SUBGROUP; l++) {
        sums += subgroupBroadcast(sum, uint(l));
        products += subgroupBroadcast(product, uint(l));
    }
    float m = 1 / float(push.plane);
    for (int i = TOGETHER * lane; i < push.plane; i += TOGETHER * SUBGROUP)
        take_back(norm, base + i, sums * m, products * m);
}
