#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "sum_partials.h"

// y[i] += sum over s of partial[s][i], in the order of s.
layout(constant_id = 3) const int PAIRS = 0; // count is even, y at a multiple of 8 bytes

void main()
{
    int i = PAIRS != 0 ? 2 * LINEAR_INDEX : LINEAR_INDEX;
    if (i >= push.count)
        return;
    if (PAIRS != 0) {
        vec2 sum = vec2(0);
        for (int s = 0; s < push.splits; s++)
            sum += load_pair(at(push.partial, s * push.count + i));
        store_pair(at(push.y, i), load_pair(at(push.y, i)) + sum);
    } else {
        float sum = 0;
        for (int s = 0; s < push.splits; s++)
            sum += Floats(at(push.partial, s * push.count + i)).v[0];
        Floats(at(push.y, i)).v[0] += sum;
    }
}
