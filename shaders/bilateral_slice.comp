#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "bilateral_slice.h"
#include "bilateral_grid.glsl"

// Slice a bilateral grid, as bilateral_rows.comp left it, and apply it: y = tanh(x + M (x, 1)), M
// interpolated between the cells beside the pixel and the two levels around its brightness. y may
// be x.
// Source: Gharbi et al. 2017, arXiv:1707.02880 (HDRnet).

// Row c of the matrices of two levels, mixed.
vec4 load_row(uint64_t cell, int c, float f)
{
    uint64_t below = at(cell, 4 * c), above = at(cell, GRID_TERMS + 4 * c);
    return mix(vec4(load_pair(below), load_pair(at(below, 2))),
               vec4(load_pair(above), load_pair(at(above, 2))), f);
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int plane = push.h * push.w, picture = divide(i, plane), pixel = i - picture * plane;
    int row = divide(pixel, push.w), column = pixel - row * push.w;
    uint64_t offset = uint64_t(3 * picture * plane + pixel) * 4;
    vec3 x = load_rgb(push.x + offset, plane);
    float depth = grid_depth(x);
    int z = grid_level(depth);
    float p = grid_position(column, push.w, push.grid_w);
    int low = clamp(int(p), 0, push.grid_w - 1), high = min(low + 1, push.grid_w - 1);
    uint64_t line = at(push.rows, ((picture * push.h + row) * push.grid_w * GRID_DEPTH + z) * GRID_TERMS);
    uint64_t left = at(line, low * GRID_DEPTH * GRID_TERMS);
    uint64_t right = at(line, high * GRID_DEPTH * GRID_TERMS);
    vec3 y;
    [[unroll]] for (int c = 0; c < 3; c++) {
        vec4 matrix = mix(load_row(left, c, depth - float(z)), load_row(right, c, depth - float(z)),
                          p - float(low));
        y[c] = activate(x[c] + dot(matrix, vec4(x, 1)), ACT_TANH, 0);
    }
    store_rgb(push.y + offset, plane, y);
}
