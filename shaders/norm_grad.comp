#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "activation_grad.glsl"
#include "norm_grad.h"

// dx = scale * rstd * (g - mean(g) - xhat * mean(g * xhat)), g = dy * act'(y); sums [N, C, 2] from
// plane_merge.comp.
layout(constant_id = 3) const int ACTIVATION = ACT_NONE;

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int plane_index = divide(i, push.plane);
    uint64_t stats = at(push.stats, plane_index * 2), sums = at(push.sums, plane_index * 2);
    float rstd = Floats(stats).v[1];
    float xhat = (Floats(at(push.x, i)).v[0] - Floats(stats).v[0]) * rstd;
    float g = Floats(at(push.dy, i)).v[0];
    if (ACTIVATION != ACT_NONE)
        g *= activation_slope(Floats(at(push.y, i)).v[0], ACTIVATION, push.slope);
    int channel = plane_index - divide(plane_index, push.channels) * push.channels;
    float gain = rstd * optional_at(push.scale, channel, stats, 1);
    float m = 1 / float(push.plane);
    Floats(at(push.dx, i)).v[0] =
        gain * (g - Floats(sums).v[0] * m - xhat * (Floats(sums).v[1] * m));
}
