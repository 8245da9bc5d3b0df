#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "loss.h"

// One chunk of a loss that is a mean over elements, by one subgroup: the sum of its terms, and the
// gradient dx = grad_scale * d term / d x.
layout(constant_id = 3) const int KIND = LOSS_SQUARED;
layout(constant_id = 4) const int GRADIENT = 1; // write dx
layout(constant_id = 5) const int ACCUMULATE = 0; // add to it

// Term and derivative.
vec2 term(float x, int i)
{
    if (KIND == LOSS_SQUARED) {
        float d = x - push.target;
        return vec2(d * d, 2 * d);
    }
    if (KIND == LOSS_BCE) {
        // max(x, 0) - x * target + log(1 + exp(-|x|)): no overflow for any logit.
        float e = exp(-abs(x));
        float sigmoid = (x >= 0 ? 1 : e) / (1 + e);
        return vec2(max(x, 0) - x * push.target + log(1 + e), sigmoid - push.target);
    }
    if (KIND == LOSS_HINGE) {
        float margin = 1 - push.target * x;
        return isnan(margin) || margin > 0 ? vec2(margin, -push.target) : vec2(0);
    }
    if (KIND == LOSS_LINEAR)
        return vec2(-push.target * x, -push.target);
    float d = x - Floats(at(push.other, i)).v[0];
    return vec2(abs(d), sign(d));
}

void main()
{
    int first = int(gl_WorkGroupID.x) * LOSS_CHUNK, end = min(first + LOSS_CHUNK, push.count);
    float sum = 0;
    for (int i = first + int(gl_SubgroupInvocationID); i < end; i += SUBGROUP) {
        vec2 t = term(Floats(at(push.x, i)).v[0], i);
        sum += t.x;
        if (GRADIENT != 0) {
            float g = push.grad_scale * t.y;
            if (ACCUMULATE != 0)
                g += Floats(at(push.dx, i)).v[0];
            Floats(at(push.dx, i)).v[0] = g;
        }
    }
    float total = 0;
    [[unroll]] for (int l = 0; l < SUBGROUP; l++)
        total += subgroupBroadcast(sum, uint(l));
    if (gl_SubgroupInvocationID == 0)
        Floats(at(push.partial, int(gl_WorkGroupID.x))).v[0] = total;
}
