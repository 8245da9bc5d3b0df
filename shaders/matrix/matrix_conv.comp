#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "common.glsl"
#include "matrix_conv.h"

// Convolution as a matrix product (implicit GEMM) on cooperative matrices: half precision in and
// out, added up in single precision.
//
// y [N, pixels, cout] = x [N, pixels, cin], gathered tap by tap, * weights [taps * cin, cout].
// A workgroup makes TILE_M pixels of one picture by TILE_N channels, a subgroup SUB_M by SUB_N of
// them. While one slice of TILE_K of the common axis is multiplied out of shared memory, the next is
// on its way into registers. Lines of the tiles in shared memory are padded by 16 bytes, so that
// the lines of a matrix lie in different banks.
//
// cin is a multiple of TILE_K, cout of TILE_N. Grid: x channels, y tiles of pixels, z pictures.
layout(constant_id = 3) const int TILE_M = 128;
layout(constant_id = 4) const int TILE_N = 128;
layout(constant_id = 5) const int TILE_K = 32;
layout(constant_id = 6) const int SUB_M = 64;
layout(constant_id = 7) const int SUB_N = 32;
layout(constant_id = 8) const int M = 16; // the device's matrices
layout(constant_id = 9) const int N = 16;
layout(constant_id = 10) const int K = 16;
layout(constant_id = 11) const int PAD_MODE = PAD_ZERO;
layout(constant_id = 12) const int STRIDE = 1;
layout(constant_id = 13) const int ACTIVATION = ACT_NONE;

layout(buffer_reference, std430, buffer_reference_align = 16) buffer Eights { // halves
    uvec4 v[];
};

const int SUBGROUPS_N = TILE_N / SUB_N;
const int LANES = TILE_M / SUB_M * SUBGROUPS_N * SUBGROUP; // of the workgroup
// Pieces of eight halves.
const int A_LINE = TILE_K / 8, A_STRIDE = A_LINE + 1, A_SIZE = TILE_M * A_STRIDE;
const int B_LINE = TILE_N / 8, B_STRIDE = B_LINE + 1, B_SIZE = TILE_K * B_STRIDE;
const int A_PIECES = TILE_M * A_LINE, B_PIECES = TILE_K * B_LINE; // powers of two, as LANES
const int A_LOADS = (A_PIECES + LANES - 1) / LANES;
const int B_LOADS = (B_PIECES + LANES - 1) / LANES;
const int Y_SIZE = TILE_M * B_STRIDE;
const int LOADED_SIZE = 2 * (A_SIZE + B_SIZE);
const int SHARED_SIZE = LOADED_SIZE > Y_SIZE ? LOADED_SIZE : Y_SIZE;
const int ROWS = SUB_M / M, COLUMNS = SUB_N / N;

shared uvec4 tiles[SHARED_SIZE]; // two of a, two of b; in the end the results

int lane = int(gl_LocalInvocationIndex);

uvec4 finish(uvec4 packed, int channel)
{
    float v[8];
    [[unroll]] for (int i = 0; i < 4; i++) {
        vec2 pair = unpackHalf2x16(packed[i]);
        v[2 * i] = pair.x;
        v[2 * i + 1] = pair.y;
    }
    [[unroll]] for (int i = 0; i < 8; i++) {
        v[i] += optional_at(channel + i < push.channels ? push.bias : 0, channel + i, push.x, 0);
        v[i] = activate(v[i], ACTIVATION, push.slope);
    }
    [[unroll]] for (int i = 0; i < 4; i++)
        packed[i] = packHalf2x16(vec2(v[2 * i], v[2 * i + 1]));
    return packed;
}

void main()
{
    int channel0 = int(gl_WorkGroupID.x) * TILE_N;
    int pixel0 = int(gl_WorkGroupID.y) * TILE_M;
    int pixels = push.out_h * push.out_w;
    uint64_t x = push.x + uint64_t(gl_WorkGroupID.z) * uint64_t(push.h * push.w) *
                          uint64_t(push.cin * 2);

    // What this lane loads: of a the same piece of A_LOADS lines, of b likewise.
    int a_piece = lane % A_LINE, a_line = lane / A_LINE;
    int b_piece = lane % B_LINE, b_line = lane / B_LINE;
    bool loads_a = lane < A_PIECES, loads_b = lane < B_PIECES; // large workgroups have idle lanes
    int top[A_LOADS], left[A_LOADS];
    [[unroll]] for (int l = 0; l < A_LOADS; l++) {
        int pixel = min(pixel0 + a_line + l * (LANES / A_LINE), pixels - 1);
        int row = pixel / push.out_w;
        top[l] = row * STRIDE - push.top;
        left[l] = (pixel - row * push.out_w) * STRIDE - push.left;
    }
    uint64_t weights = push.weights + uint64_t(b_line * push.cout + channel0 + b_piece * 8) * 2;

    coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator> sums[ROWS * COLUMNS];
    [[unroll]] for (int i = 0; i < ROWS * COLUMNS; i++)
        sums[i] = coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>(0);

    int subgroup = int(gl_SubgroupID);
    int sub_row = subgroup / SUBGROUPS_N * SUB_M, sub_column = subgroup % SUBGROUPS_N * SUB_N;

    int slices = push.rows * push.columns * (push.cin / TILE_K);
    int tap_y = 0, tap_x = 0, channel = 0; // of the slice that is loaded next
    uvec4 a[A_LOADS], b[B_LOADS];
    for (int slice = -1; slice < slices; slice++) {
        bool more = slice + 1 < slices;
        if (more) {
            [[unroll]] for (int l = 0; l < A_LOADS; l++) {
                int v = top[l] + tap_y, u = left[l] + tap_x;
                bool inside = PAD_MODE != PAD_ZERO ||
                              (v >= 0 && v < push.h && u >= 0 && u < push.w);
                v = pad_index(v, push.h, PAD_MODE);
                u = pad_index(u, push.w, PAD_MODE);
                uint64_t from = x + uint64_t((v * push.w + u) * push.cin + channel + a_piece * 8) * 2;
                a[l] = uvec4(0);
                if (inside && loads_a)
                    a[l] = Eights(from).v[0];
            }
            [[unroll]] for (int l = 0; l < B_LOADS; l++)
                if (loads_b)
                    b[l] = Eights(weights + uint64_t(l * (LANES / B_LINE) * push.cout) * 2).v[0];
            weights += uint64_t(TILE_K * push.cout) * 2;
            channel += TILE_K;
            if (channel == push.cin) {
                channel = 0;
                tap_x++;
                if (tap_x == push.columns) {
                    tap_x = 0;
                    tap_y++;
                }
            }
        }
        if (slice >= 0) {
            int from = slice & 1;
            [[unroll]] for (int k = 0; k < TILE_K; k += K) {
                coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> left_side[ROWS];
                [[unroll]] for (int i = 0; i < ROWS; i++)
                    coopMatLoad(left_side[i], tiles,
                                from * A_SIZE + (sub_row + i * M) * A_STRIDE + k / 8, A_STRIDE,
                                gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (int j = 0; j < COLUMNS; j++) {
                    coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> right_side;
                    coopMatLoad(right_side, tiles,
                                2 * A_SIZE + from * B_SIZE + k * B_STRIDE +
                                    (sub_column + j * N) / 8,
                                B_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                    [[unroll]] for (int i = 0; i < ROWS; i++)
                        sums[i * COLUMNS + j] =
                            coopMatMulAdd(left_side[i], right_side, sums[i * COLUMNS + j]);
                }
            }
        }
        if (more) {
            int to = (slice + 1) & 1;
            [[unroll]] for (int l = 0; l < A_LOADS; l++)
                if (loads_a)
                    tiles[to * A_SIZE + (a_line + l * (LANES / A_LINE)) * A_STRIDE + a_piece] =
                        a[l];
            [[unroll]] for (int l = 0; l < B_LOADS; l++)
                if (loads_b)
                    tiles[2 * A_SIZE + to * B_SIZE + (b_line + l * (LANES / B_LINE)) * B_STRIDE +
                          b_piece] = b[l];
        }
        barrier();
    }

    // Through shared memory, so that whole pieces of pixels are written.
    [[unroll]] for (int i = 0; i < ROWS; i++)
        [[unroll]] for (int j = 0; j < COLUMNS; j++)
            coopMatStore(coopmat<float16_t, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>(
                             sums[i * COLUMNS + j]),
                         tiles, (sub_row + i * M) * B_STRIDE + (sub_column + j * N) / 8, B_STRIDE,
                         gl_CooperativeMatrixLayoutRowMajor);
    barrier();
    uint64_t y = push.y + uint64_t(gl_WorkGroupID.z) * uint64_t(push.y_plane) *
                          uint64_t(push.cout * 2);
    for (int i = lane; i < TILE_M * B_LINE; i += LANES) {
        int line = i / B_LINE, piece = i - line * B_LINE;
        int pixel = pixel0 + line, row = pixel / push.out_w, column = pixel - row * push.out_w;
        if (pixel < pixels) {
            int to = push.first + (row * push.y_w + column) * push.step;
            int c = channel0 + piece * 8;
            Eights(y + uint64_t(to * push.cout + c) * 2).v[0] =
                finish(tiles[line * B_STRIDE + piece], c);
        }
    }
}
