#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "bilateral_slice_grad.h"
#include "bilateral_grid.glsl"

// Gradient of the grid: every cell gathers from the pixels that were interpolated from it, in the
// same order every time. An invocation has one row of the matrices of one cell, at all levels.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    ivec2 cells = ivec2(push.grid_w, push.grid_h), size = ivec2(push.w, push.h);
    int cell_plane = cells.x * cells.y, plane = size.x * size.y;
    int row = i / cell_plane, index = i - row * cell_plane;
    int picture = row / 3, c = row - 3 * picture;
    ivec2 cell = ivec2(index % cells.x, index / cells.x);
    // No pixel beyond the neighbouring centres has a part in it.
    vec2 scale = vec2(size) / vec2(cells);
    ivec2 first = max(ivec2(floor((vec2(cell) - 0.5) * scale - 0.5)), 0);
    ivec2 last = min(ivec2(ceil((vec2(cell) + 1.5) * scale - 0.5)), size - 1);
    uint64_t base = uint64_t(3 * picture * plane) * 4;
    vec4 sums[GRID_DEPTH];
    [[unroll]] for (int z = 0; z < GRID_DEPTH; z++)
        sums[z] = vec4(0);
    for (int py = first.y; py <= last.y; py++) {
        float weight_y = 1 - abs(grid_position(py, size.y, cells.y) - float(cell.y));
        if (weight_y <= 0)
            continue;
        for (int px = first.x; px <= last.x; px++) {
            float weight = weight_y * max(1 - abs(grid_position(px, size.x, cells.x) - float(cell.x)), 0);
            int pixel = py * size.x + px;
            vec3 x = load_rgb(push.x + base + uint64_t(pixel) * 4, plane);
            float y = Floats(at(push.y + base, c * plane + pixel)).v[0];
            float dz = Floats(at(push.dy + base, c * plane + pixel)).v[0] * (1 - y * y) * weight;
            float depth = grid_depth(x);
            [[unroll]] for (int z = 0; z < GRID_DEPTH; z++)
                sums[z] += dz * max(1 - abs(depth - float(z)), 0) * vec4(x, 1);
        }
    }
    uint64_t out_at = at(push.dgrid, picture * GRID_DEPTH * GRID_TERMS * cell_plane + index);
    [[unroll]] for (int z = 0; z < GRID_DEPTH; z++)
        [[unroll]] for (int k = 0; k < 4; k++)
            Floats(at(out_at, (z * GRID_TERMS + 4 * c + k) * cell_plane)).v[0] = sums[z][k];
}
