#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "winograd.h"

// For each of the 36 places: products of all tiles' channels with the weights, a matrix product in
// a register tile of TILES tiles a lane by BLOCK output channels. Weights are loaded one pair a lane
// and broadcast. Grid: x blocks, y panels, z places.
layout(constant_id = 3) const int TILES = 4;
layout(constant_id = 4) const int BLOCK = 16;

const int PANEL = SUBGROUP * TILES;
const int WEIGHT_LOADS = (BLOCK + SUBGROUP - 1) / SUBGROUP;

void main()
{
    int lane = int(gl_SubgroupInvocationID);
    int block = int(gl_WorkGroupID.x), panel = int(gl_WorkGroupID.y), place = int(gl_WorkGroupID.z);
    int pairs = (push.cin + 1) / 2;
    float acc[BLOCK * TILES];
    [[unroll]] for (int i = 0; i < BLOCK * TILES; i++)
        acc[i] = 0;
    uint64_t v = push.v +
                 (uint64_t((place * push.panels + panel) * pairs) * uint64_t(PANEL) +
                  uint64_t(lane)) * 8;
    uint64_t weights = push.weights +
                       (uint64_t((place * push.blocks + block) * pairs) * uint64_t(BLOCK) +
                        uint64_t(lane)) * 8;
    for (int k = 0; k < pairs; k++) {
        vec2 data[TILES];
        vec2 w[WEIGHT_LOADS];
        [[unroll]] for (int i = 0; i < TILES; i++)
            data[i] = load_pair(v + uint64_t(i * SUBGROUP * 8));
        [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++)
            w[i] = load_pair(weights + uint64_t(i * SUBGROUP * 8));
        [[unroll]] for (int b = 0; b < BLOCK; b++) {
            float even = subgroupBroadcast(w[b / SUBGROUP].x, uint(b % SUBGROUP));
            float odd = subgroupBroadcast(w[b / SUBGROUP].y, uint(b % SUBGROUP));
            [[unroll]] for (int i = 0; i < TILES; i++)
                acc[b * TILES + i] = fma(data[i].y, odd, fma(data[i].x, even, acc[b * TILES + i]));
        }
        v += uint64_t(PANEL * 8);
        weights += uint64_t(BLOCK * 8);
    }
    int m = push.panels * PANEL; // tiles, with those that fill up the last panel
    uint64_t to = push.m + (uint64_t((place * push.blocks + block) * (BLOCK / 2)) * uint64_t(m) +
                            uint64_t(panel * PANEL + lane)) * 8;
    [[unroll]] for (int b = 0; b < BLOCK / 2; b++)
        [[unroll]] for (int i = 0; i < TILES; i++)
            store_pair(to + uint64_t(b * m + i * SUBGROUP) * 8,
                       vec2(acc[2 * b * TILES + i], acc[(2 * b + 1) * TILES + i]));
}
