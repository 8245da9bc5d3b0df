#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "norm_chunk.h"
#include "norm_plane.h"
#include "norm_apply.glsl"
#include "norm_sums.glsl"
#include "steady.glsl"

// norm_partial, norm_merge and norm_apply at once, one subgroup a plane.
void main()
{
    int plane_index = int(gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x);
    if (plane_index >= push.planes)
        return;
    int first = plane_index * push.plane, lane = int(gl_SubgroupInvocationID);
    // In the order of norm_merge.comp, so that the same sums come out.
    Moments own = Moments(0, 0, 0);
    for (int c = 0; c * NORM_CHUNK < push.plane; c++) {
        int from = c * NORM_CHUNK;
        Moments chunk = moments_of(at(push.x, first), from, min(from + NORM_CHUNK, push.plane));
        if (c % SUBGROUP == lane)
            own = merge(own, chunk);
    }
    Moments all = merge_lanes(own);
    uint64_t stats = at(push.stats, plane_index * 2);
    float keep = optional_at(push.keep, 0, push.x, 0);
    float rstd = 1 / sqrt(all.m2 / all.count + push.epsilon);
    // Of the first lane, which had read what was kept before it writes.
    float mean = subgroupBroadcast(steady(all.mean, Floats(stats).v[0], keep), 0u);
    rstd = subgroupBroadcast(steady(rstd, Floats(stats).v[1], keep), 0u);
    if (lane == 0) {
        Floats(stats).v[0] = mean;
        Floats(stats).v[1] = rstd;
    }
    Scaling s = scaling_of(plane_index, mean, rstd);
    const int width = PAIRS != 0 ? 2 : 1, unrolled = 4;
    for (int from = lane * width; from < push.plane; from += unrolled * SUBGROUP * width)
        [[unroll]] for (int k = 0; k < unrolled; k++)
            if (from + k * SUBGROUP * width < push.plane)
                normalise(s, first + from + k * SUBGROUP * width);
}
