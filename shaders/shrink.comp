#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "shrink.h"

// The mean of x over the area that an element of y covers; an element of x that is covered in part
// counts in part.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int ox = i % push.out_w, row = i / push.out_w;
    int oy = row % push.out_h;
    uint64_t plane = at(push.x, row / push.out_h * push.h * push.w);
    // From element `low` with the weight `first`, to element `high`, which has the rest of the area.
    vec2 size = vec2(push.w, push.h) / vec2(push.out_w, push.out_h);
    vec2 from = vec2(ox, oy) * size, to = from + size;
    ivec2 low = ivec2(from), high = min(ivec2(ceil(to)), ivec2(push.w, push.h)) - 1;
    float sum = 0;
    for (int y = low.y; y <= high.y; y++) {
        float line = 0;
        for (int x = low.x; x <= high.x; x++)
            line += Floats(at(plane, y * push.w + x)).v[0] *
                    (min(to.x, float(x + 1)) - max(from.x, float(x)));
        sum += line * (min(to.y, float(y + 1)) - max(from.y, float(y)));
    }
    Floats(at(push.y, i)).v[0] = sum / (size.x * size.y);
}
