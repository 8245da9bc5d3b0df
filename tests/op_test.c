#include "op_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "support.h"

guarded op_memory;
cgv_rng op_rng;

void op_begin(uint64_t bytes, uint64_t stream) {
    guarded_destroy(&op_memory); // of a test that broke off
    CU_ASSERT_EQUAL_FATAL(guarded_create(&op_memory, cgv_test_device(), bytes), CGV_OK);
    cgv_rng_seed(&op_rng, OP_SEED, stream);
}

void op_end(void) {
    guarded_destroy(&op_memory);
}

float *op_random(size_t count) {
    return numbers_random(&op_rng, count, 0, 1);
}

uint64_t op_floats(guarded_use use, const float *data, size_t count) {
    return guarded_add(&op_memory, use, data, count * sizeof *data);
}

uint64_t op_scratch(uint64_t bytes) {
    return guarded_add(&op_memory, GUARDED_SCRATCH, NULL, bytes);
}

cgv_tensor op_tensor(uint64_t address, ref_shape s) {
    return (cgv_tensor){address, s.n, s.c, s.h, s.w};
}

bool op_gradient_is(uint64_t address, const double *expected, size_t count) {
    return numbers_close(guarded_result(&op_memory, address), expected, count, 2e-5);
}

void conv_case_print(const conv_case *c) {
    const cgv_conv_params *p = &c->p;
    const char *kind = p->transposed                            ? "transposed conv"
                       : p->choice.kernel == CGV_CONV_WINOGRAD  ? "Winograd conv"
                       : p->choice.kernel == CGV_CONV_DEPTHWISE ? "depthwise conv"
                                                                : "conv";
    printf("FAILED: %s n %d, %dx%d, cin %d, cout %d, kernel %d, stride %d, pad %d (mode %d), "
           "output_pad %d, groups %d, activation %d, bias %d\n",
           kind, c->n, c->w, c->h, p->cin, p->cout, p->kernel, p->stride, p->pad, p->pad_mode,
           p->output_pad, p->groups, p->activation, c->bias);
}

size_t conv_case_weights(const conv_case *c) {
    return (size_t)c->p.cout * (size_t)(c->p.cin / c->p.groups) *
           (size_t)(c->p.kernel * c->p.kernel);
}

ref_shape conv_case_input(const conv_case *c) {
    return (ref_shape){c->n, c->p.cin, c->h, c->w};
}

ref_shape conv_case_output(const conv_case *c) {
    return ref_conv_shape(conv_case_input(c), &c->p);
}

double *conv_case_expected(const conv_case *c, const float *x, const float *weights,
                           const float *bias) {
    ref_shape in = conv_case_input(c);
    double *y = numbers_allocate(ref_count(conv_case_output(c)), sizeof *y);
    double *wide_x = numbers_widen(x, ref_count(in));
    double *wide_weights = numbers_widen(weights, conv_case_weights(c));
    double *wide_bias = numbers_widen(bias, (size_t)c->p.cout);
    ref_conv(y, wide_x, in, wide_weights, c->bias ? wide_bias : NULL, &c->p);
    free(wide_x);
    free(wide_weights);
    free(wide_bias);
    return y;
}

bool conv_case_possible(const conv_case *c) {
    ref_shape out = conv_case_output(c);
    int side = c->h < c->w ? c->h : c->w;
    return out.h >= 1 && out.w >= 1 && (c->p.pad_mode != CGV_PAD_REFLECT || side > c->p.pad);
}

static double multiply_adds(const conv_case *c) {
    double taps = c->p.kernel * c->p.kernel;
    return (double)ref_count(conv_case_output(c)) * taps * c->p.cin / c->p.groups;
}

#define PICK(array) ((array)[cgv_rng_below(&op_rng, sizeof(array) / sizeof *(array))])

static conv_case random_case(const cgv_conv_params *kernels, size_t count) {
    static const int channel_choice[] = {1, 3, 7, 16, 33};
    static const int size_choice[][2] = {{1, 1},   {3, 5},   {17, 31}, {8, 8},
                                         {12, 20}, {16, 64}, {48, 64}};
    conv_case c = {.p = kernels[cgv_rng_below(&op_rng, (uint32_t)count)]};
    const int *size = PICK(size_choice);
    c.n = 1 + (int)cgv_rng_below(&op_rng, 2);
    c.h = size[0];
    c.w = size[1];
    c.bias = cgv_rng_below(&op_rng, 2);
    c.p.cin = PICK(channel_choice);
    c.p.cout = PICK(channel_choice);
    c.p.groups = 1;
    switch (cgv_rng_below(&op_rng, 4)) {
    case 0: // depthwise
        c.p.groups = c.p.cin;
        c.p.cout = c.p.cin * (1 + (int)cgv_rng_below(&op_rng, 2));
        break;
    case 1: // a few groups
        c.p.groups = 2 + (int)cgv_rng_below(&op_rng, 3);
        c.p.cin *= c.p.groups;
        c.p.cout *= c.p.groups;
        break;
    }
    return c;
}

void conv_case_run_random(const cgv_conv_params *kernels, size_t count, int cases, double most,
                          bool (*run)(const conv_case *c)) {
    int ran = 0, undefined = 0, large = 0;
    while (ran < cases) {
        conv_case c = random_case(kernels, count);
        if (!conv_case_possible(&c)) {
            undefined++;
        } else if (multiply_adds(&c) > most) {
            large++;
        } else {
            ran++;
            CU_ASSERT(run(&c));
        }
    }
    printf("seed %u: %d cases; passed over %d that are not defined, %d too large ", OP_SEED, ran,
           undefined, large);
}

// As tests/CMakeLists.txt has it for `narrow`: 4 lanes, or another device than lavapipe.
int op_check_narrow(void) {
    const cgv_device_info *info = cgv_device_get_info(cgv_test_device());
    if (info->subgroup == 4)
        return 0;
    bool ours = info->type == CGV_DEVICE_CPU;
    printf("%s: subgroups of %u lanes, not 4\n", ours ? "FAILED" : "SKIPPED", info->subgroup);
    return ours ? 1 : CGV_TEST_SKIP;
}
