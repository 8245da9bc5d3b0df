#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "norm_apply.h"

// y = act(scale * (x - mean) * rstd + shift) + residual, PER_LANE elements an invocation.
// y, x, residual [planes][plane]; stats [planes][2]. Grid: x within a plane, y and z planes.
layout(constant_id = 3) const int ACTIVATION = ACT_NONE;
layout(constant_id = 4) const int RESIDUAL = 0;
layout(constant_id = 5) const int PAIRS = 0; // plane is even
layout(constant_id = 6) const int PER_LANE = 8;

void main()
{
    int plane_index = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane_index >= push.planes)
        return;
    float mean = Floats(at(push.stats, plane_index * 2)).v[0];
    float gain = Floats(at(push.stats, plane_index * 2)).v[1];
    int channel = plane_index % push.channels;
    gain *= optional_at(push.scale, channel, push.stats, 1);
    float shift = optional_at(push.shift, channel, push.stats, 0);
    int width = PAIRS != 0 ? 2 : 1;
    int group = int(gl_WorkGroupSize.x) * width;
    int first = int(gl_WorkGroupID.x) * group * (PER_LANE / width) +
                int(gl_LocalInvocationID.x) * width;
    int base = plane_index * push.plane;
    [[unroll]] for (int k = 0; k < PER_LANE / width; k++) {
        int i = first + k * group;
        if (i < push.plane) {
            if (PAIRS != 0) {
                vec2 v = (load_pair(at(push.x, base + i)) - mean) * gain + shift;
                v = vec2(activate(v.x, ACTIVATION, push.slope),
                         activate(v.y, ACTIVATION, push.slope));
                if (RESIDUAL != 0)
                    v += load_pair(at(push.residual, base + i));
                store_pair(at(push.y, base + i), v);
            } else {
                float v = (Floats(at(push.x, base + i)).v[0] - mean) * gain + shift;
                v = activate(v, ACTIVATION, push.slope);
                if (RESIDUAL != 0)
                    v += Floats(at(push.residual, base + i)).v[0];
                Floats(at(push.y, base + i)).v[0] = v;
            }
        }
    }
}
