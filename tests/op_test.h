// What the tests of single operations share: guarded memory, random numbers, and the convolutions
// that they try.
#ifndef CGV_TESTS_OP_TEST_H
#define CGV_TESTS_OP_TEST_H

#include "base/rng.h"
#include "guarded.h"
#include "ops/ops.h"
#include "reference.h"

#define OP_SEED 20170330u

extern guarded op_memory; // where a case adds its tensors and records
extern cgv_rng op_rng;

// Begin a test with fresh memory, and random numbers from this stream of OP_SEED; end it.
void op_begin(uint64_t bytes, uint64_t stream);
void op_end(void);
#define OP_MEMORY      (96u << 20)
#define OP_GRAD_MEMORY (32u << 20)

float *op_random(size_t count); // normally distributed; free() them
uint64_t op_floats(guarded_use use, const float *data, size_t count);
uint64_t op_scratch(uint64_t bytes);
cgv_tensor op_tensor(uint64_t address, ref_shape shape);

// Of a test that is called with `narrow`: 0 where the device has the subgroups of 4 lanes that it
// is for, else what the test's program returns, once it is said.
int op_check_narrow(void);

// Whether the last run left this gradient at the address (numbers_close, within 2e-5).
bool op_gradient_is(uint64_t address, const double *expected, size_t count);

typedef struct conv_case {
    int n, h, w;
    bool bias;
    cgv_conv_params p;
} conv_case;

// Of its params: kernel, stride, padding and its mode, groups, channels in and out, what differs.
#define CONV(k, s, p_, mode, g, ci, co, ...)                                                       \
    {                                                                                              \
        .cin = (ci), .cout = (co), .kernel = (k), .stride = (s), .pad = (p_), .groups = (g),       \
        .pad_mode = CGV_PAD_##mode, .slope = 0.2f, __VA_ARGS__                                     \
    }
#define ACT(a) .activation = CGV_ACT_##a

void conv_case_print(const conv_case *c); // as one that failed

size_t conv_case_weights(const conv_case *c); // their number
ref_shape conv_case_input(const conv_case *c);
ref_shape conv_case_output(const conv_case *c);
// What the reference makes of these; free() it.
double *conv_case_expected(const conv_case *c, const float *x, const float *weights,
                           const float *bias);

// Whether the operation is defined: reflection needs a side larger than the padding.
bool conv_case_possible(const conv_case *c);

// Channels, groups, size and batch by chance for `kernels`, one of them a case. Runs `cases` of
// those that are defined and take at most `multiply_adds`; every one must be right.
void conv_case_run_random(const cgv_conv_params *kernels, size_t count, int cases,
                          double multiply_adds, bool (*run)(const conv_case *c));

#endif
