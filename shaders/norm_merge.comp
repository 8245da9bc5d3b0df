#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "moments.glsl"
#include "norm_merge.h"
#include "steady.glsl"

// Merge the chunks of a plane, one subgroup a plane, in a fixed order.
// partial [planes][chunks][2]: mean, sum of squared deviations; stats [planes][2]: mean, rstd.
// keep: the weight of what stats hold from the frame before.

void main()
{
    int plane_index = int(gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x);
    if (plane_index >= push.planes)
        return;
    Moments own = Moments(0, 0, 0);
    for (int c = int(gl_SubgroupInvocationID); c < push.chunks; c += SUBGROUP) {
        uint64_t from = at(push.partial, (plane_index * push.chunks + c) * 2);
        float count = float(min(push.chunk, push.plane - c * push.chunk));
        own = merge(own, Moments(count, Floats(from).v[0], Floats(from).v[1]));
    }
    Moments all = merge_lanes(own);
    if (gl_SubgroupInvocationID == 0) {
        uint64_t to = at(push.stats, plane_index * 2);
        float keep = optional_at(push.keep, 0, push.partial, 0);
        float rstd = 1 / sqrt(all.m2 / all.count + push.epsilon);
        Floats(to).v[0] = steady(all.mean, Floats(to).v[0], keep);
        Floats(to).v[1] = steady(rstd, Floats(to).v[1], keep);
    }
}
