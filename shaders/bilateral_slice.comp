#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "bilateral_slice.h"
#include "bilateral_grid.glsl"
#include "steady.glsl"
#include "steady_pixel.glsl"
#ifdef SHUFFLE
#extension GL_KHR_shader_subgroup_shuffle : require
#endif

// Slice a bilateral grid and apply it: y = tanh(x + M (x, 1)), M interpolated between the cells beside
// the pixel and the two levels around its brightness. y may be x.
// Source: Gharbi et al. 2017, arXiv:1707.02880 (HDRnet).
//
// In a video y also takes in the picture of the last frame: see steady_pixel.glsl.
layout(constant_id = 3) const int STEADY = 0;
layout(constant_id = 4) const int ROWS = 8; // of pixels that a subgroup slices

// A subgroup has the pixels of some rows between four cells' centres. Its lanes load these cells'
// matrices once, element k of level z as number k * GRID_DEPTH + z, and interpolate them down each row;
// a pixel takes from there what it needs. A gather for each pixel took three times as long.
const int ELEMENTS = GRID_DEPTH * GRID_TERMS;
const int PER_LANE = (ELEMENTS + SUBGROUP - 1) / SUBGROUP;

// Element k for a pixel of this depth, out of the lanes' shares.
float take(float share[PER_LANE], int k, float depth)
{
#ifdef SHUFFLE // needs SUBGROUP to be a multiple of GRID_DEPTH
    int slot = k * GRID_DEPTH / SUBGROUP, z = grid_level(depth), from = k * GRID_DEPTH % SUBGROUP + z;
    return mix(subgroupShuffle(share[slot], uint(from)), subgroupShuffle(share[slot], uint(from + 1)),
               depth - float(z));
#else // summed over all levels, whose weights are 0 but for two
    float sum = 0;
    [[unroll]] for (int z = 0; z < GRID_DEPTH; z++) {
        int number = k * GRID_DEPTH + z;
        sum += max(1 - abs(depth - float(z)), 0) *
               subgroupBroadcast(share[number / SUBGROUP], uint(number % SUBGROUP));
    }
    return sum;
#endif
}

// Where along a side, from the centre of cell `low` on, the pixels between it and the next one begin.
// The outermost ones have those beyond the centres, too.
int first_pixel(int low, int size, int cells)
{
    if (low <= 0)
        return 0;
    if (low >= cells - 1)
        return size;
    // The same wherever it is asked for, so that no pixel lies between two tiles.
    precise float edge = (float(low) + 0.5) * float(size) / float(cells) - 0.5;
    return -whole(-edge);
}

struct Pixel {
    vec3 x;
    uvec2 kept;
};

Pixel fetch(Past past, int picture, int row, int column)
{
    int plane = push.h * push.w, i = row * push.w + column;
    Pixel pixel;
    pixel.x = load_rgb(push.x + uint64_t(3 * picture * plane + i) * 4, plane);
    if (STEADY != 0)
        pixel.kept = load_kept(past, i, past_offset(row, column));
    return pixel;
}

void main()
{
    int tile = int(gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x);
    ivec2 cells = ivec2(push.grid_w, push.grid_h), spans = max(cells - 1, 1);
    int strip = tile / spans.x, picture = strip / (spans.y * push.strips);
    if (picture >= push.n)
        return;
    ivec2 low = ivec2(tile - strip * spans.x, 0);
    strip -= picture * spans.y * push.strips;
    low.y = strip / push.strips;
    int row = first_pixel(low.y, push.h, cells.y) + (strip - low.y * push.strips) * ROWS;
    int end_row = min(row + ROWS, first_pixel(low.y + 1, push.h, cells.y));
    int begin = first_pixel(low.x, push.w, cells.x), end = first_pixel(low.x + 1, push.w, cells.x);
    if (begin >= end) // more cells than pixels
        return;
    ivec2 high = min(low + 1, cells - 1);

    float corner[4][PER_LANE]; // above left, above right, below left, below right
    int lane = int(gl_SubgroupInvocationID), area = cells.x * cells.y;
    uint64_t grid = at(push.grid, picture * ELEMENTS * area);
    [[unroll]] for (int i = 0; i < PER_LANE; i++) {
        int number = min(i * SUBGROUP + lane, ELEMENTS - 1);
        int channel = number % GRID_DEPTH * GRID_TERMS + number / GRID_DEPTH;
        uint64_t above = at(grid, channel * area + low.y * cells.x);
        uint64_t below = at(grid, channel * area + high.y * cells.x);
        corner[0][i] = Floats(at(above, low.x)).v[0];
        corner[1][i] = Floats(at(above, high.x)).v[0];
        corner[2][i] = Floats(at(below, low.x)).v[0];
        corner[3][i] = Floats(at(below, high.x)).v[0];
    }
    int plane = push.h * push.w;
    Past past;
    if (STEADY != 0)
        past = load_past();
    for (; row < end_row; row++) {
        float f = grid_position(row, push.h, cells.y) - float(low.y);
        float left[PER_LANE], change[PER_LANE];
        [[unroll]] for (int i = 0; i < PER_LANE; i++) {
            left[i] = mix(corner[0][i], corner[2][i], f);
            change[i] = mix(corner[1][i], corner[3][i], f) - left[i];
        }
        // A pixel is fetched one turn ahead, while the one before it is worked on.
        Pixel next = fetch(past, picture, row, min(begin + lane, end - 1));
        for (int first = begin; first < end; first += SUBGROUP) {
            int column = min(first + lane, end - 1), pixel = row * push.w + column;
            vec3 x = next.x;
            uvec2 kept = next.kept;
            next = fetch(past, picture, row, min(column + SUBGROUP, end - 1));
            float depth = grid_depth(x), across = grid_position(column, push.w, cells.x) - float(low.x);
            vec3 y;
            [[unroll]] for (int c = 0; c < 3; c++) {
                vec4 matrix;
                [[unroll]] for (int t = 0; t < 4; t++)
                    matrix[t] = take(left, 4 * c + t, depth) + across * take(change, 4 * c + t, depth);
                y[c] = activate(x[c] + dot(matrix, vec4(x, 1)), ACT_TANH, 0);
            }
            uvec2 word;
            if (STEADY != 0)
                y = take_past(past, y, 0.5 * dot(x, LUMA) + 0.5, kept, word);
            if (first + lane < end) {
                store_rgb(push.y + uint64_t(3 * picture * plane + pixel) * 4, plane, y);
                if (STEADY != 0)
                    store_past(past, pixel, word);
            }
        }
    }
}
