// A network on a smaller picture: the operations that carry its change to the full one, and the
// filter that uses them.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "model/model.h"
#include "nn/arch.h"
#include "numbers.h"
#include "op_test.h"
#include "pictures.h"
#include "support.h"

static cgv_rng rng;

static void use_memory(guarded *memory, uint64_t stream) {
    CU_ASSERT_EQUAL_FATAL(guarded_create(memory, cgv_test_device(), 8u << 20), CGV_OK);
    cgv_rng_seed(&rng, 7, stream);
}

// ---- the operations ----

enum { RADIUS = 2 };
static const double epsilon = 1e-2;

// Least squares with `epsilon` per element on the distance of the slope from 1.
static void ref_fit(double *slope, double *offset, const double *y, const double *x, ref_shape s,
                    int plane, int cy, int cx) {
    double n = 0, mx = 0, my = 0, variance = 0, covariance = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = cy - RADIUS; i <= cy + RADIUS; i++)
            for (int j = cx - RADIUS; j <= cx + RADIUS; j++) {
                if (i < 0 || j < 0 || i >= s.h || j >= s.w)
                    continue;
                size_t at = ((size_t)plane * (size_t)s.h + (size_t)i) * (size_t)s.w + (size_t)j;
                if (!pass) {
                    n++;
                    mx += x[at];
                    my += y[at];
                    continue;
                }
                variance += (x[at] - mx / n) * (x[at] - mx / n) / n;
                covariance += (x[at] - mx / n) * (y[at] - my / n) / n;
            }
    *slope = (covariance + epsilon) / (variance + epsilon);
    size_t own = ((size_t)plane * (size_t)s.h + (size_t)cy) * (size_t)s.w + (size_t)cx;
    *offset = y[own] - *slope * x[own];
}

static bool run_fit(guarded *memory, ref_shape s) {
    ref_shape twice = {s.n, 2 * s.c, s.h, s.w};
    size_t count = ref_count(s), picture = (size_t)(s.c * s.h * s.w);
    float *x = numbers_random(&rng, count, 0.3f, 0.4f), *y = numbers_random(&rng, count, 0, 0.5f);
    double *wide_x = numbers_widen(x, count), *wide_y = numbers_widen(y, count);
    double *expected = numbers_allocate(2 * count, sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        size_t plane = i / (size_t)(s.h * s.w), pixel = i % (size_t)(s.h * s.w);
        size_t gain = i + i / picture * picture;
        double slope;
        ref_fit(&slope, &expected[gain + picture], wide_y, wide_x, s, (int)plane, (int)pixel / s.w,
                (int)pixel % s.w);
        expected[gain] = slope - 1;
    }
    guarded_begin(memory);
    uint64_t x_at = guarded_add(memory, GUARDED_INPUT, x, count * sizeof *x);
    uint64_t y_at = guarded_add(memory, GUARDED_INPUT, y, count * sizeof *y);
    uint64_t to = guarded_add(memory, GUARDED_OUTPUT, NULL, 2 * count * sizeof *x);
    cgv_affine_fit(memory->cmd, op_tensor(to, twice), op_tensor(y_at, s), op_tensor(x_at, s),
                   RADIUS, (float)epsilon);
    bool right =
        guarded_run(memory) && numbers_close(guarded_result(memory, to), expected, 2 * count, 1e-4);
    if (!right)
        printf("FAILED: fit at %dx%dx%dx%d\n", s.n, s.c, s.h, s.w);
    free(x);
    free(y);
    free(wide_x);
    free(wide_y);
    free(expected);
    return right;
}

static void test_fit(void) {
    static guarded memory;
    use_memory(&memory, 2);
    CU_ASSERT(run_fit(&memory, (ref_shape){1, 3, 7, 9}));
    CU_ASSERT(run_fit(&memory, (ref_shape){2, 3, 16, 8}));
    CU_ASSERT(run_fit(&memory, (ref_shape){1, 1, 2, 33}));
    guarded_destroy(&memory);
}

typedef struct carry_case {
    ref_shape full, small;
    double sigma;
    cgv_activation activation;
    bool in_place;
} carry_case;

// Position of a full element's centre among the centres of the small ones.
static double small_position(int i, int size, int small) {
    return fmin(fmax((i + 0.5) * small / size - 0.5, 0), small - 1);
}

static void ref_carry(double *y, const double *x, const double *coefficients, const double *small,
                      const carry_case *c) {
    ref_shape six = {1, 6, c->small.h, c->small.w};
    for (int iy = 0; iy < c->full.h; iy++)
        for (int ix = 0; ix < c->full.w; ix++) {
            double py = small_position(iy, c->full.h, c->small.h);
            double px = small_position(ix, c->full.w, c->small.w), total = 0, mean[6] = {0};
            for (int sy = 0; sy < c->small.h; sy++)
                for (int sx = 0; sx < c->small.w; sx++) {
                    double weight = fmax(0, 1 - fabs(py - sy)) * fmax(0, 1 - fabs(px - sx));
                    double distance = 0;
                    for (int k = 0; k < 3; k++)
                        distance += pow(x[ref_at(c->full, 0, k, iy, ix)] -
                                            small[ref_at(c->small, 0, k, sy, sx)],
                                        2);
                    weight *= exp(-distance / (2 * c->sigma * c->sigma)) + 1e-3;
                    total += weight;
                    for (int k = 0; k < 6; k++)
                        mean[k] += weight * coefficients[ref_at(six, 0, k, sy, sx)];
                }
            for (int k = 0; k < 3; k++) {
                size_t i = ref_at(c->full, 0, k, iy, ix);
                y[i] = ref_activate(x[i] * (1 + mean[k] / total) + mean[3 + k] / total,
                                    c->activation, 0);
            }
        }
}

static bool run_carry(guarded *memory, const carry_case *c) {
    ref_shape six = {1, 6, c->small.h, c->small.w};
    size_t full = ref_count(c->full), small = ref_count(c->small);
    float *data[] = {numbers_random(&rng, full, 0, 0.4f), numbers_random(&rng, small, 0, 0.4f),
                     numbers_random(&rng, 2 * small, 0, 0.5f)};
    double *wide[] = {numbers_widen(data[0], full), numbers_widen(data[1], small),
                      numbers_widen(data[2], 2 * small)};
    double *expected = numbers_allocate(full, sizeof *expected);
    ref_carry(expected, wide[0], wide[2], wide[1], c);
    guarded_begin(memory);
    uint64_t x = guarded_add(memory, c->in_place ? GUARDED_OUTPUT : GUARDED_INPUT, data[0],
                             full * sizeof(float));
    uint64_t small_at = guarded_add(memory, GUARDED_INPUT, data[1], small * sizeof(float));
    uint64_t of = guarded_add(memory, GUARDED_INPUT, data[2], 2 * small * sizeof(float));
    uint64_t y = c->in_place ? x : guarded_add(memory, GUARDED_OUTPUT, NULL, full * sizeof(float));
    cgv_affine_carry(memory->cmd, op_tensor(y, c->full), op_tensor(x, c->full), op_tensor(of, six),
                     op_tensor(small_at, c->small), (float)c->sigma, c->activation);
    bool right =
        guarded_run(memory) && numbers_close(guarded_result(memory, y), expected, full, 1e-4);
    if (!right)
        printf("FAILED: carry from %dx%d to %dx%d\n", c->small.w, c->small.h, c->full.w, c->full.h);
    for (int i = 0; i < 3; i++) {
        free(data[i]);
        free(wide[i]);
    }
    free(expected);
    return right;
}

static void test_carry(void) {
    static const carry_case cases[] = {
        {{1, 3, 16, 24}, {1, 3, 4, 8}, 0.3, CGV_ACT_TANH, false},
        {{1, 3, 17, 31}, {1, 3, 8, 16}, 0.2, CGV_ACT_NONE, true},
        {{1, 3, 33, 19}, {1, 3, 1, 1}, 0.5, CGV_ACT_TANH, true},
        {{1, 3, 9, 40}, {1, 3, 9, 40}, 0.1, CGV_ACT_NONE, false},
        {{1, 3, 70, 41}, {1, 3, 24, 12}, 1, CGV_ACT_TANH, false},
    };
    static guarded memory;
    use_memory(&memory, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT(run_carry(&memory, &cases[i]));
    guarded_destroy(&memory);
}

// ---- the filter ----

// A few smooth waves and an edge: what both sizes can show.
static void draw(test_picture *picture, int width, int height) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                double u = (x + 0.5) / width, v = (y + 0.5) / height;
                double value = 120 + 60 * sin(5 * u + c) * cos(4 * v - c) + (u + v > 1 ? 50 : 0);
                picture->view.data[0][y * picture->view.stride[0] + 3 * x + c] = (uint8_t)value;
            }
}

static test_picture translate(const cgv_model *model, const test_picture *in, int width, int height,
                              float strength, int net_height) {
    cgv_picture_format format = cgv_picture_format_rgb24(width, height);
    test_picture out = picture_create(&format, PICTURE_TIGHT);
    cgv_translator *translator;
    cgv_translator_params params = {.strength = strength, .slots = 1, .net_height = net_height};
    CU_ASSERT_EQUAL_FATAL(
        cgv_translator_create(&translator, cgv_test_device(), model, &format, &format, &params),
        CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(translator, &in->view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out.view), CGV_OK);
    cgv_translator_destroy(&translator);
    return out;
}

static double mean_square(const test_picture *a, const test_picture *b, int bytes, int *largest) {
    double sum = 0;
    *largest = 0;
    for (int i = 0; i < bytes; i++) {
        int difference = abs(a->view.data[0][i] - b->view.data[0][i]);
        sum += difference * difference;
        *largest = difference > *largest ? difference : *largest;
    }
    return sum / bytes;
}

static cgv_model *random_model(const char *name) {
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, cgv_test_net(name, 4, 0), "test"), CGV_OK);
    cgv_arch_init(model->net, model->params, 5);
    return model;
}

// A change that does nothing does nothing at full size, down to the last bit of noise.
static void test_identity(void) {
    enum { W = 61, H = 47, BYTES = 3 * W * H };
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, "identity"), CGV_OK);
    cgv_picture_format format = cgv_picture_format_rgb24(W, H);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    cgv_rng_seed(&rng, 7, 4);
    for (int i = 0; i < BYTES; i++)
        in.view.data[0][i] = (uint8_t)cgv_rng_below(&rng, 256);
    test_picture out = translate(model, &in, W, H, 1, 20);
    int largest;
    mean_square(&in, &out, BYTES, &largest);
    CU_ASSERT(largest <= 1);
    picture_destroy(&in);
    picture_destroy(&out);
    cgv_model_destroy(&model);
}

// What comes out, scaled down, is what the network made of the picture scaled down.
static void check_change(const char *name, double decibels) {
    enum { W = 192, H = 128, SMALL_W = 48, SMALL_H = 32, BYTES = 3 * SMALL_W * SMALL_H };
    cgv_model *model = random_model(name);
    // The last bias shifts the colours: there is a change to carry.
    const cgv_node *nodes = model->net->nodes;
    int last = model->net->node_count - 1;
    while (nodes[last].bias < 0)
        last--;
    for (int c = 0; c < nodes[last].channels; c++)
        model->params[model->net->params[nodes[last].bias].offset + (size_t)c] =
            0.2f * (float)(c % 6 - 2);
    cgv_picture_format format = cgv_picture_format_rgb24(W, H);
    cgv_picture_format small_format = cgv_picture_format_rgb24(SMALL_W, SMALL_H);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    test_picture small = picture_create(&small_format, PICTURE_TIGHT);
    draw(&in, W, H);
    draw(&small, SMALL_W, SMALL_H);
    test_picture expected = translate(model, &small, SMALL_W, SMALL_H, 1, 0);
    test_picture full = translate(model, &in, W, H, 1, SMALL_H);
    test_picture shrunk = picture_create(&small_format, PICTURE_TIGHT);
    for (int y = 0; y < SMALL_H; y++)
        for (int i = 0; i < 3 * SMALL_W; i++) {
            int sum = 0;
            for (int k = 0; k < 16; k++)
                sum += full.view.data[0][(4 * y + k / 4) * full.view.stride[0] +
                                         3 * (4 * (i / 3) + k % 4) + i % 3];
            shrunk.view.data[0][y * shrunk.view.stride[0] + i] = (uint8_t)((sum + 8) / 16);
        }
    int largest;
    double error = mean_square(&shrunk, &expected, BYTES, &largest);
    double changed = mean_square(&small, &expected, BYTES, &largest);
    // Where the network changes little, nothing carried would also come near.
    bool right = error < 255.0 * 255 / pow(10, decibels / 10) && changed > 20 * error;
    CU_ASSERT(right);
    if (!right)
        printf("FAILED: %s: mean square error %g, change %g\n", name, error, changed);

    // At its own height and above the network runs on the picture itself.
    test_picture own = translate(model, &small, SMALL_W, SMALL_H, 1, SMALL_H);
    CU_ASSERT_EQUAL(mean_square(&own, &expected, BYTES, &largest), 0);
    // Half of the change at half strength.
    test_picture half = translate(model, &in, W, H, 0.5f, SMALL_H);
    int wrong = 0;
    for (int i = 0; i < 3 * W * H; i++)
        wrong += abs(2 * half.view.data[0][i] - in.view.data[0][i] - full.view.data[0][i]) > 3;
    CU_ASSERT_EQUAL(wrong, 0);
    test_picture *all[] = {&in, &small, &expected, &full, &shrunk, &own, &half};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        picture_destroy(all[i]);
    cgv_model_destroy(&model);
}

static void test_change(void) {
    check_change("resnet_1blocks_resize_affine", 35);
    // Interpolated along edges, where the net does it linearly.
    check_change("resnet_1blocks_resize_affine2", 31);
    check_change("resnet_1blocks_grid", 35);
    // Textures of random weights: no colour model has all of them.
    check_change("resnet_1blocks_resize", 30);
}

static bool same(const test_picture *a, const test_picture *b, int bytes) {
    return !memcmp(a->view.data[0], b->view.data[0], (size_t)bytes);
}

// A picture that its network does not divide into whole parts is never scaled down.
static void test_small_picture(void) {
    enum { W = 48, H = 40, BYTES = 3 * W * H };
    cgv_picture_format format = cgv_picture_format_rgb24(W, H);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    draw(&in, W, H);
    cgv_model *model = random_model("unet_64");
    test_picture full = translate(model, &in, W, H, 1, 0);
    test_picture wanted = translate(model, &in, W, H, 1, 20);
    CU_ASSERT(same(&full, &wanted, BYTES));
    picture_destroy(&in);
    picture_destroy(&full);
    picture_destroy(&wanted);
    cgv_model_destroy(&model);
}

// Where nobody says a height, a model with an affine head or a grid that knows its training size
// runs at as many pixels as that, and any other on the full picture.
static void test_height_of_the_model(void) {
    enum { W = 128, H = 64, BYTES = 3 * W * H };
    cgv_picture_format format = cgv_picture_format_rgb24(W, H);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    draw(&in, W, H);
    static const char *const names[] = {"resnet_1blocks_resize", "resnet_1blocks_affine2",
                                        "resnet_1blocks_grid"};
    for (int i = 0; i < 3; i++) {
        bool head = i > 0;
        cgv_model *model = random_model(names[i]);
        test_picture full = translate(model, &in, W, H, 1, H);
        test_picture small = translate(model, &in, W, H, 1, 32);
        test_picture unknown = translate(model, &in, W, H, 1, 0);
        model->info.train_width = 32; // 2048 pixels in the shape of the picture: 64x32
        model->info.train_height = 64;
        test_picture known = translate(model, &in, W, H, 1, 0);
        CU_ASSERT(!same(&full, &small, BYTES));
        CU_ASSERT(same(&unknown, &full, BYTES));
        CU_ASSERT(same(&known, head ? &small : &full, BYTES));
        test_picture *all[] = {&full, &small, &unknown, &known};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            picture_destroy(all[k]);
        cgv_model_destroy(&model);
    }
    picture_destroy(&in);
}

// Sides that hardly hold the net's multiple.
static void test_narrow(void) {
    enum { W = 17, H = 300 };
    cgv_model *model = random_model("resnet_1blocks_3downs_resize_affine");
    cgv_picture_format format = cgv_picture_format_rgb24(W, H);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    draw(&in, W, H);
    test_picture out = translate(model, &in, W, H, 1, 5),
                 again = translate(model, &in, W, H, 1, 299);
    CU_ASSERT(!same(&in, &out, 3 * W * H) && !same(&in, &again, 3 * W * H));
    picture_destroy(&in);
    picture_destroy(&out);
    picture_destroy(&again);
    cgv_model_destroy(&model);
}

static void test_refused(void) {
    cgv_model *model = random_model("resnet_1blocks_resize_affine");
    cgv_picture_format narrow = cgv_picture_format_rgb24(16, 4000);
    cgv_translator *translator;
    cgv_translator_params params = {.strength = 1, .slots = 1, .net_height = -1};
    cgv_test_listen();
    CU_ASSERT_EQUAL(
        cgv_translator_create(&translator, cgv_test_device(), model, &narrow, &narrow, &params),
        CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("height of -1"));
    cgv_model_destroy(&model);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"affine fit", test_fit},
        {"affine carry", test_carry},
        {"identity at full size", test_identity},
        {"the change of a small picture", test_change},
        {"the height that a model says", test_height_of_the_model},
        {"a picture smaller than a step down", test_small_picture},
        {"narrow pictures", test_narrow},
        {"refusals", test_refused},
        {0},
    };
    return cgv_test_run("carry", cases);
}
