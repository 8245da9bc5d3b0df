#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv.h"
#include "sums.glsl"

// Transposed convolution of stride 2 as four phases: the outputs of one parity in y and x see only
// the taps of one parity. A lane owns TILE_X by TILE_Y cells of 2x2 outputs, all four phases, in
// BLOCK output channels; the register tile is that of conv_direct.comp.
//
// Output (2 cy + py) = 2 iy - PAD + ky, so that iy = cy + (py + PAD - ky) / 2 for matching parity.
//
// x [N, groups * cin, h, w]; y [N, groups * cout, out_h, out_w]; weights and bias as there.
layout(constant_id = 3) const int KERNEL = 3;
layout(constant_id = 4) const int PAD = 1;
layout(constant_id = 5) const int TILE_X = 2;
layout(constant_id = 6) const int TILE_Y = 2;
layout(constant_id = 7) const int BLOCK = 8;
layout(constant_id = 8) const int ACTIVATION = ACT_NONE;
layout(constant_id = 9) const int PAIRS = 0; // out_w is even: store the two phases of x at once
layout(constant_id = 10) const int TURN = 1; // input channels at a time, a divisor of cin

const int TAPS = KERNEL * KERNEL;
const int WEIGHTS = TAPS * BLOCK;
const int WEIGHT_RUN = (WEIGHTS + 1) / 2 * 2;
const int WEIGHT_LOADS = (WEIGHTS + 2 * SUBGROUP - 1) / (2 * SUBGROUP);
const int BEFORE = (KERNEL - 1 - PAD) / 2; // how far the data reaches before and after its cell
const int AFTER = (1 + PAD) / 2;
const int DATA_X = BEFORE + TILE_X + AFTER;
const int DATA_Y = BEFORE + TILE_Y + AFTER;

void main()
{
    // Tiles are counted through, so that narrow pictures leave no lane idle.
    int tile = int((gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) *
                   (gl_WorkGroupSize.x * gl_WorkGroupSize.y) + gl_LocalInvocationIndex);
    int tiles_x = ((push.out_w + 1) / 2 + TILE_X - 1) / TILE_X;
    int y0 = divide(tile, tiles_x);
    int x0 = (tile - y0 * tiles_x) * TILE_X;
    y0 *= TILE_Y;
    int block = int(gl_WorkGroupID.x) % (push.blocks * push.groups);
    int n = int(gl_WorkGroupID.x) / (push.blocks * push.groups);
    int group = block / push.blocks;
    int plane = push.h * push.w;

    SUM acc[BLOCK * 4 * TILE_Y * TILE_X]; // [BLOCK][2 TILE_Y][2 TILE_X]
    [[unroll]] for (int i = 0; i < BLOCK * 4 * TILE_Y * TILE_X; i++)
        acc[i] = 0;

    int row[DATA_Y];
    int column[DATA_X];
    bool row_in[DATA_Y];
    bool column_in[DATA_X];
    [[unroll]] for (int j = 0; j < DATA_Y; j++) {
        int v = y0 - BEFORE + j;
        row[j] = pad_index(v, push.h, PAD_ZERO) * push.w;
        row_in[j] = v >= 0 && v < push.h;
    }
    [[unroll]] for (int i = 0; i < DATA_X; i++) {
        int v = x0 - BEFORE + i;
        column[i] = pad_index(v, push.w, PAD_ZERO);
        column_in[i] = v >= 0 && v < push.w;
    }

    uint64_t input_plane = at(push.x, (n * push.groups + group) * push.cin * plane);
    uint64_t weights = at(push.weights, block * push.cin * WEIGHT_RUN) +
                       uint64_t(gl_SubgroupInvocationID) * PAIR_BYTES;
    for (int c = 0; c < push.cin; c += TURN) {
        float data[TURN * DATA_Y * DATA_X];
        vec2 w[TURN * WEIGHT_LOADS];
        [[unroll]] for (int u = 0; u < TURN; u++) {
            [[unroll]] for (int j = 0; j < DATA_Y; j++) {
                uint64_t base = at(input_plane, row[j]);
                [[unroll]] for (int i = 0; i < DATA_X; i++) {
                    float v = Floats(at(base, column[i])).v[0];
                    data[(u * DATA_Y + j) * DATA_X + i] = row_in[j] && column_in[i] ? v : 0;
                }
            }
            [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++)
                w[u * WEIGHT_LOADS + i] = load_pair(weights + uint64_t(i * SUBGROUP) * PAIR_BYTES);
            input_plane = at(input_plane, plane);
            weights = at(weights, WEIGHT_RUN);
        }
        [[unroll]] for (int b = 0; b < BLOCK; b++) {
            float part[4 * TILE_Y * TILE_X]; // as in conv_direct.comp
            [[unroll]] for (int i = 0; i < 4 * TILE_Y * TILE_X; i++)
                part[i] = 0;
            [[unroll]] for (int t = 0; t < TURN * TAPS; t++) {
                int u = t / TAPS, tap = t % TAPS, k = tap * BLOCK + b;
                float weight = subgroupBroadcast(w[u * WEIGHT_LOADS + k / (2 * SUBGROUP)][k & 1],
                                                 uint(k / 2 % SUBGROUP));
                // The phase that this tap feeds, and from how far.
                int ky = tap / KERNEL, kx = tap % KERNEL;
                int py = (PAD + ky) & 1, px = (PAD + kx) & 1;
                int dy = BEFORE + (py + PAD - ky) / 2, dx = BEFORE + (px + PAD - kx) / 2;
                [[unroll]] for (int j = 0; j < TILE_Y; j++)
                    [[unroll]] for (int i = 0; i < TILE_X; i++) {
                        int o = (2 * j + py) * 2 * TILE_X + 2 * i + px;
                        float d = data[(u * DATA_Y + j + dy) * DATA_X + i + dx];
                        part[o] = fma(d, weight, part[o]);
                    }
            }
            [[unroll]] for (int i = 0; i < 4 * TILE_Y * TILE_X; i++)
                acc[b * 4 * TILE_Y * TILE_X + i] += part[i];
        }
    }

    int out_plane = push.out_h * push.out_w;
    [[unroll]] for (int b = 0; b < BLOCK; b++) {
        int channel = (block - group * push.blocks) * BLOCK + b;
        if (channel < push.cout) {
            channel += group * push.cout;
            float bias = optional_at(push.bias, channel, push.x, 0);
            int out_base = (n * push.groups * push.cout + channel) * out_plane;
            [[unroll]] for (int j = 0; j < 2 * TILE_Y; j++)
                [[unroll]] for (int i = 0; i < 2 * TILE_X; i += 2) {
                    int o = (b * 2 * TILE_Y + j) * 2 * TILE_X + i;
                    vec2 v = vec2(activate(float(acc[o] + bias), ACTIVATION, push.slope),
                                  activate(float(acc[o + 1] + bias), ACTIVATION, push.slope));
                    int y = 2 * y0 + j, x = 2 * x0 + i;
                    uint64_t to = at(push.y, out_base + y * push.out_w + x);
                    if (y < push.out_h && x < push.out_w) {
                        if (PAIRS != 0) {
                            store_pair(to, v);
                        } else {
                            Floats(to).v[0] = v.x;
                            if (x + 1 < push.out_w)
                                Floats(to).v[1] = v.y;
                        }
                    }
                }
        }
    }
}
