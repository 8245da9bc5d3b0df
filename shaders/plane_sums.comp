#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "activation_grad.glsl"
#include "plane_sums.h"
#include "sums.glsl"

// Sums over one chunk of one plane, by one subgroup: of g = dy * act'(y), and with NORM also of
// g * xhat, where xhat = (x - mean) * rstd. partial [planes][chunks][2]. Grid: x chunks, y planes.
layout(constant_id = 3) const int ACTIVATION = ACT_NONE;
layout(constant_id = 4) const int NORM = 0;

void main()
{
    int chunk = int(gl_WorkGroupID.x);
    int plane_index = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane_index >= push.planes)
        return;
    int first = chunk * PLANE_CHUNK, end = min(first + PLANE_CHUNK, push.plane);
    int base = plane_index * push.plane;
    float mean = 0, rstd = 0;
    if (NORM != 0) {
        mean = Floats(at(push.stats, plane_index * 2)).v[0];
        rstd = Floats(at(push.stats, plane_index * 2)).v[1];
    }
    float sum = 0, product = 0, lost_sum = 0, lost_product = 0;
    for (int i = first + int(gl_SubgroupInvocationID); i < end; i += SUBGROUP) {
        float g = Floats(at(push.dy, base + i)).v[0];
        if (ACTIVATION != ACT_NONE)
            g *= activation_slope(Floats(at(push.y, base + i)).v[0], ACTIVATION, push.slope);
        add_compensated(sum, lost_sum, g);
        if (NORM != 0)
            add_compensated(product, lost_product,
                            g * (Floats(at(push.x, base + i)).v[0] - mean) * rstd);
    }
    float sums = 0, products = 0;
    [[unroll]] for (int l = 0; l < SUBGROUP; l++) {
        sums += subgroupBroadcast(sum, uint(l));
        products += subgroupBroadcast(product, uint(l));
    }
    if (gl_SubgroupInvocationID == 0) {
        uint64_t to = at(push.partial, (plane_index * push.chunks + chunk) * 2);
        Floats(to).v[0] = sums;
        Floats(to).v[1] = products;
    }
}
