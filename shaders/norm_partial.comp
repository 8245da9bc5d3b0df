#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "norm_partial.h"
#include "sums.glsl"

// Mean and sum of squared deviations of one chunk of one plane, by one subgroup.
// x [planes][plane]; partial [planes][chunks][2]. Grid: x chunks, y planes.
//
// Sums are taken about the mean of the chunk's first elements, so that a plane far from zero does not
// cancel.
layout(constant_id = 3) const int PAIRS = 0; // plane is even

void main()
{
    int chunk = int(gl_WorkGroupID.x);
    int plane_index = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane_index >= push.planes)
        return;
    int first = chunk * NORM_CHUNK, end = min(first + NORM_CHUNK, push.plane);
    uint64_t x = at(push.x, plane_index * push.plane);
    int lane = int(gl_SubgroupInvocationID);
    float own = Floats(at(x, min(first + lane, end - 1))).v[0], origin = 0;
    [[unroll]] for (int l = 0; l < SUBGROUP; l++)
        origin += subgroupBroadcast(own, uint(l));
    origin /= SUBGROUP;
    float sum = 0, squares = 0, lost_sum = 0, lost_squares = 0;
    if (PAIRS != 0) {
        for (int i = first + 2 * lane; i < end; i += 2 * SUBGROUP) {
            vec2 d = load_pair(at(x, i)) - origin;
            add_compensated(sum, lost_sum, d.x + d.y);
            add_compensated(squares, lost_squares, d.x * d.x + d.y * d.y);
        }
    } else {
        for (int i = first + lane; i < end; i += SUBGROUP) {
            float d = Floats(at(x, i)).v[0] - origin;
            add_compensated(sum, lost_sum, d);
            add_compensated(squares, lost_squares, d * d);
        }
    }
    // In lane order: the same bits every time.
    float total = 0, total_squares = 0;
    [[unroll]] for (int l = 0; l < SUBGROUP; l++) {
        total += subgroupBroadcast(sum, uint(l));
        total_squares += subgroupBroadcast(squares, uint(l));
    }
    if (lane == 0) {
        float count = float(end - first);
        uint64_t to = at(push.partial, (plane_index * push.chunks + chunk) * 2);
        Floats(to).v[0] = origin + total / count;
        Floats(to).v[1] = max(total_squares - total * total / count, 0);
    }
}
