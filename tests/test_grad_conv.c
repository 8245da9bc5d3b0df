// Gradients of convolutions and of padding against references in C, which test_grad_reference
// holds against finite differences. Every case runs twice in guarded memory (guarded.h).
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "op_test.h"
#include "ops/choose.h"
#include "reference_grad.h"
#include "support.h"

// ---- convolution ----

typedef struct conv_run {
    const conv_case *c;
    ref_shape in, out;
    size_t weight_count;
    float *x, *weights, *dy, *dw, *db; // dw, db: what the gradients are added to
    uint64_t dx_at, dw_at, db_at;
} conv_run;

// The data gradient, as nn/backward.c composes it.
static void record_data_grad(conv_run *r, uint64_t dy, uint64_t weights) {
    const cgv_conv_params *p = &r->c->p;
    cgv_conv_params grad = cgv_conv_data_grad(p);
    bool folds = p->pad_mode != CGV_PAD_ZERO && p->pad;
    int border = folds ? p->pad : 0;
    ref_shape padded = {r->in.n, r->in.c, r->in.h + 2 * border, r->in.w + 2 * border};
    cgv_tensor dx = op_tensor(op_floats(GUARDED_OUTPUT, NULL, ref_count(r->in)), r->in);
    cgv_tensor to =
        folds ? op_tensor(op_floats(GUARDED_OUTPUT, NULL, ref_count(padded)), padded) : dx;
    cgv_tensor from = op_tensor(dy, r->out);
    r->dx_at = dx.address;
    grad.choice = cgv_conv_rule(cgv_test_device(), to, from, &grad);
    uint64_t packed = op_scratch(cgv_conv_packed_bytes(&grad));
    cgv_conv_pack(op_memory.cmd, packed, weights, &grad);
    cgv_conv(op_memory.cmd, to, from, packed, 0, 0, &grad);
    if (folds)
        cgv_pad_fold(op_memory.cmd, dx, to, p->pad, p->pad_mode);
}

static void record_conv(void *opaque) {
    conv_run *r = opaque;
    const cgv_conv_params *p = &r->c->p;
    cgv_tensor x = op_tensor(op_floats(GUARDED_INPUT, r->x, ref_count(r->in)), r->in);
    cgv_tensor dy = op_tensor(op_floats(GUARDED_INPUT, r->dy, ref_count(r->out)), r->out);
    uint64_t weights = op_floats(GUARDED_INPUT, r->weights, r->weight_count);
    r->dw_at = op_floats(GUARDED_OUTPUT, r->dw, r->weight_count);
    r->db_at = r->c->bias ? op_floats(GUARDED_OUTPUT, r->db, (size_t)p->cout) : 0;
    uint64_t scratch = op_scratch(cgv_conv_param_grad_scratch(cgv_test_device(), dy, x, p));
    cgv_conv_param_grad(op_memory.cmd, r->dw_at, r->db_at, dy, x, scratch, p);
    record_data_grad(r, dy.address, weights);
}

static bool conv_results_are_right(const conv_run *r) {
    size_t in = ref_count(r->in), cout = (size_t)r->c->p.cout;
    double *x = numbers_widen(r->x, in), *dy = numbers_widen(r->dy, ref_count(r->out));
    double *weights = numbers_widen(r->weights, r->weight_count);
    double *dx = numbers_allocate(in, sizeof *dx), *db = numbers_allocate(cout, sizeof *db);
    double *dw = numbers_allocate(r->weight_count, sizeof *dw);
    ref_conv_grad(dx, dw, db, dy, x, r->in, weights, &r->c->p);
    numbers_add(dw, r->dw, r->weight_count);
    numbers_add(db, r->db, cout);
    bool right = op_gradient_is(r->dx_at, dx, in) &&
                 op_gradient_is(r->dw_at, dw, r->weight_count) &&
                 (!r->db_at || op_gradient_is(r->db_at, db, cout));
    free(x);
    free(dy);
    free(weights);
    free(dx);
    free(db);
    free(dw);
    return right;
}

static bool run_conv(const conv_case *c) {
    const cgv_conv_params *p = &c->p;
    conv_run r = {.c = c, .in = {c->n, p->cin, c->h, c->w}};
    r.out = ref_conv_shape(r.in, p);
    r.weight_count = (size_t)p->cout * (size_t)(p->cin / p->groups * p->kernel * p->kernel);
    r.x = op_random(ref_count(r.in));
    r.weights = op_random(r.weight_count);
    r.dy = op_random(ref_count(r.out));
    r.dw = op_random(r.weight_count);
    r.db = op_random((size_t)p->cout);
    bool right = guarded_run_twice(&op_memory, record_conv, &r) && conv_results_are_right(&r);
    if (!right)
        conv_case_print(c);
    free(r.x);
    free(r.weights);
    free(r.dy);
    free(r.dw);
    free(r.db);
    return right;
}

#define CONV_T(k, p_, op, g, ci, co)                                                               \
    CONV(k, 2, p_, ZERO, g, ci, co, .output_pad = (op), .transposed = true)

static const conv_case conv_cases[] = {
    // The smallest.
    {1, 1, 1, false, CONV(1, 1, 0, ZERO, 1, 1, 1)},
    {2, 1, 1, true, CONV(3, 1, 1, ZERO, 1, 3, 7)},
    {1, 1, 1, true, CONV(3, 1, 1, REPLICATE, 1, 7, 3)},
    {1, 1, 1, true, CONV(4, 2, 2, ZERO, 1, 3, 1)},
    {1, 2, 2, true, CONV(3, 1, 1, REFLECT, 1, 3, 3)},
    {1, 3, 5, true, CONV(3, 1, 1, REFLECT, 1, 16, 33)},
    {1, 4, 4, true, CONV(7, 1, 3, REFLECT, 1, 3, 16)},
    // The layers of ResNet generators, depthwise-separable ones, and PatchGAN.
    {1, 31, 17, true, CONV(7, 1, 3, REFLECT, 1, 3, 16)},
    {1, 48, 64, true, CONV(7, 1, 3, REFLECT, 1, 3, 7)},
    {1, 32, 32, true, CONV(7, 1, 3, REFLECT, 1, 16, 3)},
    {1, 48, 64, true, CONV(3, 2, 1, ZERO, 1, 16, 33)},
    {1, 48, 64, true, CONV(3, 1, 1, REFLECT, 1, 33, 16)},
    {1, 100, 18, true, CONV(3, 1, 1, REFLECT, 1, 3, 7)}, // rows far from the border
    {2, 32, 32, false, CONV(3, 1, 1, REFLECT, 1, 16, 16)},
    {2, 48, 64, true, CONV(3, 1, 1, REFLECT, 33, 33, 33)},
    {2, 32, 32, true, CONV(1, 1, 0, ZERO, 1, 33, 16)},
    {1, 48, 64, true, CONV(4, 2, 1, ZERO, 1, 3, 16)},
    {2, 31, 17, true, CONV(4, 1, 1, ZERO, 1, 33, 1)},
    {1, 32, 32, true, CONV(4, 1, 1, ZERO, 1, 7, 16)},
    // Widths that change how a row is split among lanes, around paths for even and full rows.
    {1, 9, 48, true, CONV(3, 1, 1, REPLICATE, 1, 3, 7)},
    {1, 9, 24, true, CONV(3, 1, 1, REPLICATE, 1, 3, 7)},
    {1, 9, 30, true, CONV(3, 1, 1, REFLECT, 1, 7, 7)},
    {1, 9, 33, true, CONV(3, 1, 1, REFLECT, 1, 7, 7)},
    {1, 9, 34, true, CONV(3, 1, 1, ZERO, 1, 7, 7)},
    {1, 9, 96, true, CONV(5, 1, 2, REFLECT, 1, 3, 7)},
    {1, 9, 48, true, CONV(5, 1, 2, REPLICATE, 1, 3, 7)},
    {1, 9, 16, true, CONV(7, 1, 3, REPLICATE, 1, 3, 7)},
    {1, 12, 100, true, CONV(9, 1, 4, REFLECT, 1, 3, 8)},
    // Small pictures with many channels: the weights' gradient is a matrix product.
    {1, 14, 24, true, CONV(4, 2, 1, ZERO, 1, 33, 130)},
    {2, 7, 9, true, CONV(3, 1, 1, REFLECT, 2, 10, 140)},
    {1, 5, 13, true, CONV(4, 1, 1, ZERO, 1, 70, 64)},
    {2, 6, 7, false, CONV(3, 2, 1, REPLICATE, 1, 20, 33)},
    // Groups, channel multipliers, the filters of anti-aliased nets.
    {1, 17, 31, true, CONV(3, 1, 1, ZERO, 3, 21, 9)},
    {2, 17, 31, false, CONV(3, 1, 1, ZERO, 7, 7, 14)},
    {1, 17, 31, false, CONV(3, 2, 1, REFLECT, 16, 16, 16)},
    {1, 18, 32, false, CONV(3, 2, 1, REFLECT, 16, 16, 16)},
    // Many lines: more splits than one, the last of them shorter.
    {2, 131, 3, true, CONV(3, 1, 1, ZERO, 1, 1, 1)},
};

static const conv_case transposed_cases[] = {
    {1, 1, 1, true, CONV_T(3, 1, 1, 1, 1, 1)},       {1, 1, 1, true, CONV_T(3, 1, 0, 1, 3, 7)},
    {2, 3, 5, true, CONV_T(3, 1, 1, 1, 7, 3)},       {1, 24, 32, true, CONV_T(3, 1, 1, 1, 33, 16)},
    {1, 24, 32, false, CONV_T(3, 1, 1, 16, 16, 16)}, {2, 32, 32, true, CONV_T(4, 1, 0, 1, 16, 3)},
    {1, 26, 34, false, CONV_T(4, 2, 0, 7, 7, 7)},    {1, 17, 31, true, CONV_T(2, 0, 0, 1, 16, 7)},
    {1, 17, 31, true, CONV_T(5, 2, 1, 1, 3, 7)},     {1, 17, 31, true, CONV_T(1, 0, 0, 1, 3, 7)},
    {1, 9, 9, true, CONV_T(3, 0, 0, 1, 3, 7)},       {1, 9, 100, true, CONV_T(3, 1, 1, 1, 3, 7)},
    {1, 9, 13, true, CONV_T(7, 3, 1, 3, 9, 6)},
};

static void run_cases(const conv_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_FATAL(conv_case_possible(&cases[i]));
        CU_ASSERT(run_conv(&cases[i]));
    }
}

static void test_conv(void) {
    op_begin(OP_GRAD_MEMORY, 1);
    run_cases(conv_cases, sizeof conv_cases / sizeof *conv_cases);
    op_end();
}

static void test_transposed(void) {
    op_begin(OP_GRAD_MEMORY, 2);
    run_cases(transposed_cases, sizeof transposed_cases / sizeof *transposed_cases);
    op_end();
}

static void test_conv_random(void) {
    static const cgv_conv_params kernels[] = {
        CONV(1, 1, 0, ZERO, 1, 1, 1),    CONV(1, 2, 0, ZERO, 1, 1, 1),
        CONV(3, 1, 1, ZERO, 1, 1, 1),    CONV(3, 1, 1, REFLECT, 1, 1, 1),
        CONV(3, 1, 0, ZERO, 1, 1, 1),    CONV(3, 1, 2, ZERO, 1, 1, 1),
        CONV(3, 2, 1, ZERO, 1, 1, 1),    CONV(3, 2, 1, REPLICATE, 1, 1, 1),
        CONV(4, 2, 1, ZERO, 1, 1, 1),    CONV(4, 1, 2, REFLECT, 1, 1, 1),
        CONV(7, 2, 3, REFLECT, 1, 1, 1), CONV_T(2, 0, 0, 1, 1, 1),
        CONV_T(3, 1, 1, 1, 1, 1),        CONV_T(4, 1, 0, 1, 1, 1),
    };
    op_begin(OP_GRAD_MEMORY, 3);
    conv_case_run_random(kernels, sizeof kernels / sizeof *kernels, 60, 1e7, run_conv);
    op_end();
}

// ---- padding ----

typedef struct fold_run {
    ref_shape shape, padded;
    int pad;
    cgv_pad_mode mode;
    const float *dpadded;
    uint64_t dx_at;
} fold_run;

static void record_fold(void *opaque) {
    fold_run *r = opaque;
    uint64_t from = op_floats(GUARDED_INPUT, r->dpadded, ref_count(r->padded));
    r->dx_at = op_floats(GUARDED_OUTPUT, NULL, ref_count(r->shape));
    cgv_pad_fold(op_memory.cmd, op_tensor(r->dx_at, r->shape), op_tensor(from, r->padded), r->pad,
                 r->mode);
}

static bool run_fold(ref_shape s, int pad, cgv_pad_mode mode) {
    fold_run r = {s, {s.n, s.c, s.h + 2 * pad, s.w + 2 * pad}, pad, mode, NULL, 0};
    float *dpadded = op_random(ref_count(r.padded));
    double *wide = numbers_widen(dpadded, ref_count(r.padded));
    double *dx = numbers_allocate(ref_count(s), sizeof *dx);
    r.dpadded = dpadded;
    ref_pad_grad(dx, s, wide, pad, mode);
    bool right =
        guarded_run_twice(&op_memory, record_fold, &r) && op_gradient_is(r.dx_at, dx, ref_count(s));
    if (!right)
        printf("FAILED: fold of %dx%dx%dx%d, pad %d, mode %d\n", s.n, s.c, s.h, s.w, pad, mode);
    free(dpadded);
    free(wide);
    free(dx);
    return right;
}

static void test_fold(void) {
    op_begin(OP_GRAD_MEMORY, 4);
    for (int pad = 1; pad <= 4; pad++) {
        // The narrowest, where one element is repeated on both sides, and wider ones.
        CU_ASSERT(run_fold((ref_shape){1, 3, 1, 1}, pad, CGV_PAD_REPLICATE));
        CU_ASSERT(run_fold((ref_shape){2, 3, 2, 9}, pad, CGV_PAD_REPLICATE));
        CU_ASSERT(run_fold((ref_shape){2, 7, 17, 31}, pad, CGV_PAD_REPLICATE));
        CU_ASSERT(run_fold((ref_shape){1, 3, pad + 1, pad + 1}, pad, CGV_PAD_REFLECT));
        CU_ASSERT(run_fold((ref_shape){2, 3, pad + 1, 2 * pad + 1}, pad, CGV_PAD_REFLECT));
        CU_ASSERT(run_fold((ref_shape){2, 7, 17, 31}, pad, CGV_PAD_REFLECT));
    }
    op_end();
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"conv: chosen cases", test_conv},
        {"transposed conv: chosen cases", test_transposed},
        {"both: random cases", test_conv_random},
        {"padding", test_fold},
        {0},
    };
    return cgv_test_run("gradients of convolutions", cases);
}
