#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "histogram_match.h"
#include "histogram.glsl"

// A pixel of y: what the tables make of the opponent colours of x, within a bin in proportion.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int picture = divide(i, push.pixels), pixel = i + 2 * picture * push.pixels;
    vec3 x = opponent_at(push.x, pixel, push.pixels), y;
    [[unroll]] for (int c = 0; c < 3; c++) {
        float position = bin_position(x[c]);
        int b = bin_of(position);
        uint64_t ends = at(push.table, 2 * ((3 * picture + c) * HISTOGRAM_BINS + b));
        y[c] = keep_nan(x[c], mix(Floats(ends).v[0], Floats(at(ends, 1)).v[0], position - float(b)));
    }
    y = from_opponent(y);
    [[unroll]] for (int c = 0; c < 3; c++)
        Floats(at(push.y, pixel + c * push.pixels)).v[0] = y[c];
}
