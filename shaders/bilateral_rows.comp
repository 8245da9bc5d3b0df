#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "bilateral_rows.h"
#include "bilateral_grid.glsl"

// The grid interpolated down the picture, for every row of pixels: rows [N, h, grid_w, channels],
// the matrices of a cell side by side, so that a pixel loads them in pairs. An invocation has one
// level of a cell.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int line = divide(i, push.grid_w), column = i - line * push.grid_w;
    int z = line % GRID_DEPTH;
    line /= GRID_DEPTH;
    int picture = divide(line, push.h), row = line - picture * push.h;
    float p = grid_position(row, push.h, push.grid_h);
    int low = clamp(int(p), 0, push.grid_h - 1), high = min(low + 1, push.grid_h - 1);
    int plane = push.grid_h * push.grid_w;
    uint64_t level = at(push.grid, (picture * GRID_DEPTH + z) * GRID_TERMS * plane + column);
    uint64_t cell = at(push.rows, ((line * push.grid_w + column) * GRID_DEPTH + z) * GRID_TERMS);
    [[unroll]] for (int term = 0; term < GRID_TERMS; term += 2) {
        uint64_t above = at(level, term * plane + low * push.grid_w);
        uint64_t below = at(level, term * plane + high * push.grid_w);
        store_pair(at(cell, term),
                   mix(vec2(Floats(above).v[0], Floats(at(above, plane)).v[0]),
                       vec2(Floats(below).v[0], Floats(at(below, plane)).v[0]), p - float(low)));
    }
}
