#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "moments.glsl"
#include "region_moments.h"
#include "sums.glsl"

// Count, mean and sum of squared deviations of a stripe of a rectangle of every plane of x, by one
// subgroup. Grid: x stripes, y planes.
void main()
{
    int stripe = int(gl_WorkGroupID.x), lane = int(gl_SubgroupInvocationID);
    int plane_index = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane_index >= push.planes)
        return;
    int first = stripe * REGION_STRIPE, end = min(first + REGION_STRIPE, push.rows);
    uint64_t plane = at(push.x, plane_index * push.plane);

    // Sums are taken about the mean of the first elements: a plane far from zero does not cancel.
    float own = Floats(at(plane, first * push.row + min(lane, push.w - 1))).v[0], origin = 0;
    [[unroll]] for (int l = 0; l < SUBGROUP; l++)
        origin += subgroupBroadcast(own, uint(l));
    origin /= SUBGROUP;
    float count = 0, sum = 0, squares = 0, lost_sum = 0, lost_squares = 0;
    for (int y = first; y < end; y++) {
        uint64_t row = at(plane, y * push.row);
        for (int x = lane; x < push.w; x += SUBGROUP) {
            float d = Floats(at(row, x)).v[0] - origin;
            add_compensated(sum, lost_sum, d);
            add_compensated(squares, lost_squares, d * d);
            count += 1;
        }
    }
    float share = count > 0 ? sum / count : 0;
    Moments all = merge_lanes(Moments(count, origin + share, max(squares - sum * share, 0)));
    if (lane == 0) {
        uint64_t to = at(push.moments, (stripe * push.planes + plane_index) * 3);
        Floats(to).v[0] = all.count;
        Floats(to).v[1] = all.mean;
        Floats(to).v[2] = all.m2;
    }
}
