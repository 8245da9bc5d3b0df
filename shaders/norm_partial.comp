#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "norm_partial.h"

layout(constant_id = 3) const int PAIRS = 0; // plane is even

#include "norm_sums.glsl"

// Mean and sum of squared deviations of one chunk of one plane, by one subgroup.
// x [planes][plane]; partial [planes][chunks][2]. Grid: x chunks, y planes.
void main()
{
    int chunk = int(gl_WorkGroupID.x);
    int plane_index = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane_index >= push.planes)
        return;
    int first = chunk * NORM_CHUNK, end = min(first + NORM_CHUNK, push.plane);
    Moments own = moments_of(at(push.x, plane_index * push.plane), first, end);
    if (gl_SubgroupInvocationID == 0) {
        uint64_t to = at(push.partial, (plane_index * push.chunks + chunk) * 2);
        Floats(to).v[0] = own.mean;
        Floats(to).v[1] = own.m2;
    }
}
