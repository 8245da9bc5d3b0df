#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "pixels_norm_partial.h"

// Mean and sum of squared deviations of two channels of one chunk of pixels, about its first one.
// x [N, pixels, stored] in half precision; partial [N][chunks][stored][2]. Grid: x pairs of
// channels, y chunks, z pictures.

void main()
{
    int pair = int(gl_GlobalInvocationID.x), chunk = int(gl_GlobalInvocationID.y);
    int n = int(gl_WorkGroupID.z);
    if (2 * pair >= push.stored || chunk >= push.chunks)
        return;
    int first = chunk * PIXELS_NORM_CHUNK, end = min(first + PIXELS_NORM_CHUNK, push.plane);
    uint64_t from = push.x + uint64_t((n * push.plane + first) * (push.stored / 2) + pair) * 4;
    vec2 origin = unpackHalf2x16(Words(from).v[0]), sum = vec2(0), squares = vec2(0);
    [[unroll]] for (int i = 0; i < PIXELS_NORM_CHUNK; i++)
        if (first + i < end) {
            vec2 d = unpackHalf2x16(Words(at(from, i * (push.stored / 2))).v[0]) - origin;
            sum += d;
            squares += d * d;
        }
    float count = float(end - first);
    vec2 mean = origin + sum / count, m2 = max(squares - sum * sum / count, vec2(0));
    uint64_t to = at(push.partial, ((n * push.chunks + chunk) * push.stored + 2 * pair) * 2);
    store_pair(to, vec2(mean.x, isnan(squares.x) ? squares.x : m2.x));
    store_pair(at(to, 2), vec2(mean.y, isnan(squares.y) ? squares.y : m2.y));
}
