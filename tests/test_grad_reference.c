// The gradients that the device is held against (reference_grad.c) against central differences of
// the references themselves, all in double precision. No device is needed.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "reference_grad.h"
#include "support.h"

#define STEP      1e-5
#define TOLERANCE 1e-8

static cgv_rng rng;

// Something that turns its variables into outputs.
typedef struct function {
    void (*apply)(double *y, const void *opaque);
    const void *opaque;
    const double *dy; // the outputs are projected on it: gradients are those of the sum of dy * y
    size_t outputs;
} function;

static double *random_doubles(size_t count) {
    double *data = numbers_allocate(count, sizeof *data);
    for (size_t i = 0; i < count; i++)
        data[i] = cgv_rng_normal(&rng);
    return data;
}

static double projected(const function *f, double *y) {
    double sum = 0;
    f->apply(y, f->opaque);
    for (size_t i = 0; i < f->outputs; i++)
        sum += f->dy[i] * y[i];
    return sum;
}

// Whether `gradient` is that of the function at `variables`, which are what apply reads.
static bool differences_agree(const function *f, double *variables, size_t count,
                              const double *gradient) {
    double *y = numbers_allocate(f->outputs, sizeof *y), error = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        double middle = variables[i];
        variables[i] = middle + STEP;
        double above = projected(f, y);
        variables[i] = middle - STEP;
        double difference = (above - projected(f, y)) / (2 * STEP) - gradient[i];
        variables[i] = middle;
        error += difference * difference;
        norm += gradient[i] * gradient[i];
    }
    free(y);
    if (sqrt(error) <= TOLERANCE * (1 + sqrt(norm)))
        return true;
    printf("off by %.3g, the gradient is %.3g\n", sqrt(error), sqrt(norm));
    return false;
}

// ---- convolution ----

typedef struct conv_case {
    ref_shape in;
    cgv_conv_params p;
    double *x, *weights, *bias;
} conv_case;

static void apply_conv(double *y, const void *opaque) {
    const conv_case *c = opaque;
    ref_conv(y, c->x, c->in, c->weights, c->bias, &c->p);
}

static void check_conv(conv_case c) {
    const cgv_conv_params *p = &c.p;
    c.in.c = p->cin;
    size_t in = ref_count(c.in), out = ref_count(ref_conv_shape(c.in, p)), cout = (size_t)p->cout;
    size_t weights = cout * (size_t)(p->cin / p->groups * p->kernel * p->kernel);
    c.x = random_doubles(in);
    c.weights = random_doubles(weights);
    c.bias = random_doubles(cout);
    double *dy = random_doubles(out), *dx = random_doubles(in);
    double *dw = random_doubles(weights), *db = random_doubles(cout);
    ref_conv_grad(dx, dw, db, dy, c.x, c.in, c.weights, p);
    function f = {apply_conv, &c, dy, out};
    bool right = differences_agree(&f, c.x, in, dx) &&
                 differences_agree(&f, c.weights, weights, dw) &&
                 differences_agree(&f, c.bias, cout, db);
    if (!right)
        printf("FAILED: kernel %d, stride %d, pad %d (mode %d), groups %d, transposed %d\n",
               p->kernel, p->stride, p->pad, p->pad_mode, p->groups, p->transposed);
    CU_ASSERT(right);
    free(c.x);
    free(c.weights);
    free(c.bias);
    free(dy);
    free(dx);
    free(dw);
    free(db);
}

static void test_conv(void) {
    cgv_rng_seed(&rng, 20170330, 1);
    for (int mode = CGV_PAD_ZERO; mode <= CGV_PAD_REPLICATE; mode++)
        for (int stride = 1; stride <= 2; stride++)
            for (int kernel = 1; kernel <= 4; kernel++)
                check_conv((conv_case){.in = {.n = 2, .h = 5, .w = 4},
                                       .p = {.cin = 4,
                                             .cout = 6,
                                             .kernel = kernel,
                                             .stride = stride,
                                             .pad = kernel / 2,
                                             .groups = kernel % 2 ? 1 : 2,
                                             .pad_mode = (cgv_pad_mode)mode}});
}

static void test_transposed(void) {
    cgv_rng_seed(&rng, 20170330, 2);
    for (int kernel = 1; kernel <= 4; kernel++)
        for (int output_pad = 0; output_pad <= 1; output_pad++)
            check_conv((conv_case){.in = {.n = 2, .h = 3, .w = 4},
                                   .p = {.cin = 4,
                                         .cout = 6,
                                         .kernel = kernel,
                                         .stride = 2,
                                         .pad = kernel / 3,
                                         .output_pad = output_pad,
                                         .groups = kernel % 2 ? 1 : 2,
                                         .transposed = true}});
}

// Padding is a depthwise convolution with one weight, which is 1.
static void test_pad(void) {
    cgv_rng_seed(&rng, 20170330, 3);
    double ones[2] = {1, 1}, zeros[2] = {0};
    for (int mode = CGV_PAD_ZERO; mode <= CGV_PAD_REPLICATE; mode++)
        for (int pad = 0; pad <= 3; pad++) {
            conv_case c = {.in = {2, 2, 4, 5},
                           .p = {.cin = 2,
                                 .cout = 2,
                                 .kernel = 1,
                                 .stride = 1,
                                 .pad = pad,
                                 .groups = 2,
                                 .pad_mode = (cgv_pad_mode)mode},
                           .weights = ones,
                           .bias = zeros};
            size_t in = ref_count(c.in), out = ref_count(ref_conv_shape(c.in, &c.p));
            double *dy = random_doubles(out), *dx = random_doubles(in);
            c.x = random_doubles(in);
            ref_pad_grad(dx, c.in, dy, pad, c.p.pad_mode);
            CU_ASSERT(differences_agree(&(function){apply_conv, &c, dy, out}, c.x, in, dx));
            free(c.x);
            free(dy);
            free(dx);
        }
}

// ---- instance norm and activations ----

typedef struct norm_case {
    ref_shape shape;
    ref_norm_params p;
    const double *x;
} norm_case;

static void apply_norm(double *y, const void *opaque) {
    const norm_case *c = opaque;
    double stats[2 * 2 * 3];
    ref_instance_stats(stats, c->x, c->shape, 1e-2);
    ref_instance_norm(y, c->x, c->shape, stats, &c->p);
}

static void check_norm(cgv_activation activation, bool affine) {
    ref_shape shape = {2, 3, 3, 5};
    size_t count = ref_count(shape);
    double *x = random_doubles(count), *dy = random_doubles(count), *dx = random_doubles(count);
    double *scale = random_doubles(3), *shift = random_doubles(3), dscale[3], dshift[3];
    norm_case c = {shape, {affine ? scale : NULL, affine ? shift : NULL, NULL, activation, 0.2}, x};
    ref_instance_norm_grad(dx, dscale, dshift, dy, x, shape, 1e-2, &c.p);
    function f = {apply_norm, &c, dy, count};
    CU_ASSERT(differences_agree(&f, x, count, dx));
    if (affine) {
        CU_ASSERT(differences_agree(&f, scale, 3, dscale));
        CU_ASSERT(differences_agree(&f, shift, 3, dshift));
    }
    free(x);
    free(dy);
    free(dx);
    free(scale);
    free(shift);
}

static void test_norm(void) {
    cgv_rng_seed(&rng, 20170330, 4);
    for (int activation = CGV_ACT_NONE; activation <= CGV_ACT_SIGMOID; activation++) {
        check_norm((cgv_activation)activation, false);
        check_norm((cgv_activation)activation, true);
    }
}

static void test_activations(void) {
    cgv_rng_seed(&rng, 20170330, 5);
    for (int a = CGV_ACT_NONE; a <= CGV_ACT_SIGMOID; a++)
        for (int i = 0; i < 100; i++) {
            double x = 3 * cgv_rng_normal(&rng);
            double difference = ref_activate(x + STEP, (cgv_activation)a, 0.2) -
                                ref_activate(x - STEP, (cgv_activation)a, 0.2);
            CU_ASSERT_DOUBLE_EQUAL(ref_activate_slope(x, (cgv_activation)a, 0.2),
                                   difference / (2 * STEP), TOLERANCE);
        }
    // Where there is no derivative, PyTorch's: that of the left side.
    CU_ASSERT_EQUAL(ref_activate_slope(0, CGV_ACT_RELU, 0), 0);
    CU_ASSERT_EQUAL(ref_activate_slope(0, CGV_ACT_LEAKY_RELU, 0.2), 0.2);
}

// ---- resampling ----

typedef struct upsample_case {
    ref_shape shape;
    int factor;
    cgv_upsample_mode mode;
    const double *x;
} upsample_case;

static void apply_upsample(double *y, const void *opaque) {
    const upsample_case *c = opaque;
    ref_upsample(y, c->x, c->shape, c->factor, c->mode);
}

static void test_upsample(void) {
    cgv_rng_seed(&rng, 20170330, 6);
    for (int i = 0; i < 2 * 4; i++) {
        upsample_case c = {{2, 2, 3, 4}, 1 + i / 2, (cgv_upsample_mode)(i % 2), NULL};
        size_t in = ref_count(c.shape), out = in * (size_t)(c.factor * c.factor);
        double *x = random_doubles(in), *dx = random_doubles(in), *dy = random_doubles(out);
        c.x = x;
        ref_upsample_grad(dx, dy, c.shape, c.factor, c.mode);
        CU_ASSERT(differences_agree(&(function){apply_upsample, &c, dy, out}, x, in, dx));
        free(x);
        free(dx);
        free(dy);
    }
}

// ---- losses ----

static void test_losses(void) {
    cgv_rng_seed(&rng, 20170330, 7);
    for (int kind = CGV_LOSS_SQUARED; kind <= CGV_LOSS_L1; kind++)
        for (int i = 0; i < 200; i++) {
            cgv_loss_kind k = (cgv_loss_kind)kind;
            double x = 2 * cgv_rng_normal(&rng), other = cgv_rng_normal(&rng);
            double target = i % 2 ? 1 : kind >= CGV_LOSS_HINGE ? -1 : 0;
            double difference = ref_loss_term(k, x + STEP, target, other).value -
                                ref_loss_term(k, x - STEP, target, other).value;
            CU_ASSERT_DOUBLE_EQUAL(ref_loss_term(k, x, target, other).slope,
                                   difference / (2 * STEP), TOLERANCE);
        }
    // Points of the definitions.
    CU_ASSERT_DOUBLE_EQUAL(ref_loss_term(CGV_LOSS_SQUARED, 3, 1, 0).value, 4, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(ref_loss_term(CGV_LOSS_BCE, 0, 1, 0).value, log(2), 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(ref_loss_term(CGV_LOSS_BCE, 9, 0, 0).value, 9 + log1p(exp(-9)), 1e-14);
    CU_ASSERT_DOUBLE_EQUAL(ref_loss_term(CGV_LOSS_HINGE, 0.25, -1, 0).value, 1.25, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(ref_loss_term(CGV_LOSS_HINGE, 1.25, 1, 0).value, 0, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(ref_loss_term(CGV_LOSS_LINEAR, 0.25, 1, 0).value, -0.25, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(ref_loss_term(CGV_LOSS_L1, 0.25, 0, 1).value, 0.75, 1e-15);
}

// Its first step is the learning rate against the gradient's sign, whatever the gradient; under a
// constant gradient so is every step.
static void test_adam(void) {
    ref_adam_state state = {.value = 3, .average = 3};
    for (int t = 1; t <= 20; t++) {
        ref_adam(&state, -7, t, 0.25, 0.5, 0.999, 0, 0.5);
        CU_ASSERT_DOUBLE_EQUAL(state.value, 3 + 0.25 * t, 1e-12);
    }
    // It lags behind by half of the lag before plus half a step: 0.25 in the end.
    CU_ASSERT_DOUBLE_EQUAL(state.average, 8 - 0.25 * (1 - pow(0.5, 20)), 1e-12);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"convolution", test_conv},
        {"transposed convolution", test_transposed},
        {"padding", test_pad},
        {"instance norm", test_norm},
        {"activations", test_activations},
        {"upsampling", test_upsample},
        {"losses", test_losses},
        {"Adam", test_adam},
        {0},
    };
    return cgv_test_run("gradients of the references", cases);
}
