// The training step: its losses and gradients against a whole small game in double and central
// differences of it; the pool, the moving average, the memory, and the same bytes every time.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "model/model.h"
#include "nn/arch.h"
#include "numbers.h"
#include "reference_net.h"
#include "support.h"
#include "train/pool.h"
#include "train/trainer.h"

static cgv_rng rng;

static const char *const net_names[] = {"G_A", "G_B", "D_A", "D_B"};

// ---- players ----

// Four networks with weights, and pictures of both domains.
typedef struct game {
    cgv_model *models[CGV_NETS];
    cgv_trainer_params params;
    ref_shape shape; // of the pictures of one step: params.accumulate batches
    float *a, *b;
} game;

static cgv_model *model_of(cgv_net *net, float deviation) {
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "built in"), CGV_OK);
    for (size_t i = 0; i < net->param_floats; i++)
        model->params[i] = deviation * cgv_rng_normal(&rng);
    return model;
}

// The least of a generator: its only step takes doutput and gives dinput.
static cgv_model *tiny_generator(void) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "tiny generator", 3), CGV_OK);
    int x = cgv_net_conv(net, 0, "c", &(cgv_conv_desc){.channels = 3, .kernel = 3, .pad = 1});
    cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    return model_of(net, 0.3f);
}

static cgv_model *tiny_discriminator(void) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "tiny discriminator", 3), CGV_OK);
    int x = cgv_net_conv(net, 0, "c",
                         &(cgv_conv_desc){.channels = 2, .kernel = 4, .stride = 2, .pad = 1});
    x = cgv_net_activation(net, x, CGV_ACT_LEAKY_RELU, 0.2f);
    cgv_net_conv(net, x, "d", &(cgv_conv_desc){.channels = 1, .kernel = 3, .pad = 1});
    return model_of(net, 0.3f);
}

static float *pictures(ref_shape shape) {
    float *data = numbers_allocate(ref_count(shape), sizeof *data);
    for (size_t i = 0; i < ref_count(shape); i++)
        data[i] = 2 * cgv_rng_float(&rng) - 1;
    return data;
}

static game new_game(const cgv_trainer_params *params, bool tiny) {
    game g = {.params = *params,
              .shape = {params->accumulate * params->batch, 3, params->height, params->width}};
    for (int i = 0; i < CGV_NETS; i++) {
        bool generator = i == CGV_G_A || i == CGV_G_B;
        cgv_net *net;
        if (tiny) {
            g.models[i] = generator ? tiny_generator() : tiny_discriminator();
            continue;
        }
        cgv_arch_options options = {
            .name = generator ? "resnet_1blocks" : "patchgan", .ngf = 4, .ndf = 4, .layers = 1};
        CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
        g.models[i] = model_of(net, 0.05f);
    }
    g.a = pictures(g.shape);
    g.b = pictures(g.shape);
    return g;
}

static void free_game(game *g) {
    for (int i = 0; i < CGV_NETS; i++)
        cgv_model_destroy(&g->models[i]);
    free(g->a);
    free(g->b);
}

static cgv_trainer *new_trainer(const game *g, cgv_device *device) {
    cgv_trainer *trainer;
    CU_ASSERT_EQUAL_FATAL(
        cgv_trainer_create(&trainer, device, (const cgv_model *const *)g->models, &g->params),
        CGV_OK);
    return trainer;
}

static cgv_losses step(cgv_trainer *trainer, const game *g, float lr_g, float lr_d) {
    cgv_losses losses;
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_step(trainer, &losses, g->a, g->b, lr_g, lr_d), CGV_OK);
    return losses;
}

static float *read_floats(const cgv_buffer *buffer, size_t count) {
    float *data = numbers_allocate(count, sizeof *data);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(buffer, 0, data, count * sizeof *data), CGV_OK);
    return data;
}

// Small, so that differences of the whole game are quick.
static cgv_trainer_params small(void) {
    cgv_trainer_params p = CGV_TRAINER_DEFAULTS;
    p.height = 6;
    p.width = 8;
    return p;
}

// ---- the game in double ----

typedef struct reference {
    const game *game;
    ref_evaluation nets[CGV_NETS];
    size_t pixels;
    double *a, *b, *fake_a, *fake_b, *other;
} reference;

static reference new_reference(const game *g) {
    reference r = {.game = g, .pixels = ref_count(g->shape)};
    for (int i = 0; i < CGV_NETS; i++)
        CU_ASSERT_FATAL(ref_evaluation_create(&r.nets[i], g->models[i]->net, g->models[i]->params,
                                              NULL, g->shape));
    r.a = numbers_widen(g->a, r.pixels);
    r.b = numbers_widen(g->b, r.pixels);
    r.fake_a = numbers_allocate(r.pixels, sizeof *r.fake_a);
    r.fake_b = numbers_allocate(r.pixels, sizeof *r.fake_b);
    r.other = numbers_allocate(r.pixels, sizeof *r.other);
    return r;
}

static void free_reference(reference *r) {
    for (int i = 0; i < CGV_NETS; i++)
        ref_evaluation_destroy(&r->nets[i]);
    double *all[] = {r->a, r->b, r->fake_a, r->fake_b, r->other};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static const double *apply(reference *r, int net, const double *x) {
    memcpy(r->nets[net].values[0], x, r->pixels * sizeof *x);
    return ref_evaluate(&r->nets[net], 1);
}

static void generate(reference *r, double *y, int net, const double *x) {
    memcpy(y, apply(r, net, x), r->pixels * sizeof *y);
}

// What a judgement costs a discriminator that should have said real, or fake; or the generator.
static double cost(cgv_gan_mode mode, double x, bool generator, bool real) {
    switch (mode) {
    case CGV_GAN_LSGAN:
        return real ? (x - 1) * (x - 1) : x * x;
    case CGV_GAN_VANILLA:
        return real ? log1p(exp(-x)) : log1p(exp(x));
    case CGV_GAN_HINGE:
        break;
    }
    return generator ? -x : fmax(0, real ? 1 - x : 1 + x);
}

static double judge(reference *r, int net, const double *picture, bool generator, bool real) {
    const double *y = apply(r, net, picture);
    size_t count = ref_count(ref_evaluation_shape(&r->nets[net], r->nets[net].net->node_count - 1));
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += cost(r->game->params.gan, y[i], generator, real);
    return sum / (double)count;
}

// mean |net(x) - original|
static double difference(reference *r, int net, const double *x, const double *original) {
    const double *y = apply(r, net, x);
    double sum = 0;
    for (size_t i = 0; i < r->pixels; i++)
        sum += fabs(y[i] - original[i]);
    return sum / (double)r->pixels;
}

typedef struct ref_losses {
    double g_a, g_b, cycle_a, cycle_b, identity_a, identity_b, d_a, d_b;
} ref_losses;

static double generators(const ref_losses *l) {
    return l->g_a + l->g_b + l->cycle_a + l->cycle_b + l->identity_a + l->identity_b;
}

// Without past fakes: of the first step.
static ref_losses evaluate(reference *r) {
    const cgv_trainer_params *p = &r->game->params;
    generate(r, r->fake_b, CGV_G_A, r->a);
    generate(r, r->fake_a, CGV_G_B, r->b);
    return (ref_losses){
        .g_a = judge(r, CGV_D_A, r->fake_b, true, true),
        .g_b = judge(r, CGV_D_B, r->fake_a, true, true),
        .cycle_a = p->lambda_a * difference(r, CGV_G_B, r->fake_b, r->a),
        .cycle_b = p->lambda_b * difference(r, CGV_G_A, r->fake_a, r->b),
        .identity_a = p->lambda_b * p->identity * difference(r, CGV_G_A, r->b, r->b),
        .identity_b = p->lambda_a * p->identity * difference(r, CGV_G_B, r->a, r->a),
        .d_a =
            (judge(r, CGV_D_A, r->b, false, true) + judge(r, CGV_D_A, r->fake_b, false, false)) / 2,
        .d_b =
            (judge(r, CGV_D_B, r->a, false, true) + judge(r, CGV_D_B, r->fake_a, false, false)) / 2,
    };
}

// The loss that a network minimises.
static double objective(reference *r, int net) {
    ref_losses l = evaluate(r);
    return net == CGV_D_A ? l.d_a : net == CGV_D_B ? l.d_b : generators(&l);
}

static double *differences(reference *r, int net) {
    const double h = 1e-7;
    double *params = r->nets[net].params;
    size_t count = r->nets[net].net->param_floats;
    double *slopes = numbers_allocate(count, sizeof *slopes);
    for (size_t i = 0; i < count; i++) {
        double middle = params[i];
        params[i] = middle + h;
        double above = objective(r, net);
        params[i] = middle - h;
        slopes[i] = (above - objective(r, net)) / (2 * h);
        params[i] = middle;
    }
    return slopes;
}

// ---- losses and gradients ----

static double relative_error(const float *got, const double *expected, size_t count) {
    double error = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        error += (got[i] - expected[i]) * (got[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    return sqrt(error / norm);
}

static void check_losses(const cgv_losses *got, const ref_losses *expected) {
    const float *values = (const float *)got;
    const double *wanted = (const double *)expected;
    for (size_t i = 0; i < sizeof *expected / sizeof *wanted; i++)
        CU_ASSERT_DOUBLE_EQUAL(values[i], wanted[i], 1e-5 * (1 + fabs(wanted[i])));
}

// Adam's first step: the learning rate against the sign of every gradient.
static void check_update(const cgv_net_state *state, const double *slopes, double lr) {
    size_t count = state->model->net->param_floats, moved = 0, wrong = 0;
    float *values = read_floats(&state->params.values, count);
    for (size_t i = 0; i < count; i++) {
        if (fabs(slopes[i]) < 1e-4)
            continue;
        double update = values[i] - (double)state->model->params[i];
        moved++;
        wrong += !(fabs(update - (slopes[i] > 0 ? -lr : lr)) <= 1e-3 * lr);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(moved > count / 2);
    free(values);
}

static void check_step(const cgv_trainer_params *params) {
    const float lr_g = 0.001f, lr_d = 0.002f;
    game g = new_game(params, true);
    reference r = new_reference(&g);
    cgv_trainer *trainer = new_trainer(&g, cgv_test_device());
    ref_losses expected = evaluate(&r);
    cgv_losses losses = step(trainer, &g, lr_g, lr_d);
    check_losses(&losses, &expected);
    for (int i = 0; i < CGV_NETS; i++) {
        const cgv_net_state *state = cgv_trainer_net(trainer, i);
        size_t count = state->model->net->param_floats;
        float *grads = read_floats(&state->grads, count);
        double *slopes = differences(&r, i), error = relative_error(grads, slopes, count);
        if (!(error <= 1e-4)) {
            printf("FAILED: gan mode %d: the gradient of %s is off by %.3g\n", params->gan,
                   net_names[i], error);
            CU_FAIL("the gradient of a network");
        }
        check_update(state, slopes, (double)(i == CGV_G_A || i == CGV_G_B ? lr_g : lr_d));
        free(grads);
        free(slopes);
    }
    cgv_trainer_destroy(&trainer);
    free_reference(&r);
    free_game(&g);
}

static void test_gradients(void) {
    cgv_rng_seed(&rng, 20170330, 1);
    for (int mode = CGV_GAN_LSGAN; mode <= CGV_GAN_HINGE; mode++) {
        cgv_trainer_params p = small();
        p.gan = (cgv_gan_mode)mode;
        p.lambda_a = 3; // so that each weight shows where it belongs
        p.lambda_b = 2;
        check_step(&p);
        p.batch = 2;
        p.identity = 0;
        p.pool = 0;
        check_step(&p);
        p.identity = 0.7f;
        p.batch = 1;
        p.accumulate = 3;
        p.recompute = true;
        check_step(&p);
    }
}

// Each side alone gets better against the other standing still.
static void test_learning(void) {
    cgv_rng_seed(&rng, 20170330, 2);
    for (int mode = CGV_GAN_LSGAN; mode <= CGV_GAN_HINGE; mode++)
        for (int generators_learn = 0; generators_learn <= 1; generators_learn++) {
            cgv_trainer_params p = small();
            p.gan = (cgv_gan_mode)mode;
            p.pool = 0;
            game g = new_game(&p, true);
            cgv_trainer *trainer = new_trainer(&g, cgv_test_device());
            float first = 0, last = 0;
            for (int i = 0; i < 12; i++) {
                cgv_losses l =
                    step(trainer, &g, generators_learn ? 0.01f : 0, generators_learn ? 0 : 0.01f);
                last = generators_learn
                           ? l.g_a + l.g_b + l.cycle_a + l.cycle_b + l.identity_a + l.identity_b
                           : l.d_a + l.d_b;
                first = i ? first : last;
            }
            CU_ASSERT(last < 0.95f * first);
            CU_ASSERT_EQUAL(cgv_trainer_steps(trainer), 12);
            for (int i = 0; i < CGV_NETS; i++) { // the others stood still
                const cgv_net_state *state = cgv_trainer_net(trainer, i);
                size_t count = state->model->net->param_floats;
                float *values = read_floats(&state->params.values, count);
                bool learns = (i == CGV_G_A || i == CGV_G_B) == generators_learn;
                CU_ASSERT_EQUAL(!memcmp(values, state->model->params, count * sizeof *values),
                                !learns);
                free(values);
            }
            cgv_trainer_destroy(&trainer);
            free_game(&g);
        }
}

// ---- the same bytes ----

// Everything that a training leaves, after some steps.
static float *play(const game *g, cgv_device *device, int steps, size_t *count) {
    cgv_trainer *trainer = new_trainer(g, device);
    float *all = numbers_allocate(1 << 20, sizeof *all);
    size_t used = 0;
    for (int i = 0; i < steps; i++) {
        cgv_losses losses = step(trainer, g, 0.01f, 0.01f);
        memcpy(all + used, &losses, sizeof losses);
        used += sizeof losses / sizeof *all;
    }
    for (int i = 0; i < CGV_NETS; i++) {
        const cgv_net_state *s = cgv_trainer_net(trainer, i);
        const cgv_buffer *buffers[] = {&s->params.values, &s->grads, &s->m, &s->v, &s->average};
        size_t floats = s->model->net->param_floats;
        for (size_t k = 0; k < sizeof buffers / sizeof *buffers; k++) {
            if (!buffers[k]->size)
                continue;
            CU_ASSERT_FATAL(used + floats <= 1 << 20);
            float *data = read_floats(buffers[k], floats);
            memcpy(all + used, data, floats * sizeof *data);
            used += floats;
            free(data);
        }
    }
    cgv_trainer_destroy(&trainer);
    *count = used;
    return all;
}

static void test_same_bytes(void) {
    cgv_rng_seed(&rng, 20170330, 3);
    cgv_trainer_params p = small();
    p.height = p.width = 16;
    p.pool = 1;
    p.average_decay = 0.9f;
    p.seed = 7;
    game g = new_game(&p, false);
    cgv_device *full;
    CU_ASSERT_EQUAL_FATAL(cgv_device_create(&full, &(cgv_device_params){.select = getenv("CGV_GPU"),
                                                                        .full_barriers = true}),
                          CGV_OK);
    size_t count, other_count;
    float *first = play(&g, cgv_test_device(), 6, &count);
    float *again = play(&g, cgv_test_device(), 6, &other_count);
    CU_ASSERT_EQUAL(other_count, count);
    CU_ASSERT(!memcmp(first, again, count * sizeof *first));
    free(again);
    again = play(&g, full, 6, &other_count);
    CU_ASSERT(!memcmp(first, again, count * sizeof *first));
    free(again);
    g.params.recompute = true;
    again = play(&g, cgv_test_device(), 6, &other_count);
    CU_ASSERT(!memcmp(first, again, count * sizeof *first));
    free(again);
    g.params.seed = 8;
    again = play(&g, cgv_test_device(), 6, &other_count);
    CU_ASSERT_EQUAL(other_count, count);
    CU_ASSERT(memcmp(first, again, count * sizeof *first));
    free(again);
    free(first);
    CU_ASSERT_EQUAL(cgv_device_validation_messages(full), 0);
    cgv_device_destroy(&full);
    free_game(&g);
}

static void test_average(void) {
    cgv_rng_seed(&rng, 20170330, 4);
    cgv_trainer_params p = small();
    p.average_decay = 0.75f;
    game g = new_game(&p, true);
    cgv_trainer *trainer = new_trainer(&g, cgv_test_device());
    for (int net = CGV_D_A; net <= CGV_D_B; net++)
        CU_ASSERT_EQUAL(cgv_trainer_net(trainer, net)->average.size, 0);
    const cgv_net_state *state = cgv_trainer_net(trainer, CGV_G_B);
    size_t count = state->model->net->param_floats;
    double *expected = numbers_widen(state->model->params, count);
    for (int i = 0; i < 5; i++) {
        step(trainer, &g, 0.1f, 0.1f);
        float *values = read_floats(&state->params.values, count);
        float *average = read_floats(&state->average, count);
        for (size_t k = 0; k < count; k++)
            expected[k] = 0.75 * expected[k] + 0.25 * values[k];
        CU_ASSERT(relative_error(average, expected, count) <= 1e-6);
        CU_ASSERT(relative_error(values, expected, count) > 1e-3);
        free(values);
        free(average);
    }
    free(expected);
    cgv_trainer_destroy(&trainer);
    free_game(&g);
}

// ---- NaN, memory, refusals ----

static void test_nan(void) {
    cgv_rng_seed(&rng, 20170330, 5);
    cgv_test_listen();
    for (int mode = CGV_GAN_LSGAN; mode <= CGV_GAN_HINGE; mode++)
        for (int domain = 0; domain < 2; domain++) {
            cgv_trainer_params p = small();
            p.gan = (cgv_gan_mode)mode;
            p.accumulate = 2;
            game g = new_game(&p, true);
            cgv_trainer *trainer = new_trainer(&g, cgv_test_device());
            cgv_losses losses = step(trainer, &g, 0.001f, 0.001f);
            float *poisoned = domain ? g.b : g.a;
            poisoned[ref_count(g.shape) / 4] = NAN; // in the first of two batches
            CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &losses, g.a, g.b, 0.001f, 0.001f),
                            CGV_ERROR_NUMERIC);
            CU_ASSERT(cgv_test_said("step 2"));
            cgv_trainer_destroy(&trainer);
            free_game(&g);
        }
}

static uint64_t network_bytes(const game *g, int net, int tapes) {
    const cgv_trainer_params *p = &g->params;
    cgv_plan *plan;
    cgv_tape tape;
    CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), g->models[net]->net,
                                          &(cgv_plan_params){.n = p->batch,
                                                             .h = p->height,
                                                             .w = p->width,
                                                             .external_input = true,
                                                             .train = true}),
                          CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_tape_create(&tape, plan), CGV_OK);
    // Weights, gradients, two moments.
    uint64_t bytes = 4 * g->models[net]->net->param_floats * sizeof(float) + cgv_plan_bytes(plan) +
                     (uint64_t)tapes * cgv_tape_bytes(&tape);
    cgv_tape_destroy(&tape);
    cgv_plan_destroy(&plan);
    return bytes;
}

static uint64_t trainer_bytes(const game *g) {
    cgv_trainer *trainer = new_trainer(g, cgv_test_device());
    uint64_t bytes = cgv_trainer_bytes(trainer);
    cgv_trainer_destroy(&trainer);
    return bytes;
}

// The sum of what there is to count, and what each setting adds to it.
static void test_memory(void) {
    cgv_rng_seed(&rng, 20170330, 6);
    cgv_trainer_params p = small();
    p.height = p.width = 64;
    p.pool = 0;
    game g = new_game(&p, false);
    uint64_t picture = 3 * 64 * 64 * sizeof(float), plain = trainer_bytes(&g);
    uint64_t expected = 4 * picture; // a and b, on the host's side and the device's
    expected += 4 * picture;         // gradients of pictures
    for (int i = 0; i < CGV_NETS; i++)
        expected += network_bytes(&g, i, i == CGV_G_A || i == CGV_G_B ? 3 : 1);
    CU_ASSERT(plain >= expected);
    CU_ASSERT(plain <= expected + picture); // judgements, scratch memory, losses, settings

    g.params.pool = 5;
    CU_ASSERT(trainer_bytes(&g) >= plain + 2 * (5 + 1) * picture);
    CU_ASSERT(trainer_bytes(&g) <= plain + 2 * (5 + 1) * picture + 64);
    g.params.pool = 0;
    g.params.average_decay = 0.5f;
    CU_ASSERT_EQUAL(trainer_bytes(&g),
                    plain + 2 * g.models[CGV_G_A]->net->param_floats * sizeof(float));
    g.params.average_decay = 0;
    g.params.identity = 0;
    uint64_t tape = network_bytes(&g, CGV_G_A, 1) - network_bytes(&g, CGV_G_A, 0);
    CU_ASSERT_EQUAL(trainer_bytes(&g), plain - 2 * tape);
    g.params.identity = 0.5f;
    g.params.recompute = true; // one tape a network, and four pictures kept
    CU_ASSERT_EQUAL(trainer_bytes(&g), plain - 4 * tape + 4 * picture);
    free_game(&g);
}

static void check_refused(const game *g, const char *why) {
    cgv_trainer *trainer;
    CU_ASSERT_EQUAL(cgv_trainer_create(&trainer, cgv_test_device(),
                                       (const cgv_model *const *)g->models, &g->params),
                    CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said(why));
    CU_ASSERT_PTR_NULL(trainer);
}

static void test_refused(void) {
    cgv_rng_seed(&rng, 20170330, 7);
    cgv_trainer_params p = small();
    game g = new_game(&p, true);
    cgv_test_device();
    cgv_test_listen();
    cgv_model *judge = g.models[CGV_D_A];
    g.models[CGV_D_A] = g.models[CGV_G_A];
    check_refused(&g, "discriminator");
    g.models[CGV_D_A] = judge;
    cgv_model *generator = g.models[CGV_G_B];
    g.models[CGV_G_B] = judge;
    check_refused(&g, "generator");
    g.models[CGV_G_B] = generator;
    g.params.batch = 0;
    check_refused(&g, "out of range");
    g.params = p;
    g.params.pool = -1;
    check_refused(&g, "out of range");
    g.params = p;
    g.params.accumulate = 0;
    check_refused(&g, "out of range");
    g.params = p;
    g.params.height = 0;
    check_refused(&g, "x0");
    cgv_trainer *nothing = NULL;
    cgv_trainer_destroy(&nothing);
    free_game(&g);
}

// ---- the pool ----

enum { SLOTS = 3, BATCH = 2, PIXELS = 3 * 2 * 5 };

// Picture `id` tells itself by every pixel.
static float pixel(int id, int i) {
    return (float)(100 * id + i);
}

static bool shows(const float *picture, int id) {
    for (int i = 0; i < PIXELS; i++)
        if (picture[i] != pixel(id, i))
            return false;
    return true;
}

// What the paper's pool does to one fake, with the same random numbers; the picture shown instead.
static int pool_model(int *slots, int *filled, cgv_rng *draw, int fake) {
    if (*filled < SLOTS) {
        slots[(*filled)++] = fake;
        return fake;
    }
    if (cgv_rng_float(draw) <= 0.5f)
        return fake;
    int slot = (int)cgv_rng_below(draw, SLOTS), shown = slots[slot];
    slots[slot] = fake;
    return shown;
}

static void test_pool(void) {
    cgv_device *device = cgv_test_device();
    cgv_buffer fakes;
    cgv_pool pool;
    cgv_cmd *cmd;
    const uint64_t bytes = BATCH * PIXELS * sizeof(float);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_create(&fakes, device, bytes, CGV_MEMORY_UPLOAD, "fakes"),
                          CGV_OK);
    cgv_tensor batch = {fakes.address, BATCH, 3, 2, 5};
    CU_ASSERT_EQUAL_FATAL(cgv_pool_create(&pool, device, batch, SLOTS, 11, 2), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, device, false), CGV_OK);
    cgv_cmd_begin(cmd);
    cgv_pool_record(&pool, cmd, batch);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_end(cmd), CGV_OK);

    int slots[SLOTS], filled = 0, old = 0, wrong = 0, steps = 200;
    cgv_rng draw;
    cgv_rng_seed(&draw, 11, 2);
    for (int s = 0; s < steps; s++) {
        float *data = fakes.host, shown[BATCH * PIXELS];
        for (int i = 0; i < BATCH * PIXELS; i++)
            data[i] = pixel(BATCH * s + i / PIXELS, i % PIXELS);
        cgv_pool_draw(&pool);
        CU_ASSERT_EQUAL_FATAL(cgv_cmd_submit(cmd), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_cmd_wait(cmd), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(&pool.shown, 0, shown, sizeof shown), CGV_OK);
        for (int i = 0; i < BATCH; i++) {
            int fake = BATCH * s + i, expected = pool_model(slots, &filled, &draw, fake);
            wrong += !shows(shown + i * PIXELS, expected);
            old += expected != fake;
            CU_ASSERT(fake >= SLOTS || expected == fake);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(old > 0.4 * BATCH * steps && old < 0.6 * BATCH * steps);
    CU_ASSERT_EQUAL(pool.filled, SLOTS);
    float *kept = read_floats(&pool.pictures, SLOTS * PIXELS);
    for (int i = 0; i < SLOTS; i++)
        CU_ASSERT(shows(kept + i * PIXELS, slots[i]));
    free(kept);
    cgv_cmd_destroy(&cmd);
    cgv_pool_destroy(&pool);

    CU_ASSERT_EQUAL_FATAL(cgv_pool_create(&pool, device, batch, 0, 11, 2), CGV_OK);
    CU_ASSERT_EQUAL(pool.output.address, fakes.address);
    cgv_pool_destroy(&pool);
    cgv_buffer_destroy(&fakes);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"losses, gradients, first update", test_gradients},
        {"each side learns", test_learning},
        {"the same bytes", test_same_bytes},
        {"moving average", test_average},
        {"image pool", test_pool},
        {"memory", test_memory},
        {"NaN", test_nan},
        {"refused", test_refused},
        {0},
    };
    return cgv_test_run("trainer", cases);
}
