#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "winograd.h"

// Patches of x to v = B^T x B. A lane transforms one tile of a pair of channels. Tiles beyond the
// last give numbers that nobody reads. Grid: x tiles, y pairs of channels.
layout(constant_id = 3) const int PANEL = 32;
layout(constant_id = 4) const int PAD = 1;
layout(constant_id = 5) const int PAD_MODE = PAD_ZERO;

void transform(inout float d[6])
{
    float a = fma(-4.0, d[2], d[4]), b = fma(-4.0, d[1], d[3]);
    float c = d[4] - d[2], e = 2 * (d[3] - d[1]);
    d[0] = fma(4.0, d[0], fma(-5.0, d[2], d[4]));
    d[5] = fma(4.0, d[1], fma(-5.0, d[3], d[5]));
    d[1] = a + b;
    d[2] = a - b;
    d[3] = c + e;
    d[4] = c - e;
}

void main()
{
    int m = int(gl_GlobalInvocationID.x), pair = int(gl_WorkGroupID.y);
    int tile = push.tile0 + min(m, push.tiles - 1);
    int row = divide(tile, push.tiles_x); // of tiles, through all pictures
    int n = divide(row, push.tiles_y);
    int x0 = (tile - row * push.tiles_x) * 4 - PAD, y0 = (row - n * push.tiles_y) * 4 - PAD;
    int column[6];
    bool column_in[6];
    [[unroll]] for (int i = 0; i < 6; i++) {
        column[i] = pad_index(x0 + i, push.w, PAD_MODE);
        column_in[i] = PAD_MODE != PAD_ZERO || (x0 + i >= 0 && x0 + i < push.w);
    }
    float d[72];
    [[unroll]] for (int c = 0; c < 2; c++) {
        int channel = min(2 * pair + c, push.cin - 1);
        float one = 2 * pair + c < push.cin ? 1 : 0;
        uint64_t plane = at(push.x, (n * push.cin + channel) * push.h * push.w);
        [[unroll]] for (int j = 0; j < 6; j++) {
            uint64_t line = at(plane, pad_index(y0 + j, push.h, PAD_MODE) * push.w);
            bool row_in = PAD_MODE != PAD_ZERO || (y0 + j >= 0 && y0 + j < push.h);
            float t[6];
            [[unroll]] for (int i = 0; i < 6; i++) {
                float value = Floats(at(line, column[i])).v[0];
                t[i] = row_in && column_in[i] ? value : 0;
            }
            transform(t);
            [[unroll]] for (int i = 0; i < 6; i++)
                d[36 * c + 6 * j + i] = t[i] * one;
        }
        [[unroll]] for (int i = 0; i < 6; i++) {
            float t[6];
            [[unroll]] for (int j = 0; j < 6; j++)
                t[j] = d[36 * c + 6 * j + i];
            transform(t);
            [[unroll]] for (int j = 0; j < 6; j++)
                d[36 * c + 6 * j + i] = t[j];
        }
    }
    int panel = m / PANEL;
    if (panel >= push.panels)
        return;
    uint64_t to = push.v + uint64_t((panel * push.pairs + pair) * PANEL + m - panel * PANEL) * 8;
    uint64_t next = uint64_t(push.panels * push.pairs) * uint64_t(PANEL * 8);
    [[unroll]] for (int k = 0; k < 36; k++)
        store_pair(to + next * uint64_t(k), vec2(d[k], d[36 + k]));
}
