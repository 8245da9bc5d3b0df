#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "coord.h"

// The channels of x and one more, which is -1 in the first row, 1 in the last.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    ivec3 place = place_of(i, push.w, push.h);
    int picture = divide(place.z, push.c + 1), channel = place.z - picture * (push.c + 1);
    bool copied = channel < push.c;
    int from = copied ? i - picture * push.h * push.w : 0; // x has one plane less in each picture
    float x = Floats(at(push.x, from)).v[0];
    float row = float(place.y) * (2 / float(max(push.h - 1, 1))) - 1;
    Floats(at(push.y, i)).v[0] = copied ? x : row;
}
