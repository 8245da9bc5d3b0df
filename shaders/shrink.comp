#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "shrink.h"

// The mean of x over the area that an element of y covers; an element of x that is covered in part
// counts in part.
layout(constant_id = 3) const int LOADS = 1; // for the columns that an element covers at most
layout(constant_id = 4) const int PAIRS = 0; // of two columns each: w is even
const int COLUMNS = 1 + PAIRS;

// How much of column x lies between the ends of an element.
float share(int x, float from, float to)
{
    return max(min(to, float(x + 1)) - max(from, float(x)), 0);
}

// What the k-th load of a row adds to an element between `from` and `to`, which begins with column first.
float part(uint64_t row, int first, int k, float from, float to)
{
    int x = first + k * COLUMNS;
    uint64_t address = at(row, min(x, push.w - COLUMNS));
    vec2 v = PAIRS != 0 ? load_pair(address) : vec2(Floats(address).v[0], 0);
    return v.x * share(x, from, to) + v.y * share(x + 1, from, to);
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    ivec3 place = place_of(i, push.out_w, push.out_h);
    vec2 size = vec2(push.w, push.h) / vec2(push.out_w, push.out_h);
    vec2 from = vec2(place.xy) * size, to = from + size;
    int first = whole(from.x), top = whole(from.y), bottom = min(-whole(-to.y), push.h);
    if (PAIRS != 0)
        first &= ~1;
    uint64_t plane = at(push.x, place.z * push.h * push.w);
    float sum = 0;
    for (int y = top; y < bottom; y++) {
        uint64_t row = at(plane, y * push.w);
        float line = 0;
        if (LOADS <= 16) {
            [[unroll]] for (int k = 0; k < LOADS; k++)
                line += part(row, first, k, from.x, to.x);
        } else {
            [[dont_unroll]] for (int k = 0; k < LOADS; k++)
                line += part(row, first, k, from.x, to.x);
        }
        sum += line * share(y, from.y, to.y);
    }
    Floats(at(push.y, i)).v[0] = sum / (size.x * size.y);
}
