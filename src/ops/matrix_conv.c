// Convolution on matrix units: how its weights are laid out, and which tiles a workgroup makes.
#include "base/log.h"
#include "ops/dispatch.h"
#include "ops/matrix_internal.h"
#include "shaders.h"

#include "matrix_conv.h"
#include "matrix_pack.h"

enum { PLAIN, COLUMNS_IN, COLUMNS_OUT }; // as in matrix_pack.comp
enum { NARROW = 32 };                    // channels that a laid out kernel may have

// ---- which tile ----

// Pixels by channels of a workgroup and of a subgroup of it, and the slice of the common axis that
// shared memory holds.
typedef struct matrix_tile {
    int m, n, k, sub_m, sub_n;
} matrix_tile;

static int tile_lanes(const matrix_tile *t, const cgv_limits *limits) {
    return t->m / t->sub_m * (t->n / t->sub_n) * (int)limits->subgroup;
}

static bool is_power_of_two(int i) {
    return i > 0 && !(i & (i - 1));
}

static bool tile_works(const matrix_tile *t, const cgv_limits *limits) {
    const cgv_matrix_shape *shape = &limits->matrix;
    int lines = t->k / 8 + 1, columns = t->n / 8 + 1; // padded, in pieces of 16 bytes
    int loaded = 2 * (t->m * lines + t->k * columns), made = t->m * columns;
    int lanes = tile_lanes(t, limits);
    return shape->n % 8 == 0 && shape->k % 8 == 0 && t->sub_m % (int)shape->m == 0 &&
           t->sub_n % (int)shape->n == 0 && t->k % (int)shape->k == 0 && is_power_of_two(lanes) &&
           lanes <= (int)limits->workgroup &&
           limits->workgroup >= 512 && // what pixels_norm_merge.comp needs
           (uint32_t)(loaded > made ? loaded : made) * 16 <= limits->shared_bytes;
}

// The first that works and divides the channels; those for narrow outputs last. The first two are
// the fastest of ten on an H100 (docs/performance.md).
static bool choose_tile(matrix_tile *out, const cgv_limits *limits, int stored_out) {
    static const matrix_tile tiles[] = {
        {128, 128, 32, 64, 64},
        {128, 64, 32, 64, 32},
        {128, 32, 32, 32, 16}, // 16x16x16
        {16, 16, 8, 8, 8},     // 8x8x8, of lavapipe, whose compiler is slow
    };
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        if (stored_out % tiles[i].n == 0 && tile_works(&tiles[i], limits)) {
            *out = tiles[i];
            return true;
        }
    return false;
}

// ---- shapes ----

static int layout_of(const cgv_conv_params *params) {
    bool same = !params->transposed && params->stride == 1 && params->kernel > 1 &&
                params->kernel == 2 * params->pad + 1;
    if (same && params->kernel * params->cin <= NARROW)
        return COLUMNS_IN;
    if (same && params->kernel * params->cout <= NARROW)
        return COLUMNS_OUT;
    return PLAIN;
}

bool cgv_matrix_conv_takes_planes(const cgv_conv_params *params) {
    return layout_of(params) == COLUMNS_IN;
}

bool cgv_matrix_conv_gives_planes(const cgv_conv_params *params) {
    return layout_of(params) == COLUMNS_OUT;
}

static int stored_in(const cgv_conv_params *params) {
    return cgv_pixels_stored(layout_of(params) == COLUMNS_IN ? NARROW : params->cin);
}

static int stored_out(const cgv_conv_params *params) {
    return cgv_pixels_stored(layout_of(params) == COLUMNS_OUT ? NARROW : params->cout);
}

static int out_side(int side, const cgv_conv_params *p) {
    return p->transposed ? (side - 1) * p->stride - 2 * p->pad + p->kernel + p->output_pad
                         : (side + 2 * p->pad - p->kernel) / p->stride + 1;
}

// Shaders index halves with 32 bits.
static bool indexable(int n, int64_t pixels, int stored) {
    return (int64_t)n * pixels * stored <= INT32_MAX;
}

bool cgv_matrix_conv_fits(const cgv_limits *limits, cgv_tensor x, const cgv_conv_params *params) {
    matrix_tile tile;
    if (!limits->matrix.m || params->groups != 1 || params->mirrored ||
        !choose_tile(&tile, limits, stored_out(params)))
        return false;
    // The phases of a transposed convolution all have taps, and are of one size.
    if (params->transposed &&
        (params->stride != 2 || params->kernel < 2 || out_side(x.h, params) != 2 * x.h ||
         out_side(x.w, params) != 2 * x.w))
        return false;
    int64_t pixels = (int64_t)out_side(x.h, params) * out_side(x.w, params);
    int64_t tiles = pixels / (params->transposed ? 4 : 1) / tile.m + 1;
    return indexable(x.n, pixels, stored_out(params)) &&
           indexable(x.n, (int64_t)x.h * x.w, stored_in(params)) &&
           tiles <= (int64_t)limits->groups[1] && x.n <= (int)limits->groups[2];
}

// The taps of one dispatch along one axis: of the kernel from `first` on, `count` of them, one
// `step` apart; the first reads position -before of the input for output 0.
typedef struct tap_run {
    int first, count, step, before;
} tap_run;

// Transposed: output 2 a + phase takes kernel tap k from input a + (phase + pad - k) / 2.
static tap_run taps_of(const cgv_conv_params *params, int phase) {
    if (!params->transposed)
        return (tap_run){0, params->kernel, 1, params->pad};
    int last = params->kernel - 1;
    last -= (last + phase + params->pad) & 1;
    return (tap_run){last, last / 2 + 1, -2, (last - phase - params->pad) / 2};
}

static int phase_count(const cgv_conv_params *params) {
    return params->transposed ? 4 : 1;
}

typedef struct matrix_phase {
    tap_run rows, columns;
    uint64_t bytes; // of its packed weights
} matrix_phase;

static matrix_phase get_phase(const cgv_conv_params *params, int index) {
    matrix_phase phase = {taps_of(params, index / 2), taps_of(params, index % 2), 0};
    if (layout_of(params) != PLAIN)
        phase.columns = (tap_run){0, 1, 1, 0};
    phase.bytes = (uint64_t)phase.rows.count * (uint64_t)phase.columns.count *
                  (uint64_t)stored_in(params) * (uint64_t)stored_out(params) * 2;
    return phase;
}

uint64_t cgv_matrix_conv_packed_bytes(const cgv_conv_params *params) {
    uint64_t bytes = 0;
    for (int i = 0; i < phase_count(params); i++)
        bytes += get_phase(params, i).bytes;
    return bytes;
}

void cgv_matrix_conv_pack(cgv_cmd *cmd, uint64_t packed, uint64_t weights,
                          const cgv_conv_params *params) {
    uint64_t weight_bytes = (uint64_t)params->cin * (uint64_t)params->cout *
                            (uint64_t)(params->kernel * params->kernel) * sizeof(float);
    for (int i = 0; i < phase_count(params); i++) {
        matrix_phase phase = get_phase(params, i);
        struct matrix_pack_push push = {
            .packed = cgv_cmd_write(cmd, packed, phase.bytes),
            .weights = cgv_cmd_read(cmd, weights, weight_bytes),
            .count = (int)(phase.bytes / 4),
            .cin = params->cin,
            .cout = params->cout,
            .kernel = params->kernel,
            .stored_in = stored_in(params),
            .stored_out = stored_out(params),
            .rows = phase.rows.count,
            .columns = phase.columns.count,
            .top = phase.rows.first,
            .left = phase.columns.first,
            .step = phase.rows.step,
        };
        cgv_dispatch_linear(cmd, (uint64_t)push.count,
                            (cgv_dispatch){.shader = &cgv_shader_matrix_pack,
                                           .spec = {params->transposed, layout_of(params)},
                                           .spec_count = 2,
                                           .push = &push,
                                           .push_bytes = sizeof push});
        packed += phase.bytes;
    }
}

// ---- the product ----

static void product(cgv_cmd *cmd, cgv_pixels y, cgv_pixels x, uint64_t packed, uint64_t bias,
                    const cgv_conv_params *params) {
    const cgv_limits *limits = cgv_device_limits(cgv_cmd_device(cmd));
    matrix_tile tile;
    if (!choose_tile(&tile, limits, stored_out(params))) {
        cgv_cmd_fail(cmd, cgv_fail(CGV_ERROR_UNSUPPORTED,
                                   "no tile of matrix units fits a convolution to %d channels",
                                   params->cout));
        return;
    }
    int step = params->transposed ? 2 : 1;
    for (int i = 0; i < phase_count(params); i++) {
        matrix_phase phase = get_phase(params, i);
        struct matrix_conv_push push = {
            .x = cgv_cmd_read(cmd, x.address, cgv_pixels_bytes(x)),
            .weights = cgv_cmd_read(cmd, packed, phase.bytes),
            .bias = cgv_read_if(cmd, bias, (uint64_t)y.c * sizeof(float)),
            .y = cgv_cmd_write(cmd, y.address, cgv_pixels_bytes(y)),
            .h = x.h,
            .w = x.w,
            .cin = stored_in(params),
            .out_h = y.h / step,
            .out_w = y.w / step,
            .cout = stored_out(params),
            .channels = y.c,
            .rows = phase.rows.count,
            .columns = phase.columns.count,
            .top = phase.rows.before,
            .left = phase.columns.before,
            .step = step,
            .first = i / 2 * y.w + i % 2,
            .y_w = y.w,
            .y_plane = y.h * y.w,
            .slope = params->slope,
        };
        cgv_cmd_dispatch(
            cmd,
            &(cgv_dispatch){
                .shader = &cgv_shader_matrix_conv,
                .local = {(uint32_t)tile_lanes(&tile, limits), 1},
                .groups = {(uint32_t)(stored_out(params) / tile.n),
                           (uint32_t)cgv_divide_up(push.out_h * push.out_w, tile.m), (uint32_t)x.n},
                .spec = {tile.m, tile.n, tile.k, tile.sub_m, tile.sub_n, (int32_t)limits->matrix.m,
                         (int32_t)limits->matrix.n, (int32_t)limits->matrix.k,
                         (int32_t)params->pad_mode, params->transposed ? 1 : params->stride,
                         (int32_t)params->activation},
                .spec_count = 11,
                .push = &push,
                .push_bytes = sizeof push,
            });
        packed += phase.bytes;
    }
}

uint64_t cgv_matrix_conv_scratch(cgv_tensor x, const cgv_conv_params *params) {
    cgv_pixels wide = {.n = x.n, .c = NARROW, .h = x.h, .w = x.w};
    return layout_of(params) == PLAIN ? 0 : cgv_pixels_bytes(wide);
}

void cgv_matrix_conv(cgv_cmd *cmd, cgv_matrix_operand y, cgv_matrix_operand x, uint64_t packed,
                     uint64_t bias, uint64_t scratch, const cgv_conv_params *params) {
    cgv_pixels wide = {.address = scratch, .c = NARROW};
    cgv_conv_params inner = *params;
    switch (layout_of(params)) {
    case COLUMNS_IN:
        wide.n = x.planes.n, wide.h = x.planes.h, wide.w = x.planes.w;
        cgv_pixels_gather(cmd, wide, x.planes, params->kernel, params->pad, params->pad_mode);
        product(cmd, y.pixels, wide, packed, bias, params);
        break;
    case COLUMNS_OUT:
        wide.n = y.planes.n, wide.h = y.planes.h, wide.w = y.planes.w;
        inner.activation = CGV_ACT_NONE;
        product(cmd, wide, x.pixels, packed, 0, &inner);
        cgv_pixels_scatter(cmd, y.planes, wide,
                           &(cgv_scatter_params){.columns = params->kernel,
                                                 .pad = params->pad,
                                                 .pad_mode = params->pad_mode,
                                                 .bias = bias,
                                                 .activation = params->activation,
                                                 .slope = params->slope});
        break;
    default:
        product(cmd, y.pixels, x.pixels, packed, bias, params);
    }
}
