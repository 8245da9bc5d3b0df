#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "activation_grad.glsl"
#include "norm_grad.h"

// dx = scale * rstd * (g - mean(g) - xhat * mean(g * xhat)), g = dy * act'(y); sums [N, C, 2] from
// plane_merge.comp. A subgroup takes a chunk of a plane, whose numbers it loads once. Grid: x
// chunks, y and z planes.
layout(constant_id = 3) const int ACTIVATION = ACT_NONE;

void main()
{
    int plane_index = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane_index >= push.planes)
        return;
    int first = int(gl_WorkGroupID.x) * NORM_GRAD_CHUNK;
    int end = min(first + NORM_GRAD_CHUNK, push.plane), base = plane_index * push.plane;
    uint64_t stats = at(push.stats, plane_index * 2), sums = at(push.sums, plane_index * 2);
    int channel = plane_index - divide(plane_index, push.channels) * push.channels;
    float mean = Floats(stats).v[0], rstd = Floats(stats).v[1];
    float gain = rstd * optional_at(push.scale, channel, stats, 1);
    float m = 1 / float(push.plane);
    float mean_g = Floats(sums).v[0] * m, mean_product = Floats(sums).v[1] * m;
    for (int i = first + int(gl_SubgroupInvocationID); i < end; i += SUBGROUP) {
        float xhat = (Floats(at(push.x, base + i)).v[0] - mean) * rstd;
        float g = Floats(at(push.dy, base + i)).v[0];
        if (ACTIVATION != ACT_NONE)
            g *= activation_slope(Floats(at(push.y, base + i)).v[0], ACTIVATION, push.slope);
        Floats(at(push.dx, base + i)).v[0] = gain * (g - mean_g - xhat * mean_product);
    }
}
