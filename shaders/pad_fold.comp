#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "pad_fold.h"

// Gradient of padding: every padded element's gradient goes to the element it repeats.
// dx [planes, h, w] gathers from dpadded [planes, h + 2 pad, w + 2 pad], in a fixed order. A
// workgroup takes some rows: x rows, y and z planes.
layout(constant_id = 3) const int PAD_MODE = PAD_REFLECT;

uint64_t dpadded; // of this plane
int padded_w;

// The padded positions whose value position i of `size` gives, from `first` up to before `end`;
// others between them are to be passed over.
void sources(int i, int size, out int first, out int end)
{
    // Only elements near a border are repeated, and only on its side.
    first = i <= push.pad ? 0 : i + push.pad;
    end = i >= size - 1 - push.pad ? size + 2 * push.pad : i + push.pad + 1;
}

// All that element x of row y gave.
float gathered(int y, int x)
{
    int v0, v1, u0, u1;
    sources(y, push.h, v0, v1);
    sources(x, push.w, u0, u1);
    float sum = 0;
    for (int v = v0; v < v1; v++) {
        if (pad_index(v - push.pad, push.h, PAD_MODE) != y)
            continue;
        for (int u = u0; u < u1; u++)
            if (pad_index(u - push.pad, push.w, PAD_MODE) == x)
                sum += Floats(at(dpadded, v * padded_w + u)).v[0];
    }
    return sum;
}

void main()
{
    int plane = int(gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y);
    if (plane >= push.planes)
        return;
    padded_w = push.w + 2 * push.pad;
    dpadded = at(push.dpadded, plane * padded_w * (push.h + 2 * push.pad));
    uint64_t dx = at(push.dx, plane * push.h * push.w);
    int y0 = int(gl_WorkGroupID.x) * PAD_FOLD_ROWS, y1 = min(y0 + PAD_FOLD_ROWS, push.h);
    int lane = int(gl_SubgroupInvocationID);
    // Nothing repeats the elements of rows [above, below) and columns [left, right). A CPU runs a loop's
    // body once more than it is wanted, and both sides of every branch, so that these have a loop of
    // their own.
    int above = clamp(push.pad + 1, y0, y1), below = clamp(push.h - 1 - push.pad, above, y1);
    int left = min(push.pad + 1, push.w), right = max(push.w - 1 - push.pad, left);
    for (int y = above; y < below; y++)
        for (int x = left + lane; x < right; x += SUBGROUP)
            Floats(at(dx, y * push.w + x)).v[0] =
                Floats(at(dpadded, (y + push.pad) * padded_w + x + push.pad)).v[0];
    int columns = right - left, inner_rows = below - above;
    for (int row = y0; row < y1 - inner_rows; row++) {
        int y = row < above ? row : row + inner_rows;
        for (int x = left + lane; x < right; x += SUBGROUP)
            Floats(at(dx, y * push.w + x)).v[0] = gathered(y, x);
    }
    int border = push.w - columns;
    for (int i = lane; i < border * (y1 - y0); i += SUBGROUP) {
        int row = divide(i, border), x = i - row * border;
        x = x < left ? x : x + columns;
        Floats(at(dx, (y0 + row) * push.w + x)).v[0] = gathered(y0 + row, x);
    }
}
