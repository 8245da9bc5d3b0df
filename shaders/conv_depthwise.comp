#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv.h"

// Depthwise convolution: each channel has a kernel of its own. There are no other channels that a
// loaded value could serve, so the tile of a lane is large, TILE_X columns of TILE_Y rows, and the
// rows of its patch are taken one after the other, each for all rows of y that it is part of.
//
// x [N, groups, h, w]; y [N, groups, out_h, out_w]; bias [groups]; weights as of conv_direct.comp
// with a block of one channel.
layout(constant_id = 3) const int KERNEL = 3;
layout(constant_id = 4) const int STRIDE = 1;
layout(constant_id = 5) const int PAD = 1;
layout(constant_id = 6) const int PAD_MODE = PAD_ZERO;
layout(constant_id = 7) const int TILE_X = 8;
layout(constant_id = 8) const int TILE_Y = 8;
layout(constant_id = 9) const int ACTIVATION = ACT_NONE;
layout(constant_id = 10) const int PAIRS = 0; // as in conv_direct.comp
layout(constant_id = 11) const int EXACT = 0; // rows of taps are added up on their own
layout(constant_id = 12) const int PAIRS_OUT = 0;

#include "conv_patch.glsl"

const int TAPS = KERNEL * KERNEL;
const int WEIGHT_LOADS = (TAPS + 2 * SUBGROUP - 1) / (2 * SUBGROUP);

void main()
{
    // Tiles are counted through, so that narrow pictures leave no lane idle.
    int tile = int((gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) *
                   (gl_WorkGroupSize.x * gl_WorkGroupSize.y) + gl_LocalInvocationIndex);
    int tiles_x = (push.out_w + TILE_X - 1) / TILE_X;
    int y0 = divide(tile, tiles_x);
    int x0 = (tile - y0 * tiles_x) * TILE_X;
    y0 *= TILE_Y;
    int plane = int(gl_WorkGroupID.x), channel = plane % push.groups;
    find_columns(x0);

    vec2 w[WEIGHT_LOADS];
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++)
        w[i] = load_pair(at(push.weights, channel * ((TAPS + 1) / 2 * 2)) +
                         uint64_t(gl_SubgroupInvocationID + i * SUBGROUP) * PAIR_BYTES);
    float weight[TAPS];
    [[unroll]] for (int t = 0; t < TAPS; t++)
        weight[t] = subgroupBroadcast(w[t / (2 * SUBGROUP)][t & 1], uint(t / 2 % SUBGROUP));
    float bias = optional_at(push.bias, channel, push.x, 0);

    uint64_t in_plane = at(push.x, plane * push.h * push.w);
    uint64_t out_plane = at(push.y, plane * push.out_h * push.out_w + x0);
    float acc[TILE_Y * TILE_X];
    [[unroll]] for (int i = 0; i < TILE_Y * TILE_X; i++)
        acc[i] = 0;
    [[unroll]] for (int j = 0; j < PATCH_Y; j++) {
        int v = y0 * STRIDE - PAD + j;
        uint64_t line = at(in_plane, pad_index(v, push.h, PAD_MODE) * push.w);
        load_line(line, v >= 0 && v < push.h);
        // Of the rows of y below each other, this one of x is the last tap of one and the first of
        // another.
        [[unroll]] for (int t = 0; t < KERNEL; t++) {
            int row = (j - t) / STRIDE;
            if (j < t || row * STRIDE != j - t || row >= TILE_Y)
                continue;
            [[unroll]] for (int i = 0; i < TILE_X; i++) {
                float part = EXACT != 0 ? 0 : acc[row * TILE_X + i];
                [[unroll]] for (int s = 0; s < KERNEL; s++)
                    part = fma(patch_line[i * STRIDE + s], weight[t * KERNEL + s], part);
                acc[row * TILE_X + i] = EXACT != 0 ? acc[row * TILE_X + i] + part : part;
            }
        }
        int row = (j - KERNEL + 1) / STRIDE; // done
        if (j < KERNEL - 1 || row * STRIDE != j - KERNEL + 1)
            continue;
        bool row_out = y0 + row < push.out_h;
        uint64_t to = at(out_plane, (y0 + row) * push.out_w);
        [[unroll]] for (int i = 0; i < TILE_X; i += PAIRS_OUT != 0 ? 2 : 1) {
            float d = activate(acc[row * TILE_X + i] + bias, ACTIVATION, push.slope);
            if (PAIRS_OUT != 0) {
                float next = activate(acc[row * TILE_X + i + 1] + bias, ACTIVATION, push.slope);
                if (row_out && x0 + i < push.out_w)
                    store_pair(at(to, i), vec2(d, next));
            } else if (row_out && x0 + i < push.out_w) {
                Floats(at(to, i)).v[0] = d;
            }
        }
    }
}
