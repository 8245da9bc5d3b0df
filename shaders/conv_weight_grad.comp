#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "cpu.glsl"
#include "conv_weight_grad.h"
#ifdef SHUFFLE
#extension GL_KHR_shader_subgroup_shuffle : require
#endif

// Gradient of a convolution's weights: dw[r][c][ky][kx] = sum over pictures and pixels of
// dy[r][y][x] * x[c][y * STRIDE + ky - PAD][x * STRIDE + kx - PAD]. The transposed convolution's is
// the same with the roles of its input and its output's gradient exchanged.
//
// A subgroup walks over lines of dy for COLUMNS channels c and BLOCK channels r; LANES_X lanes share a
// line, the others have lines further down, so that narrow pictures leave none idle. A lane takes
// TILE_X pixels at a time and keeps all COLUMNS * BLOCK * TAPS sums in registers; lanes are added up
// at the end, in a fixed order. The lines of x slide along: each is loaded once for all KERNEL lines
// of dy that it meets. Grid: x blocks and groups, y columns, z splits of the lines.
//
// dy [N, groups * rows, out_h, out_w]; x [N, groups * columns, h, w];
// partial [splits][groups * rows][columns][TAPS], or dw itself, to which a single split is added.
layout(constant_id = 3) const int KERNEL = 3;
layout(constant_id = 4) const int STRIDE = 1;
layout(constant_id = 5) const int PAD = 1;
layout(constant_id = 6) const int PAD_MODE = PAD_ZERO;
layout(constant_id = 7) const int TILE_X = 4;
layout(constant_id = 8) const int BLOCK = 8;
layout(constant_id = 9) const int COLUMNS = 2;
layout(constant_id = 10) const int PAIRS = 0; // as in conv_direct.comp
layout(constant_id = 11) const int LANES_X = 8;
layout(constant_id = 12) const int ADD = 0; // to what is there

const int DATA_X = (TILE_X - 1) * STRIDE + KERNEL;
const int TAPS = KERNEL * KERNEL;
const int ODD = PAD & 1;
const int DATA_PAIRS = (ODD + DATA_X + 1) / 2;
const int SUMS = COLUMNS * BLOCK * TAPS;
const int LANES_Y = SUBGROUP / LANES_X;
const int KEPT = KERNEL > STRIDE ? KERNEL - STRIDE : 0; // lines that the next line of dy also meets

// Where a lane's pixels of x lie within a line.
int left;
bool first, last; // the lane sees the line's beginning, its end

// The lane's part of line v of a plane, padding included.
void load_line(out float data[DATA_X], uint64_t plane, int v)
{
    uint64_t from = at(plane, pad_index(v, push.h, PAD_MODE) * push.w);
    if (PAIRS != 0) {
        [[unroll]] for (int p = 0; p < DATA_PAIRS; p++) {
            int i = clamp(left - ODD + 2 * p, 0, max(push.w - 2, 0));
            vec2 d = load_pair(at(from, i));
            if (2 * p >= ODD)
                data[2 * p - ODD] = d.x;
            if (2 * p + 1 - ODD < DATA_X)
                data[2 * p + 1 - ODD] = d.y;
        }
        if (STRIDE == 1 && PAD_MODE != PAD_ZERO) {
            [[unroll]] for (int k = 0; k < PAD; k++) {
                int inner = PAD_MODE == PAD_REFLECT ? k + 1 : 0;
                int r = PAD + TILE_X - 1;
                data[PAD - 1 - k] = first ? data[PAD + inner] : data[PAD - 1 - k];
                data[r + 1 + k] = last ? data[r - inner] : data[r + 1 + k];
            }
        }
    } else {
        [[unroll]] for (int i = 0; i < DATA_X; i++)
            data[i] = Floats(at(from, pad_index(left + i, push.w, PAD_MODE))).v[0];
    }
    if (PAD_MODE == PAD_ZERO && PAD > 0) {
        bool line_in = v >= 0 && v < push.h;
        [[unroll]] for (int i = 0; i < DATA_X; i++)
            data[i] = line_in && left + i >= 0 && left + i < push.w ? data[i] : 0;
    }
}

// The lane's part of a line of dy, zero from pixel `end` on.
void load_gradient(out float g[TILE_X], uint64_t line, int x0, int end)
{
    if (PAIRS != 0 && TILE_X % 2 == 0) {
        [[unroll]] for (int i = 0; i < TILE_X; i += 2) {
            vec2 v = load_pair(at(line, min(x0 + i, push.out_w - 2)));
            g[i] = x0 + i < end ? v.x : 0;
            g[i + 1] = x0 + i < end ? v.y : 0;
        }
    } else {
        [[unroll]] for (int i = 0; i < TILE_X; i++) {
            float v = Floats(at(line, min(x0 + i, push.out_w - 1))).v[0];
            g[i] = x0 + i < end ? v : 0;
        }
    }
}

// The sum over all lanes of v[l], for the l that is this lane's number.
float sum_of_lanes(float v[SUBGROUP])
{
    int lane = int(gl_SubgroupInvocationID);
#ifdef SHUFFLE
    // Halving: each step gives half of the lane's values away and takes a partner's other half.
    [[unroll]] for (int step = SUBGROUP / 2; step > 0; step /= 2) {
        bool upper = (lane & step) != 0;
        [[unroll]] for (int i = 0; i < step; i++) {
            float kept = upper ? v[i + step] : v[i], given = upper ? v[i] : v[i + step];
            v[i] = kept + subgroupShuffleXor(given, uint(step));
        }
    }
    return v[0];
#else
    float result = 0;
    [[unroll]] for (int i = 0; i < SUBGROUP; i++) {
        float sum = 0;
        [[unroll]] for (int l = 0; l < SUBGROUP; l++)
            sum += subgroupBroadcast(v[i], uint(l));
        result = lane == i ? sum : result;
    }
    return result;
#endif
}

void main()
{
    int block = int(gl_WorkGroupID.x);
    int column0 = int(gl_WorkGroupID.y) * COLUMNS;
    int group = block / push.blocks;
    int row0 = (block - group * push.blocks) * BLOCK;
    int lane = int(gl_SubgroupInvocationID);
    int lane_x = lane % LANES_X, lane_y = lane / LANES_X;
    int plane = push.h * push.w, out_plane = push.out_h * push.out_w;
    int line0 = int(gl_WorkGroupID.z) * push.split_lines;
    int line1 = min(line0 + push.split_lines, push.batch * push.out_h);

    float acc[SUMS];
    [[unroll]] for (int i = 0; i < SUMS; i++)
        acc[i] = 0;

    for (int start = 0; start < push.out_w; start += LANES_X * TILE_X) {
        int x0 = start + lane_x * TILE_X;
        left = x0 * STRIDE - PAD;
        first = x0 == 0;
        last = x0 + TILE_X == push.out_w;
        for (int line = line0; line < line1;) {
            int n = line / push.out_h, top = line - n * push.out_h;
            int bottom = min(push.out_h, top + line1 - line); // of this picture's lines
            line += bottom - top;
            int run = (bottom - top + LANES_Y - 1) / LANES_Y; // lines of a lane
            int y = top + lane_y * run;
            bottom = min(bottom, y + run);
            uint64_t x[COLUMNS];
            float data[COLUMNS * KERNEL * DATA_X];
            [[unroll]] for (int c = 0; c < COLUMNS; c++) {
                int column = min(column0 + c, push.columns - 1);
                x[c] = at(push.x, ((n * push.groups + group) * push.columns + column) * plane);
                [[unroll]] for (int ky = 0; ky < KEPT; ky++) {
                    float one[DATA_X];
                    load_line(one, x[c], y * STRIDE + ky - PAD);
                    [[unroll]] for (int i = 0; i < DATA_X; i++)
                        data[(c * KERNEL + ky) * DATA_X + i] = one[i];
                }
            }
            for (int k = 0; k < run; k++, y++) {
                [[unroll]] for (int c = 0; c < COLUMNS; c++)
                    [[unroll]] for (int ky = KEPT; ky < KERNEL; ky++) {
                        float one[DATA_X];
                        load_line(one, x[c], y * STRIDE + ky - PAD);
                        [[unroll]] for (int i = 0; i < DATA_X; i++)
                            data[(c * KERNEL + ky) * DATA_X + i] = one[i];
                    }
                // Lanes whose lines end earlier than others' go on with zeros.
                int from = min(y, push.out_h - 1) * push.out_w;
                int end = y < bottom ? push.out_w : 0;
                [[unroll]] for (int b = 0; b < BLOCK; b++) {
                    int row = group * push.rows + min(row0 + b, push.rows - 1);
                    float g[TILE_X];
                    load_gradient(g, at(push.dy, (n * push.groups * push.rows + row) * out_plane +
                                                     from), x0, end);
                    [[unroll]] for (int t = 0; t < COLUMNS * TAPS; t++) {
                        int o = b * COLUMNS * TAPS + t;
                        int at_tap = (t / KERNEL) * DATA_X + t % KERNEL;
                        float sum = ON_CPU ? 0 : acc[o];
                        [[unroll]] for (int i = 0; i < TILE_X; i++)
                            sum = fma(g[i], data[at_tap + i * STRIDE], sum);
                        acc[o] = ON_CPU ? acc[o] + sum : sum;
                    }
                }
                [[unroll]] for (int c = 0; c < COLUMNS; c++)
                    [[unroll]] for (int i = 0; i < KEPT * DATA_X; i++)
                        data[c * KERNEL * DATA_X + i] =
                            data[c * KERNEL * DATA_X + i + STRIDE * DATA_X];
            }
        }
    }

    uint64_t to = at(push.partial, int(gl_WorkGroupID.z) * push.weights);
    [[unroll]] for (int i = 0; i < SUMS; i += SUBGROUP) {
        float v[SUBGROUP];
        [[unroll]] for (int l = 0; l < SUBGROUP; l++)
            v[l] = i + l < SUMS ? acc[min(i + l, SUMS - 1)] : 0;
        float sum = sum_of_lanes(v);
        int o = i + lane;
        int row = row0 + o / (COLUMNS * TAPS), column = column0 + o / TAPS % COLUMNS;
        if (o < SUMS && row < push.rows && column < push.columns) {
            uint64_t to_weight = at(to, ((group * push.rows + row) * push.columns + column) * TAPS + o % TAPS);
            Floats(to_weight).v[0] = ADD != 0 ? Floats(to_weight).v[0] + sum : sum;
        }
    }
}
