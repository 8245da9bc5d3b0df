// Operations in half precision, for devices with matrix units (limits->matrix): inference only.
// Errors stick in the command list.
#ifndef CGV_OPS_MATRIX_H
#define CGV_OPS_MATRIX_H

#include "ops/ops.h"

// Pictures as [N, H, W, stored channels] in half precision: what the matrix units load in one piece
// lies together. The stored channels beyond the real ones hold finite numbers, zero as a rule,
// which no weight counts.
typedef struct cgv_pixels {
    uint64_t address; // a multiple of 16
    int n, c, h, w;   // c: real channels
} cgv_pixels;

int cgv_pixels_stored(int channels); // a multiple of 32
uint64_t cgv_pixels_bytes(cgv_pixels p);

void cgv_pixels_from_planes(cgv_cmd *cmd, cgv_pixels y, cgv_tensor x);
void cgv_pixels_to_planes(cgv_cmd *cmd, cgv_tensor y, cgv_pixels x);

// ---- convolution (ops/matrix_conv.c) ----

// As cgv_conv, added up in single precision. A kernel of several columns on a few channels, of the
// input or of the output, has the columns laid out as channels, so that the matrices are not mostly
// empty: such an input, or output, is one of planes in single precision. (Of such an output the
// sums of each column are rounded to half before they are added up.)
bool cgv_matrix_conv_fits(const cgv_limits *limits, cgv_tensor x, const cgv_conv_params *params);
bool cgv_matrix_conv_takes_planes(const cgv_conv_params *params);
bool cgv_matrix_conv_gives_planes(const cgv_conv_params *params);

// An operand of either kind: planes where the above say so.
typedef struct cgv_matrix_operand {
    cgv_pixels pixels;
    cgv_tensor planes;
} cgv_matrix_operand;

uint64_t cgv_matrix_conv_packed_bytes(const cgv_conv_params *params);
void cgv_matrix_conv_pack(cgv_cmd *cmd, uint64_t packed, uint64_t weights,
                          const cgv_conv_params *params);
// scratch: of cgv_matrix_conv_scratch bytes, which may be 0; its address a multiple of 16.
uint64_t cgv_matrix_conv_scratch(cgv_tensor x, const cgv_conv_params *params);
void cgv_matrix_conv(cgv_cmd *cmd, cgv_matrix_operand y, cgv_matrix_operand x, uint64_t packed,
                     uint64_t bias, uint64_t scratch, const cgv_conv_params *params);

// ---- instance norm (ops/pixels.c) ----

// As cgv_instance_norm_stats and cgv_instance_norm. stats [N, stored channels, 2]; keep as there.
uint64_t cgv_pixels_norm_scratch(cgv_pixels x);
uint64_t cgv_pixels_stats_bytes(cgv_pixels x);
void cgv_pixels_norm_stats(cgv_cmd *cmd, uint64_t stats, cgv_pixels x, uint64_t scratch,
                           uint64_t keep, float epsilon);
void cgv_pixels_norm(cgv_cmd *cmd, cgv_pixels y, cgv_pixels x, uint64_t stats, cgv_pixels residual,
                     const cgv_norm_params *params);

#endif
