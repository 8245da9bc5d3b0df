#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "cpu.glsl"
#include "winograd.h"

// For each of the 36 places: products of all tiles' channels with the weights, a matrix product in
// a register tile of TILES tiles a lane by BLOCK output channels. Weights are loaded one pair a lane
// and broadcast. Grid: x blocks, y panels, z places.
layout(constant_id = 3) const int TILES = 4;
layout(constant_id = 4) const int BLOCK = 16;
layout(constant_id = 5) const int TURN = 1; // pairs of channels at a time, a divisor of them all

const int PANEL = SUBGROUP * TILES;
const int WEIGHT_LOADS = (BLOCK + SUBGROUP - 1) / SUBGROUP;

void main()
{
    int lane = int(gl_SubgroupInvocationID);
    int block = int(gl_WorkGroupID.x), panel = int(gl_WorkGroupID.y), place = int(gl_WorkGroupID.z);
    float acc[BLOCK * TILES];
    [[unroll]] for (int i = 0; i < BLOCK * TILES; i++)
        acc[i] = 0;
    uint64_t v = push.v +
                 (uint64_t((place * push.panels + panel) * push.pairs) * uint64_t(PANEL) +
                  uint64_t(lane)) * 8;
    uint64_t weights = push.weights +
                       (uint64_t((place * push.blocks + block) * push.pairs) * uint64_t(BLOCK) +
                        uint64_t(lane)) * 8;
    for (int k = 0; k < push.pairs; k += TURN) {
        vec2 data[TURN * TILES];
        vec2 w[TURN * WEIGHT_LOADS];
        [[unroll]] for (int u = 0; u < TURN; u++) {
            [[unroll]] for (int i = 0; i < TILES; i++)
                data[u * TILES + i] = load_pair(v + uint64_t((u * PANEL + i * SUBGROUP) * 8));
            [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++)
                w[u * WEIGHT_LOADS + i] =
                    load_pair(weights + uint64_t((u * BLOCK + i * SUBGROUP) * 8));
        }
        [[unroll]] for (int b = 0; b < BLOCK; b++) {
            float sum[TILES];
            [[unroll]] for (int i = 0; i < TILES; i++)
                sum[i] = ON_CPU ? 0 : acc[b * TILES + i];
            [[unroll]] for (int u = 0; u < TURN; u++) {
                vec2 pair = w[u * WEIGHT_LOADS + b / SUBGROUP];
                float even = subgroupBroadcast(pair.x, uint(b % SUBGROUP));
                float odd = subgroupBroadcast(pair.y, uint(b % SUBGROUP));
                [[unroll]] for (int i = 0; i < TILES; i++) {
                    vec2 d = data[u * TILES + i];
                    sum[i] = fma(d.y, odd, fma(d.x, even, sum[i]));
                }
            }
            [[unroll]] for (int i = 0; i < TILES; i++)
                acc[b * TILES + i] = ON_CPU ? acc[b * TILES + i] + sum[i] : sum[i];
        }
        v += uint64_t(TURN * PANEL * 8);
        weights += uint64_t(TURN * BLOCK * 8);
    }
    int m = push.panels * PANEL; // tiles, with those that fill up the last panel
    uint64_t to = push.m + (uint64_t((place * push.blocks + block) * (BLOCK / 2)) * uint64_t(m) +
                            uint64_t(panel * PANEL + lane)) * 8;
    [[unroll]] for (int b = 0; b < BLOCK / 2; b++)
        [[unroll]] for (int i = 0; i < TILES; i++)
            store_pair(to + uint64_t(b * m + i * SUBGROUP) * 8,
                       vec2(acc[2 * b * TILES + i], acc[(2 * b + 1) * TILES + i]));
}
