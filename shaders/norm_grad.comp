#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "norm_grad.h"
#include "norm_grad.glsl"

// The gradient of an instance norm from its sums [N, C, 2], which plane_merge.comp gives. A subgroup
// takes a chunk of a plane. Grid: x chunks, y and z planes.
void main()
{
    int plane_index = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane_index >= push.planes)
        return;
    int first = int(gl_WorkGroupID.x) * NORM_GRAD_CHUNK;
    int end = min(first + NORM_GRAD_CHUNK, push.plane), base = plane_index * push.plane;
    uint64_t sums = at(push.sums, plane_index * 2);
    float m = 1 / float(push.plane);
    Norm norm = norm_of(plane_index);
    float mean_g = Floats(sums).v[0] * m, mean_product = Floats(sums).v[1] * m;
    int lane = int(gl_SubgroupInvocationID);
    for (int i = first + TOGETHER * lane; i < end; i += TOGETHER * SUBGROUP)
        take_back(norm, base + i, mean_g, mean_product);
}
