#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv_pack.h"

// PyTorch's weight order to [groups][blocks][cin][run of taps * block], zeros where it is padded.
layout(constant_id = 3) const int TRANSPOSED = 0; // weights [cin of all groups, cout, taps]
layout(constant_id = 4) const int MIRRORED = 0;   // the taps in reverse order

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.total)
        return;
    int run = (push.taps * push.block + 1) / 2 * 2;
    int k = i % run;
    int rest = i / run;
    int ci = rest % push.cin;
    int block = rest / push.cin % push.blocks;
    int group = rest / push.cin / push.blocks;
    int tap = k / push.block;
    int co = block * push.block + k % push.block;
    float value = 0;
    if (tap < push.taps && co < push.cout && group < push.groups) {
        int source = TRANSPOSED != 0 ? (group * push.cin + ci) * push.cout + co
                                     : (group * push.cout + co) * push.cin + ci;
        int from = MIRRORED != 0 ? push.taps - 1 - tap : tap;
        value = Floats(at(push.weights, source * push.taps + from)).v[0];
    }
    Floats(at(push.packed, i)).v[0] = value;
}
