#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "winograd.h"

// Sums of products to y = act(A^T m A + bias). A lane finishes one tile of a pair of channels. Grid:
// x tiles, y pairs of channels.
layout(constant_id = 3) const int PANEL = 32;
layout(constant_id = 4) const int BLOCK = 16;
layout(constant_id = 5) const int ACTIVATION = ACT_NONE;
layout(constant_id = 6) const int PAIRS = 0; // w is even

void transform(out float y[4], float m[6])
{
    float a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    y[0] = m[0] + a + c;
    y[1] = fma(2.0, d, b);
    y[2] = fma(4.0, c, a);
    y[3] = fma(8.0, d, b) + m[5];
}

void main()
{
    int index = int(gl_GlobalInvocationID.x), pair = int(gl_WorkGroupID.y);
    if (index >= push.tiles)
        return;
    int tile = push.tile0 + index;
    int row = divide(tile, push.tiles_x), n = divide(row, push.tiles_y);
    int x0 = (tile - row * push.tiles_x) * 4, y0 = (row - n * push.tiles_y) * 4;
    int tiles = push.panels * PANEL;
    uint64_t from = push.m + uint64_t(pair * tiles + index) * 8;
    uint64_t next = uint64_t(push.blocks * (BLOCK / 2)) * uint64_t(tiles) * 8;
    vec2 m[36];
    [[unroll]] for (int k = 0; k < 36; k++)
        m[k] = load_pair(from + next * uint64_t(k));
    [[unroll]] for (int c = 0; c < 2; c++) {
        int channel = 2 * pair + c;
        if (channel >= push.cout)
            return;
        float half_done[24]; // [4][6]
        [[unroll]] for (int i = 0; i < 6; i++) {
            float column[6], y[4];
            [[unroll]] for (int j = 0; j < 6; j++)
                column[j] = m[6 * j + i][c];
            transform(y, column);
            [[unroll]] for (int j = 0; j < 4; j++)
                half_done[6 * j + i] = y[j];
        }
        float bias = optional_at(push.bias, channel, push.m, 0);
        uint64_t plane = at(push.y, (n * push.cout + channel) * push.h * push.w);
        [[unroll]] for (int j = 0; j < 4; j++) {
            float line[6], y[4];
            [[unroll]] for (int i = 0; i < 6; i++)
                line[i] = half_done[6 * j + i];
            transform(y, line);
            [[unroll]] for (int i = 0; i < 4; i++)
                y[i] = activate(y[i] + bias, ACTIVATION, push.slope);
            uint64_t to = at(plane, (y0 + j) * push.w + x0);
            int room = y0 + j < push.h ? push.w - x0 : 0;
            if (PAIRS != 0) {
                [[unroll]] for (int i = 0; i < 4; i += 2)
                    if (i < room)
                        store_pair(at(to, i), vec2(y[i], y[i + 1]));
            } else {
                [[unroll]] for (int i = 0; i < 4; i++)
                    if (i < room)
                        Floats(at(to, i)).v[0] = y[i];
            }
        }
    }
}
