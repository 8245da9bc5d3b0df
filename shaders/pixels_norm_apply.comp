#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "half.glsl"
#include "pixels_norm_apply.h"

// y = act(scale * (x - mean) * rstd + shift) + residual, eight channels of a pixel an invocation.
// x, y, residual [N, pixels, stored] in half precision; stats [N][stored][2].
layout(constant_id = 3) const int ACTIVATION = ACT_NONE;
layout(constant_id = 4) const int RESIDUAL = 0;
layout(constant_id = 5) const int NORM = 1; // 0: y = act(x) + residual

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int pieces = push.stored / 8, channel = (i - i / pieces * pieces) * 8;
    int n = i / (pieces * push.plane);
    float v[8], other[8];
    load_eight(half_at(push.x, i * 8), v);
    if (RESIDUAL != 0)
        load_eight(half_at(push.residual, i * 8), other);
    [[unroll]] for (int k = 0; k < 8; k++) {
        if (NORM != 0) {
            vec2 stats = load_pair(at(push.stats, (n * push.stored + channel + k) * 2));
            v[k] = (v[k] - stats.x) * stats.y;
            bool real = channel + k < push.channels;
            v[k] *= optional_at(real ? push.scale : 0, channel + k, push.stats, 1);
            v[k] += optional_at(real ? push.shift : 0, channel + k, push.stats, 0);
        }
        v[k] = activate(v[k], ACTIVATION, push.slope);
        if (RESIDUAL != 0)
            v[k] += other[k];
    }
    store_eight(half_at(push.y, i * 8), v);
}
