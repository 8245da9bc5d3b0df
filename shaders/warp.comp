#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "warp.h"

// y(p) = x(M p + t), bilinear; p from the picture's centre, in pixels. Beyond its edges the picture
// is mirrored. maps: for every picture M by rows, then t.

// A position along a side, mirrored into it.
float mirror(float p, int size)
{
    float last = float(size - 1);
    p = abs(p);
    return clamp(p > last ? 2 * last - p : p, 0, last);
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    ivec3 place = place_of(i, push.w, push.h);
    uint64_t map = at(push.maps, divide(i, push.picture) * 6);
    mat2 m = mat2(Floats(at(map, 0)).v[0], Floats(at(map, 2)).v[0],
                  Floats(at(map, 1)).v[0], Floats(at(map, 3)).v[0]); // columns
    vec2 t = vec2(Floats(at(map, 4)).v[0], Floats(at(map, 5)).v[0]);
    ivec2 size = ivec2(push.w, push.h);
    vec2 centre = 0.5 * vec2(size - 1);
    vec2 p = m * (vec2(place.xy) - centre) + t + centre;
    p = vec2(mirror(p.x, push.w), mirror(p.y, push.h));
    ivec2 a = whole(p), b = min(a + 1, size - 1);
    vec2 f = p - vec2(a);
    uint64_t plane = at(push.x, place.z * push.w * push.h);
    float top = mix(Floats(at(plane, a.y * push.w + a.x)).v[0],
                    Floats(at(plane, a.y * push.w + b.x)).v[0], f.x);
    float bottom = mix(Floats(at(plane, b.y * push.w + a.x)).v[0],
                       Floats(at(plane, b.y * push.w + b.x)).v[0], f.x);
    Floats(at(push.y, i)).v[0] = mix(top, bottom, f.y);
}
