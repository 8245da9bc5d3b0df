#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "cpu.glsl"
#include "conv_weight_product.h"

// Gradient of a convolution's weights as a matrix product over pixels, for small pictures with many
// channels, where conv_weight_grad.comp's sums over lanes cost more than its products:
//     dw[row][k] += sum over p of gradients[row][p] * columns[k][p]
// Both matrices as columns.comp writes them, gradients in blocks of PANEL rows. A lane has TILES
// rows and BLOCK columns in registers; columns are loaded one pair a lane and broadcast.
// Grid: x blocks, y panels, z groups.
layout(constant_id = 3) const int TILES = 4;
layout(constant_id = 4) const int BLOCK = 16;

const int PANEL = SUBGROUP * TILES;
const int COLUMN_LOADS = (BLOCK + SUBGROUP - 1) / SUBGROUP;

void main()
{
    int lane = int(gl_SubgroupInvocationID);
    int block = int(gl_WorkGroupID.x), panel = int(gl_WorkGroupID.y), group = int(gl_WorkGroupID.z);
    float acc[BLOCK * TILES];
    [[unroll]] for (int i = 0; i < BLOCK * TILES; i++)
        acc[i] = 0;
    uint64_t gradients = push.gradients + (uint64_t(group * push.panels + panel) *
                                           uint64_t(push.steps * 2 * PANEL) + uint64_t(lane)) *
                                              PAIR_BYTES;
    // Lanes beyond a narrow block load what is there, for nobody.
    uint64_t columns = push.columns + (uint64_t(group * push.blocks + block) *
                                       uint64_t(push.steps * 2 * BLOCK) +
                                       uint64_t(min(lane, BLOCK - 1))) * PAIR_BYTES;
    for (int k = 0; k < push.steps; k++) {
        vec2 g[2 * TILES];
        vec2 x[2 * COLUMN_LOADS];
        [[unroll]] for (int u = 0; u < 2; u++) {
            [[unroll]] for (int i = 0; i < TILES; i++)
                g[u * TILES + i] =
                    load_pair(gradients + uint64_t(u * PANEL + i * SUBGROUP) * PAIR_BYTES);
            [[unroll]] for (int i = 0; i < COLUMN_LOADS; i++)
                x[u * COLUMN_LOADS + i] =
                    load_pair(columns + uint64_t(u * BLOCK + i * SUBGROUP) * PAIR_BYTES);
        }
        [[unroll]] for (int b = 0; b < BLOCK; b++)
            [[unroll]] for (int i = 0; i < TILES; i++) {
                float sum = ON_CPU ? 0 : acc[b * TILES + i];
                [[unroll]] for (int p = 0; p < 4; p++) {
                    float column = subgroupBroadcast(
                        x[p / 2 * COLUMN_LOADS + b / SUBGROUP][p % 2], uint(b % SUBGROUP));
                    sum = fma(g[p / 2 * TILES + i][p % 2], column, sum);
                }
                acc[b * TILES + i] = ON_CPU ? acc[b * TILES + i] + sum : sum;
            }
        gradients += uint64_t(2 * PANEL * PAIR_BYTES);
        columns += uint64_t(2 * BLOCK * PAIR_BYTES);
    }
    [[unroll]] for (int i = 0; i < TILES; i++) {
        int row = panel * PANEL + i * SUBGROUP + lane;
        uint64_t to = at(push.dw, (group * push.rows + row) * push.width + block * BLOCK);
        if (row < push.rows) {
            [[unroll]] for (int b = 0; b < BLOCK; b++)
                if (block * BLOCK + b < push.width)
                    Floats(at(to, b)).v[0] += acc[b * TILES + i];
        }
    }
}
