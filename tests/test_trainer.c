// The training step: its losses and gradients against a whole small game in double and central
// differences of it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "game.h"
#include "numbers.h"
#include "reference_net.h"
#include "support.h"
#include "train/pool.h"

static cgv_rng rng;

static const char *const net_names[] = {"G_A", "G_B", "D_A", "D_B"};

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

static bool learns(const cgv_trainer_params *p, int net) {
    return !(p->frozen == CGV_FROZEN_G_A && (net == CGV_G_A || net == CGV_D_A)) &&
           !(p->frozen == CGV_FROZEN_G_B && (net == CGV_G_B || net == CGV_D_B));
}

// Without past fakes: of the first step.
static ref_losses evaluate(reference *r) {
    const cgv_trainer_params *p = &r->game->params;
    generate(r, r->fake_b, CGV_G_A, r->a);
    generate(r, r->fake_a, CGV_G_B, r->b);
    ref_losses all = {
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
    if (p->frozen == CGV_FROZEN_G_A)
        all.g_a = all.identity_a = all.d_a = 0;
    if (p->frozen == CGV_FROZEN_G_B)
        all.g_b = all.identity_b = all.d_b = 0;
    return all;
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

static void check_losses(const cgv_losses *got, const ref_losses *expected) {
    const float *values = (const float *)got;
    const double *wanted = (const double *)expected;
    for (size_t i = 0; i < sizeof *expected / sizeof *wanted; i++)
        CU_ASSERT_DOUBLE_EQUAL(values[i], wanted[i], 1e-5 * (1 + fabs(wanted[i])));
}

// Adam's first step: the learning rate against the sign of every gradient.
static void check_update(const cgv_net_state *state, const double *slopes, double lr) {
    size_t count = state->model->net->param_floats, moved = 0, wrong = 0;
    float *values = game_read(&state->params.values, count);
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

static void check_frozen(const cgv_net_state *state, const float *grads) {
    size_t count = state->model->net->param_floats;
    float *values = game_read(&state->params.values, count);
    CU_ASSERT(!memcmp(values, state->model->params, count * sizeof *values));
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_FATAL(grads[i] == 0);
    free(values);
}

static void check_step(const cgv_trainer_params *params) {
    const float lr_g = 0.001f, lr_d = 0.002f;
    game g = game_create(&rng, params, true);
    reference r = new_reference(&g);
    cgv_trainer *trainer = game_trainer(&g, cgv_test_device());
    ref_losses expected = evaluate(&r);
    cgv_losses losses = game_step(trainer, &g, lr_g, lr_d);
    check_losses(&losses, &expected);
    for (int i = 0; i < CGV_NETS; i++) {
        const cgv_net_state *state = cgv_trainer_net(trainer, i);
        size_t count = state->model->net->param_floats;
        float *grads = game_read(&state->grads, count);
        if (!learns(params, i)) {
            check_frozen(state, grads);
            if (i == CGV_G_A || i == CGV_G_B)
                CU_ASSERT_EQUAL(cgv_trainer_pool(trainer, i)->filled, 0);
            free(grads);
            continue;
        }
        double *slopes = differences(&r, i), error = numbers_error(grads, slopes, count);
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
    game_destroy(&g);
}

static void test_gradients(void) {
    cgv_rng_seed(&rng, 20170330, 1);
    for (int mode = CGV_GAN_LSGAN; mode <= CGV_GAN_HINGE; mode++) {
        cgv_trainer_params p = game_small();
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

static void test_frozen(void) {
    cgv_rng_seed(&rng, 20170330, 3);
    for (int frozen = CGV_FROZEN_G_A; frozen <= CGV_FROZEN_G_B; frozen++) {
        cgv_trainer_params p = game_small();
        p.frozen = (cgv_frozen)frozen;
        p.lambda_a = 3;
        p.lambda_b = 2;
        p.identity = 0.7f;
        check_step(&p);
        p.identity = 0;
        p.accumulate = 2;
        p.recompute = true;
        check_step(&p);
    }
}

// Each side alone gets better against the other standing still.
static void test_learning(void) {
    cgv_rng_seed(&rng, 20170330, 2);
    for (int mode = CGV_GAN_LSGAN; mode <= CGV_GAN_HINGE; mode++)
        for (int generators_learn = 0; generators_learn <= 1; generators_learn++) {
            cgv_trainer_params p = game_small();
            p.gan = (cgv_gan_mode)mode;
            p.pool = 0;
            game g = game_create(&rng, &p, true);
            cgv_trainer *trainer = game_trainer(&g, cgv_test_device());
            float first = 0, last = 0;
            for (int i = 0; i < 12; i++) {
                cgv_losses l = game_step(trainer, &g, generators_learn ? 0.01f : 0,
                                         generators_learn ? 0 : 0.01f);
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
                float *values = game_read(&state->params.values, count);
                bool learns = (i == CGV_G_A || i == CGV_G_B) == generators_learn;
                CU_ASSERT_EQUAL(!memcmp(values, state->model->params, count * sizeof *values),
                                !learns);
                free(values);
            }
            cgv_trainer_destroy(&trainer);
            game_destroy(&g);
        }
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"losses, gradients, first update", test_gradients},
        {"one generator frozen", test_frozen},
        {"each side learns", test_learning},
        {0},
    };
    return cgv_test_run("trainer", cases);
}
