#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv_pack.h"

// PyTorch's weight order to [groups][blocks][cin][runs][run of taps * block], zeros where it is padded.
// A workgroup packs one run: x channels and their runs, y blocks and groups. The last one writes the
// zeros that lie behind all runs.
layout(constant_id = 3) const int TRANSPOSED = 0; // weights [cin of all groups, cout, taps]
layout(constant_id = 4) const int MIRRORED = 0;   // the taps in reverse order
layout(constant_id = 5) const int BLOCK = 8;      // output channels of a block

void main()
{
    int index = int(gl_WorkGroupID.x), group_block = int(gl_WorkGroupID.y);
    int ci = index / push.runs, tap0 = (index - ci * push.runs) * push.taps;
    int all_taps = push.runs * push.taps;
    int group = group_block / push.blocks;
    int co0 = (group_block - group * push.blocks) * BLOCK;
    uint64_t to = at(push.packed, (group_block * push.cin * push.runs + index) * push.run);
    // From one output channel's weights to the next one's, and from one tap to the next.
    int next = TRANSPOSED != 0 ? all_taps : push.cin * all_taps;
    int from = (TRANSPOSED != 0 ? (group * push.cin + ci) * push.cout
                                : group * push.cout * push.cin + ci) * all_taps + co0 * next;
    for (int k = int(gl_LocalInvocationID.x); k < push.run; k += SUBGROUP) {
        int tap = k / BLOCK, co = k - tap * BLOCK;
        bool inside = tap < push.taps && co0 + co < push.cout;
        tap += tap0;
        int source = from + co * next + (MIRRORED != 0 ? all_taps - 1 - tap : tap);
        Floats(at(to, k)).v[0] = inside ? Floats(at(push.weights, inside ? source : 0)).v[0] : 0;
    }
    if (index == int(gl_NumWorkGroups.x) - 1 && group_block == int(gl_NumWorkGroups.y) - 1)
        for (int k = int(gl_LocalInvocationID.x); k < push.behind; k += SUBGROUP)
            Floats(at(to, push.run + k)).v[0] = 0;
}
