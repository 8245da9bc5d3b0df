#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "norm_apply.h"
#include "norm_apply.glsl"

// y = act(scale * (x - mean) * rstd + shift) + residual, PER_LANE elements an invocation.
// y, x, residual [planes][plane]; stats [planes][2]. Grid: x within a plane, y and z planes.
layout(constant_id = 6) const int PER_LANE = 8;

void main()
{
    int plane_index = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane_index >= push.planes)
        return;
    uint64_t stats = at(push.stats, plane_index * 2);
    Scaling s = scaling_of(plane_index, Floats(stats).v[0], Floats(stats).v[1]);
    int width = PAIRS != 0 ? 2 : 1;
    int group = int(gl_WorkGroupSize.x) * width;
    int first = int(gl_WorkGroupID.x) * group * (PER_LANE / width) +
                int(gl_LocalInvocationID.x) * width;
    [[unroll]] for (int k = 0; k < PER_LANE / width; k++) {
        int i = first + k * group;
        if (i < push.plane)
            normalise(s, plane_index * push.plane + i);
    }
}
