// What the shaders of averages over frames share.

bool is_finite(float v)
{
    return (floatBitsToUint(v) & 0x7f800000u) != 0x7f800000u;
}

// An exponential moving average over frames. What is not finite is not kept, so that one broken frame
// does not spoil those behind it.
float steady(float own, float before, float keep)
{
    return keep > 0 && is_finite(before) ? own + keep * (before - own) : own;
}

// Where place p of the picture was in the last frame, relative to p; both in units of the picture's
// sides. motion [cells.y][cells.x][2], interpolated between the cells' centres.
vec2 motion_at(uint64_t motion, ivec2 cells, vec2 p)
{
    vec2 q = clamp(p * vec2(cells) - 0.5, vec2(0), vec2(cells - 1));
    ivec2 low = whole(q), high = min(low + 1, cells - 1);
    vec2 f = q - vec2(low);
    uint64_t above = at(motion, 2 * low.y * cells.x), below = at(motion, 2 * high.y * cells.x);
    return mix(mix(load_pair(at(above, 2 * low.x)), load_pair(at(above, 2 * high.x)), f.x),
               mix(load_pair(at(below, 2 * low.x)), load_pair(at(below, 2 * high.x)), f.x), f.y);
}
