#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "roofline_copy.h"

// Nothing but moving memory, for its bandwidth: neighbours take what lies side by side, each of them
// several pieces that do not wait for each other.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    uint64_t pieces[ROOFLINE_PIECES];
    [[unroll]] for (int k = 0; k < ROOFLINE_PIECES; k++)
        pieces[k] = Pairs(push.x + uint64_t(k * push.count + i) * 8).v[0];
    [[unroll]] for (int k = 0; k < ROOFLINE_PIECES; k++)
        Pairs(push.y + uint64_t(k * push.count + i) * 8).v[0] = pieces[k];
}
