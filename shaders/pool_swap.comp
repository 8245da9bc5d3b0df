#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "pool_swap.h"

// The image pool (Shrivastava et al. 2017): y = the picture of a chosen slot, or `fake` itself;
// `fake` then takes its slot. pool [slots, count].
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int put = int(Words(push.choice).v[0]), show = int(Words(push.choice).v[1]);
    float fake = Floats(at(push.fake, i)).v[0];
    float shown = fake;
    if (show >= 0)
        shown = Floats(at(push.pool, show * push.count + i)).v[0];
    if (put >= 0)
        Floats(at(push.pool, put * push.count + i)).v[0] = fake;
    Floats(at(push.y, i)).v[0] = shown;
}
