#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "bilateral_slice_grad.h"
#include "bilateral_grid.glsl"

// Gradient of the picture: through the matrix that was applied to it, and through its brightness,
// which chose the matrix. dx may be dy.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int plane = push.h * push.w, picture = divide(i, plane), pixel = i - picture * plane;
    int row = divide(pixel, push.w), column = pixel - row * push.w;
    uint64_t offset = uint64_t(3 * picture * plane + pixel) * 4;
    ivec2 cells = ivec2(push.grid_w, push.grid_h);
    uint64_t grid = at(push.grid, picture * GRID_DEPTH * GRID_TERMS * cells.x * cells.y);
    vec3 x = load_rgb(push.x + offset, plane), y = load_rgb(push.y + offset, plane);
    vec3 dz = load_rgb(push.dy + offset, plane) * (1 - y * y);
    vec2 p = vec2(grid_position(column, push.w, cells.x),
                  grid_position(row, push.h, cells.y));
    float depth = grid_depth(x);
    int z = grid_level(depth);
    vec4 below[3], above[3];
    load_matrix(below, grid, cells, p, z);
    load_matrix(above, grid, cells, p, z + 1);
    vec3 dx = dz;
    float ddepth = 0;
    [[unroll]] for (int c = 0; c < 3; c++) {
        dx += dz[c] * mix(below[c], above[c], depth - float(z)).xyz;
        ddepth += dz[c] * dot(above[c] - below[c], vec4(x, 1));
    }
    // Beyond black and white the depth stands still.
    if (depth > 0 && depth < float(GRID_DEPTH - 1))
        dx += ddepth * 0.5 * float(GRID_DEPTH - 1) * LUMA;
    store_rgb(push.dx + offset, plane, dx);
}
