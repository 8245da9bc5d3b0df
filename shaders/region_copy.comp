#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "region_copy.h"

// A rectangle of every plane of x, to another place of y.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    ivec3 place = place_of(i, push.w, push.rows);
    Floats(at(push.y, place.z * push.y_plane + place.y * push.y_row + place.x)).v[0] =
        Floats(at(push.x, place.z * push.x_plane + place.y * push.x_row + place.x)).v[0];
}
