#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "moments.glsl"
#include "region_merge.h"
#include "steady.glsl"

// Merge the moments of all parts of a plane, one subgroup a plane, in a fixed order, into its
// statistics: mean, 1 / sqrt(variance + epsilon). keep: the weight of what stats hold from the frame
// before.
void main()
{
    int plane = int(gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x);
    if (plane >= push.planes)
        return;
    Moments own = Moments(0, 0, 0);
    for (int p = int(gl_SubgroupInvocationID); p < push.parts; p += SUBGROUP) {
        uint64_t from = at(push.moments, (p * push.planes + plane) * 3);
        own = merge(own, Moments(Floats(from).v[0], Floats(from).v[1], Floats(from).v[2]));
    }
    Moments all = merge_lanes(own);
    if (gl_SubgroupInvocationID == 0) {
        uint64_t to = at(push.stats, plane * 2);
        float keep = optional_at(push.keep, 0, push.moments, 0);
        float rstd = 1 / sqrt(all.m2 / all.count + push.epsilon);
        Floats(to).v[0] = steady(all.mean, Floats(to).v[0], keep);
        Floats(to).v[1] = steady(rstd, Floats(to).v[1], keep);
    }
}
