#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "steady.glsl"
#include "steady_offsets.h"

// Motion in whole pixels, for blocks of the full picture: how many elements before or behind its own
// place a pixel was in the last frame. A block that was not all inside comes from nowhere.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int row = i / push.blocks_w;
    ivec2 size = ivec2(push.w, push.h), first = STEADY_BLOCK * ivec2(i - row * push.blocks_w, row);
    ivec2 last = min(first + STEADY_BLOCK, size) - 1;
    vec2 p = 0.5 * vec2(first + last + 1) / vec2(size);
    vec2 motion = motion_at(push.motion, ivec2(push.cells_w, push.cells_h), p) * vec2(size);
    ivec2 by = ivec2(floor(clamp(motion, -vec2(size), vec2(size)) + 0.5));
    bool inside = all(greaterThanEqual(first + by, ivec2(0))) && all(lessThan(last + by, size));
    Words(at(push.offsets, i)).v[0] = uint(inside ? by.y * push.w + by.x : STEADY_NOWHERE);
}
