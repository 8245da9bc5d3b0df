#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "histogram.glsl"

// A pixel of y: what the tables make of the opponent colours of x, within a bin in proportion.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    ivec3 place = place_of(i, push.w, push.h);
    int plane = push.h * push.w, pixel = i + 2 * place.z * plane;
    int band = divide(place.y * push.bands, push.h);
    vec3 x = opponent_at(push.x, pixel, plane), y;
    [[unroll]] for (int c = 0; c < 3; c++) {
        float position = bin_position(x[c]);
        int b = bin_of(position);
        int segment = (3 * place.z + c) * push.bands + band;
        uint64_t ends = at(push.table, 2 * (segment * HISTOGRAM_BINS + b));
        float matched = mix(Floats(ends).v[0], Floats(at(ends, 1)).v[0], position - float(b));
        y[c] = keep_nan(x[c], c == 0 ? matched : mix(x[c], matched, push.chroma));
    }
    y = from_opponent(y);
    [[unroll]] for (int c = 0; c < 3; c++)
        Floats(at(push.y, pixel + c * plane)).v[0] = y[c];
}
