#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "pad_fold.h"

// Gradient of padding: every padded element's gradient goes to the element it repeats.
// dx [planes, h, w] gathers from dpadded [planes, h + 2 pad, w + 2 pad], in a fixed order. A
// workgroup takes a line: x lines, y and z planes.
layout(constant_id = 3) const int PAD_MODE = PAD_REFLECT;

// The padded positions whose value position i of `size` gives, from `first` up to before `end`;
// others between them are to be passed over.
void sources(int i, int size, out int first, out int end)
{
    // Only elements near a border are repeated, and only on its side.
    first = i <= push.pad ? 0 : i + push.pad;
    end = i >= size - 1 - push.pad ? size + 2 * push.pad : i + push.pad + 1;
}

void main()
{
    int y = int(gl_WorkGroupID.x);
    int plane = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane >= push.planes)
        return;
    int padded_w = push.w + 2 * push.pad, padded_h = push.h + 2 * push.pad;
    uint64_t from = at(push.dpadded, plane * padded_w * padded_h);
    uint64_t to = at(push.dx, (plane * push.h + y) * push.w);
    int v0, v1;
    sources(y, push.h, v0, v1);
    bool inner_row = v1 - v0 == 1;
    for (int first = 0; first < push.w; first += SUBGROUP) {
        int x = first + int(gl_LocalInvocationID.x);
        if (inner_row && first > push.pad && first + SUBGROUP < push.w - push.pad) {
            Floats(at(to, x)).v[0] = Floats(at(from, v0 * padded_w + x + push.pad)).v[0];
            continue;
        }
        if (x >= push.w)
            break;
        int u0, u1;
        sources(x, push.w, u0, u1);
        float sum = 0;
        for (int v = v0; v < v1; v++) {
            if (pad_index(v - push.pad, push.h, PAD_MODE) != y)
                continue;
            for (int u = u0; u < u1; u++)
                if (pad_index(u - push.pad, push.w, PAD_MODE) == x)
                    sum += Floats(at(from, v * padded_w + u)).v[0];
        }
        Floats(at(to, x)).v[0] = sum;
    }
}
