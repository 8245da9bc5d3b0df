#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "plane_merge.h"

// Add up the chunks of every plane in order: sums [N, C, 2]; and over the pictures:
// dshift[c] += sum of the first, dscale[c] += sum of the second. One invocation a channel.
void main()
{
    int c = LINEAR_INDEX;
    if (c >= push.channels)
        return;
    vec2 total = vec2(0);
    for (int n = 0; n < push.batch; n++) {
        int plane_index = n * push.channels + c;
        vec2 sum = vec2(0);
        for (int k = 0; k < push.chunks; k++) {
            uint64_t from = at(push.partial, (plane_index * push.chunks + k) * 2);
            sum += vec2(Floats(from).v[0], Floats(from).v[1]);
        }
        uint64_t to = at(push.sums, plane_index * 2);
        Floats(to).v[0] = sum.x;
        Floats(to).v[1] = sum.y;
        total += sum;
    }
    total += vec2(optional_at(push.dshift, c, push.sums, 0), optional_at(push.dscale, c, push.sums, 0));
    if (push.dshift != 0)
        Floats(at(push.dshift, c)).v[0] = total.x;
    if (push.dscale != 0)
        Floats(at(push.dscale, c)).v[0] = total.y;
}
