#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv.h"
#include "sums.glsl"

// Direct convolution with a register tile. A lane owns TILE_X pixels of TILE_Y rows in BLOCK
// output channels. For each input channel it loads its patch once and uses every value for all
// taps and output channels; the weights are loaded one (pair) per lane and broadcast.
//
// x [N, groups * cin, h, w]; y [N, groups * cout, out_h, out_w]; bias [groups * cout];
// weights [groups][blocks][cin][KERNEL * KERNEL][BLOCK], the last block padded with zeros, each
// input channel's run padded to an even length, readable a little beyond the end.
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

const int PATCH_X = (TILE_X - 1) * STRIDE + KERNEL;
const int PATCH_Y = (TILE_Y - 1) * STRIDE + KERNEL;
const int TAPS = KERNEL * KERNEL;
// Taps that are added up on their own: fewer roundings meet the large sum.
const int PART = EXACT != 0 ? KERNEL : TAPS;
const int WEIGHTS = TAPS * BLOCK;
const int WEIGHT_RUN = (WEIGHTS + 1) / 2 * 2;
const int WEIGHT_LOADS = (WEIGHTS + 2 * SUBGROUP - 1) / (2 * SUBGROUP);
const int ODD = PAD & 1; // the patch starts this many columns after an even one

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
    int left = x0 * STRIDE - PAD; // column of x that patch column 0 stands for

    SUM acc[BLOCK * TILE_Y * TILE_X];
    [[unroll]] for (int i = 0; i < BLOCK * TILE_Y * TILE_X; i++)
        acc[i] = 0;

    // Where the patch lies does not depend on the channel.
    int row[PATCH_Y];
    int column[PATCH_X];
    bool row_in[PATCH_Y];
    bool column_in[PATCH_X];
    [[unroll]] for (int j = 0; j < PATCH_Y; j++) {
        int v = y0 * STRIDE - PAD + j;
        row[j] = pad_index(v, push.h, PAD_MODE) * push.w;
        row_in[j] = v >= 0 && v < push.h;
    }
    [[unroll]] for (int i = 0; i < PATCH_X; i++) {
        column[i] = pad_index(left + i, push.w, PAD_MODE);
        column_in[i] = left + i >= 0 && left + i < push.w;
    }
    int pair[(ODD + PATCH_X + 1) / 2];
    [[unroll]] for (int i = 0; i < (ODD + PATCH_X + 1) / 2; i++)
        pair[i] = clamp(left - ODD + 2 * i, 0, max(push.w - 2, 0));
    bool first = x0 == 0, last = x0 + TILE_X == push.out_w;

    uint64_t input_plane = at(push.x, (n * push.groups + group) * push.cin * plane);
    uint64_t weights = at(push.weights, block * push.cin * WEIGHT_RUN) +
                       uint64_t(gl_SubgroupInvocationID) * PAIR_BYTES;
    for (int c = 0; c < push.cin; c++) {
        float data[PATCH_Y * PATCH_X];
        if (PAIRS != 0) {
            [[unroll]] for (int j = 0; j < PATCH_Y; j++) {
                uint64_t base = at(input_plane, row[j]);
                [[unroll]] for (int p = 0; p < (ODD + PATCH_X + 1) / 2; p++) {
                    vec2 v = load_pair(at(base, pair[p]));
                    if (2 * p >= ODD)
                        data[j * PATCH_X + 2 * p - ODD] = v.x;
                    if (2 * p + 1 - ODD < PATCH_X)
                        data[j * PATCH_X + 2 * p + 1 - ODD] = v.y;
                }
                // Only the outermost lanes see the border; what they mirror is in their patch.
                if (STRIDE == 1 && PAD_MODE != PAD_ZERO) {
                    [[unroll]] for (int k = 0; k < PAD; k++) {
                        int inner = PAD_MODE == PAD_REFLECT ? k + 1 : 0;
                        int l = j * PATCH_X + PAD, r = l + TILE_X - 1;
                        data[l - 1 - k] = first ? data[l + inner] : data[l - 1 - k];
                        data[r + 1 + k] = last ? data[r - inner] : data[r + 1 + k];
                    }
                }
            }
        } else {
            [[unroll]] for (int j = 0; j < PATCH_Y; j++) {
                uint64_t base = at(input_plane, row[j]);
                [[unroll]] for (int i = 0; i < PATCH_X; i++)
                    data[j * PATCH_X + i] = Floats(at(base, column[i])).v[0];
            }
        }
        if (PAD_MODE == PAD_ZERO && PAD > 0) {
            [[unroll]] for (int j = 0; j < PATCH_Y; j++)
                [[unroll]] for (int i = 0; i < PATCH_X; i++)
                    if (!(row_in[j] && column_in[i]))
                        data[j * PATCH_X + i] = 0;
        }
        vec2 w[WEIGHT_LOADS];
        [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++)
            w[i] = load_pair(weights + uint64_t(i * SUBGROUP) * PAIR_BYTES);
        [[unroll]] for (int b = 0; b < BLOCK; b++) {
            float part[TILE_Y * TILE_X];
            [[unroll]] for (int t = 0; t < TAPS; t++) {
                int k = t * BLOCK + b;
                float weight = subgroupBroadcast(w[k / (2 * SUBGROUP)][k & 1],
                                                 uint(k / 2 % SUBGROUP));
                [[unroll]] for (int j = 0; j < TILE_Y; j++)
                    [[unroll]] for (int i = 0; i < TILE_X; i++) {
                        int p = (j * STRIDE + t / KERNEL) * PATCH_X + i * STRIDE + t % KERNEL;
                        float before = t % PART == 0 ? 0 : part[j * TILE_X + i];
                        part[j * TILE_X + i] = fma(data[p], weight, before);
                        if (t % PART == PART - 1 || t == TAPS - 1)
                            acc[(b * TILE_Y + j) * TILE_X + i] += part[j * TILE_X + i];
                    }
            }
        }
        input_plane = at(input_plane, plane);
        weights = at(weights, WEIGHT_RUN);
    }

    int out_plane = push.out_h * push.out_w;
    [[unroll]] for (int b = 0; b < BLOCK; b++) {
        int channel = (block - group * push.blocks) * BLOCK + b;
        if (channel < push.cout) {
            channel += group * push.cout;
            float bias = optional_at(push.bias, channel, push.x, 0);
            int out_base = (n * push.groups * push.cout + channel) * out_plane;
            [[unroll]] for (int j = 0; j < TILE_Y; j++)
                [[unroll]] for (int i = 0; i < TILE_X; i++) {
                    float v = activate(float(acc[(b * TILE_Y + j) * TILE_X + i] + bias), ACTIVATION,
                                       push.slope);
                    if (y0 + j < push.out_h && x0 + i < push.out_w)
                        Floats(at(push.y, out_base + (y0 + j) * push.out_w + x0 + i)).v[0] = v;
                }
        }
    }
}
