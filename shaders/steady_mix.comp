#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "steady.glsl"
#include "steady_mix.h"

// y [channels][h][w] takes in the average over the frames before, from where its element was in the
// last one; the less, the less of it was found there. motion: as steady_motion.comp leaves it.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int plane = push.h * push.w, channel = divide(i, plane), place = i - channel * plane;
    int y = divide(place, push.w), x = place - y * push.w;
    ivec2 cells = ivec2(push.cells_w, push.cells_h);
    vec2 size = vec2(push.w, push.h), p = (vec2(x, y) + 0.5) / size;
    ivec2 cell = whole(p * vec2(cells));
    float trust = Floats(at(push.motion, 2 * cells.x * cells.y + cell.y * cells.x + cell.x)).v[0];
    p = clamp((p + motion_at(push.motion, cells, p)) * size - 0.5, vec2(0), size - 1);
    ivec2 low = whole(p), high = min(low + 1, ivec2(push.w, push.h) - 1);
    vec2 f = p - vec2(low);
    uint64_t above = at(push.average, channel * plane + low.y * push.w);
    uint64_t below = at(push.average, channel * plane + high.y * push.w);
    float before = mix(mix(Floats(at(above, low.x)).v[0], Floats(at(above, high.x)).v[0], f.x),
                       mix(Floats(at(below, low.x)).v[0], Floats(at(below, high.x)).v[0], f.x), f.y);
    uint64_t own = at(push.y, i);
    Floats(own).v[0] = steady(Floats(own).v[0], before, Floats(push.state).v[0] * trust);
}
