#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv.h"
#include "sums.glsl"

// Direct convolution with a register tile. A lane owns TILE_X pixels of TILE_Y rows in BLOCK
// output channels. It loads its patch of TURN input channels, or the lines of it that one row of a
// large kernel's taps sees, and uses every value for all taps and output channels; the weights are
// loaded one (pair) per lane and broadcast.
//
// x [N, groups * cin, h, w]; y [N, groups * cout, out_h, out_w]; bias [groups * cout];
// weights [groups][blocks][cin][KERNEL / ROWS][ROWS * KERNEL][BLOCK], the last block padded with
// zeros, the runs of ROWS * KERNEL taps to an even length, readable a little beyond the end.
layout(constant_id = 3) const int KERNEL = 3;
layout(constant_id = 4) const int STRIDE = 1;
layout(constant_id = 5) const int PAD = 1;
layout(constant_id = 6) const int PAD_MODE = PAD_ZERO;
layout(constant_id = 7) const int TILE_X = 4;
layout(constant_id = 8) const int TILE_Y = 4;
layout(constant_id = 9) const int BLOCK = 8;
layout(constant_id = 10) const int ACTIVATION = ACT_NONE;
// Rows of x start at multiples of 8 bytes, out_w is a multiple of TILE_X and, at stride 1, of
// the width of x: the patch can be loaded in pairs and mended at the borders. Where these are not
// zero, PAD is at most TILE_X, so that only the outermost lanes see them.
layout(constant_id = 11) const int PAIRS = 0;
layout(constant_id = 12) const int EXACT = 0; // rows of taps are added up on their own
layout(constant_id = 13) const int PAIRS_OUT = 0; // of y can be stored: TILE_X, out_w are even
layout(constant_id = 14) const int TURN = 1; // input channels at a time, a divisor of cin
layout(constant_id = 15) const int ROWS = 3; // of taps at a time: KERNEL, or 1

#include "conv_patch.glsl"

const int TAPS = ROWS * KERNEL; // at a time
// Taps that are added up on their own: fewer roundings meet a large sum.
const int PART = EXACT != 0 ? KERNEL : TURN * TAPS;
const int WEIGHTS = TAPS * BLOCK;
const int WEIGHT_RUN = (WEIGHTS + 1) / 2 * 2;
const int WEIGHT_LOADS = (WEIGHTS + 2 * SUBGROUP - 1) / (2 * SUBGROUP);

// Lines of x that ROWS rows of taps see, offsets within a plane. Global as those of conv_patch.glsl.
const int LINES = (TILE_Y - 1) * STRIDE + ROWS;
int line[LINES];
bool line_in[LINES];

void find_lines(int first)
{
    [[unroll]] for (int j = 0; j < LINES; j++) {
        line[j] = pad_index(first + j, push.h, PAD_MODE) * push.w;
        line_in[j] = first + j >= 0 && first + j < push.h;
    }
}

void main()
{
    // Tiles are counted through, so that narrow pictures leave no lane idle.
    int tile = int((gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) *
                   (gl_WorkGroupSize.x * gl_WorkGroupSize.y) + gl_LocalInvocationIndex);
    int tiles_x = (push.out_w + TILE_X - 1) / TILE_X;
    int y0 = divide(tile, tiles_x);
    int x0 = (tile - y0 * tiles_x) * TILE_X;
    y0 *= TILE_Y;
    int block = int(gl_WorkGroupID.x) % (push.blocks * push.groups);
    int n = int(gl_WorkGroupID.x) / (push.blocks * push.groups);
    int group = block / push.blocks;
    int plane = push.h * push.w;

    SUM acc[BLOCK * TILE_Y * TILE_X];
    [[unroll]] for (int i = 0; i < BLOCK * TILE_Y * TILE_X; i++)
        acc[i] = 0;

    // Where the patch lies does not depend on the channel.
    int above = y0 * STRIDE - PAD;
    find_lines(above);
    find_columns(x0);

    uint64_t input_plane = at(push.x, (n * push.groups + group) * push.cin * plane);
    uint64_t weights = at(push.weights, block * push.cin * (KERNEL / ROWS) * WEIGHT_RUN) +
                       uint64_t(gl_SubgroupInvocationID) * PAIR_BYTES;
    for (int c = 0; c < push.cin; c += TURN) {
        for (int top = 0; top < KERNEL; top += ROWS) {
            if (ROWS < KERNEL)
                find_lines(above + top);
            float data[TURN * LINES * PATCH_X];
            vec2 w[TURN * WEIGHT_LOADS];
            [[unroll]] for (int u = 0; u < TURN; u++) {
                [[unroll]] for (int j = 0; j < LINES; j++) {
                    load_line(at(input_plane, u * plane + line[j]), line_in[j]);
                    [[unroll]] for (int i = 0; i < PATCH_X; i++)
                        data[(u * LINES + j) * PATCH_X + i] = patch_line[i];
                }
                [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++)
                    w[u * WEIGHT_LOADS + i] =
                        load_pair(weights + uint64_t(i * SUBGROUP) * PAIR_BYTES);
                weights = at(weights, WEIGHT_RUN);
            }
            [[unroll]] for (int b = 0; b < BLOCK; b++) {
                float part[TILE_Y * TILE_X], sum[TILE_Y * TILE_X]; // of PART taps; of this turn
                [[unroll]] for (int t = 0; t < TURN * TAPS; t++) {
                    int u = t / TAPS, tap = t % TAPS, k = tap * BLOCK + b;
                    float weight = subgroupBroadcast(
                        w[u * WEIGHT_LOADS + k / (2 * SUBGROUP)][k & 1], uint(k / 2 % SUBGROUP));
                    [[unroll]] for (int j = 0; j < TILE_Y; j++)
                        [[unroll]] for (int i = 0; i < TILE_X; i++) {
                            int p = (u * LINES + j * STRIDE + tap / KERNEL) * PATCH_X + i * STRIDE +
                                    tap % KERNEL;
                            int o = j * TILE_X + i;
                            part[o] = fma(data[p], weight, t % PART == 0 ? 0 : part[o]);
                            if (t % PART == PART - 1)
                                sum[o] = t < PART ? part[o] : sum[o] + part[o];
                            if (t == TURN * TAPS - 1)
                                acc[b * TILE_Y * TILE_X + o] += sum[o];
                        }
                }
            }
        }
        input_plane = at(input_plane, TURN * plane);
    }

    int out_plane = push.out_h * push.out_w;
    [[unroll]] for (int b = 0; b < BLOCK; b++) {
        int channel = (block - group * push.blocks) * BLOCK + b;
        if (channel < push.cout) {
            channel += group * push.cout;
            float bias = optional_at(push.bias, channel, push.x, 0);
            int out_base = (n * push.groups * push.cout + channel) * out_plane;
            [[unroll]] for (int j = 0; j < TILE_Y; j++) {
                bool row_out = y0 + j < push.out_h;
                uint64_t to = at(push.y, out_base + (y0 + j) * push.out_w + x0);
                float v[TILE_X];
                [[unroll]] for (int i = 0; i < TILE_X; i++)
                    v[i] = activate(float(acc[(b * TILE_Y + j) * TILE_X + i] + bias), ACTIVATION,
                                    push.slope);
                [[unroll]] for (int i = 0; i < TILE_X; i += PAIRS_OUT != 0 ? 2 : 1) {
                    if (row_out && x0 + i < push.out_w) {
                        if (PAIRS_OUT != 0)
                            store_pair(at(to, i), vec2(v[i], v[i + 1]));
                        else
                            Floats(at(to, i)).v[0] = v[i];
                    }
                }
            }
        }
    }
}
