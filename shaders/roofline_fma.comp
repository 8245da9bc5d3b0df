#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "roofline_fma.h"

// Nothing but arithmetic, for its peak rate: x = a x + b over and over, from a start of its own in
// every chain. y is the sum of the chains, so that no compiler can leave out one.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    float x[ROOFLINE_CHAINS];
    [[unroll]] for (int c = 0; c < ROOFLINE_CHAINS; c++)
        x[c] = float((i & 63) + c);
    for (int r = 0; r < push.rounds; r++)
        [[unroll]] for (int s = 0; s < ROOFLINE_STEPS; s++)
            [[unroll]] for (int c = 0; c < ROOFLINE_CHAINS; c++)
                x[c] = fma(push.a, x[c], push.b);
    float sum = 0;
    [[unroll]] for (int c = 0; c < ROOFLINE_CHAINS; c++)
        sum += x[c];
    Floats(at(push.y, i)).v[0] = sum;
}
