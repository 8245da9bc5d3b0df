// What a training holds: the same bytes every time, the moving average, the memory; NaN, and what
// is refused.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "game.h"
#include "messages.h"
#include "numbers.h"
#include "support.h"

static cgv_rng rng;

// ---- the same bytes ----

// Everything that a training leaves, after some steps.
static float *play(const game *g, cgv_device *device, int steps, size_t *count) {
    cgv_trainer *trainer = game_trainer(g, device);
    float *all = numbers_allocate(1 << 20, sizeof *all);
    size_t used = 0;
    for (int i = 0; i < steps; i++) {
        cgv_losses losses = game_step(trainer, g, 0.01f, 0.01f);
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
            float *data = game_read(buffers[k], floats);
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
    cgv_trainer_params p = game_small();
    p.height = p.width = 16;
    p.pool = 1;
    p.average_decay = 0.9f;
    p.seed = 7;
    game g = game_create(&rng, &p, false);
    size_t count, other_count;
    float *first = play(&g, cgv_test_device(), 6, &count);
    float *again = play(&g, cgv_test_device(), 6, &other_count);
    CU_ASSERT_EQUAL(other_count, count);
    CU_ASSERT(!memcmp(first, again, count * sizeof *first));
    free(again);
    again = play(&g, cgv_test_full_barriers(), 6, &other_count);
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
    game_destroy(&g);
}

static void test_average(void) {
    cgv_rng_seed(&rng, 20170330, 4);
    cgv_trainer_params p = game_small();
    p.average_decay = 0.75f;
    game g = game_create(&rng, &p, true);
    cgv_trainer *trainer = game_trainer(&g, cgv_test_device());
    for (int net = CGV_D_A; net <= CGV_D_B; net++)
        CU_ASSERT_EQUAL(cgv_trainer_net(trainer, net)->average.size, 0);
    const cgv_net_state *state = cgv_trainer_net(trainer, CGV_G_B);
    size_t count = state->model->net->param_floats;
    double *expected = numbers_widen(state->model->params, count);
    for (int i = 0; i < 5; i++) {
        game_step(trainer, &g, 0.1f, 0.1f);
        float *values = game_read(&state->params.values, count);
        float *average = game_read(&state->average, count);
        for (size_t k = 0; k < count; k++)
            expected[k] = 0.75 * expected[k] + 0.25 * values[k];
        CU_ASSERT(numbers_error(average, expected, count) <= 1e-6);
        CU_ASSERT(numbers_error(values, expected, count) > 1e-3);
        free(values);
        free(average);
    }
    free(expected);
    cgv_trainer_destroy(&trainer);
    game_destroy(&g);
}

static float *view_of(cgv_trainer *trainer, const game *g, size_t count, bool b_to_a) {
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_view(trainer, g->a, g->b), CGV_OK);
    cgv_trainer_pictures last = cgv_trainer_last(trainer);
    float *picture = numbers_allocate(count, sizeof *picture);
    CU_ASSERT_EQUAL_FATAL(
        cgv_trainer_read(trainer, picture, b_to_a ? last.recovered_b : last.recovered_a), CGV_OK);
    return picture;
}

// A view shows what is exported: the averages, where they are kept. What comes of a step behind it
// is the same as without it.
static void test_view_of_average(void) {
    cgv_rng_seed(&rng, 20170330, 6);
    cgv_trainer_params p = game_small();
    p.average_decay = 0.75f;
    game g = game_create(&rng, &p, true);
    const size_t count = ref_count(g.shape);
    cgv_trainer *trainer = game_trainer(&g, cgv_test_device());
    cgv_trainer *unseen = game_trainer(&g, cgv_test_device());
    for (int i = 0; i < 3; i++) {
        game_step(trainer, &g, 0.1f, 0.1f);
        game_step(unseen, &g, 0.1f, 0.1f);
    }
    float *views[] = {view_of(trainer, &g, count, false), view_of(trainer, &g, count, true)};
    cgv_losses seen = game_step(trainer, &g, 0.1f, 0.1f);
    cgv_losses plain = game_step(unseen, &g, 0.1f, 0.1f);
    CU_ASSERT(!memcmp(&seen, &plain, sizeof seen));
    cgv_trainer_destroy(&trainer);
    cgv_trainer_destroy(&unseen);

    // The same from a trainer that begins with the averages, and others from one with the weights.
    trainer = game_trainer(&g, cgv_test_device());
    for (int i = 0; i < 3; i++)
        game_step(trainer, &g, 0.1f, 0.1f);
    g.params.average_decay = 0;
    for (int averaged = 0; averaged < 2; averaged++) {
        for (int net = CGV_G_A; net <= CGV_G_B; net++) {
            const cgv_net_state *state = cgv_trainer_net(trainer, net);
            const size_t floats = state->model->net->param_floats;
            float *weights = game_read(averaged ? &state->average : &state->params.values, floats);
            memcpy(g.models[net]->params, weights, floats * sizeof *weights);
            free(weights);
        }
        cgv_trainer *other = game_trainer(&g, cgv_test_device());
        for (int i = 0; i < 2; i++) {
            float *view = view_of(other, &g, count, i);
            CU_ASSERT_EQUAL(!memcmp(view, views[i], count * sizeof *view), averaged);
            free(view);
        }
        cgv_trainer_destroy(&other);
    }
    free(views[0]);
    free(views[1]);
    cgv_trainer_destroy(&trainer);
    game_destroy(&g);
}

// ---- NaN, memory, refusals ----

static void test_nan(void) {
    cgv_rng_seed(&rng, 20170330, 5);
    cgv_test_listen();
    for (int mode = CGV_GAN_LSGAN; mode <= CGV_GAN_HINGE; mode++)
        for (int domain = 0; domain < 2; domain++) {
            cgv_trainer_params p = game_small();
            p.gan = (cgv_gan_mode)mode;
            p.accumulate = 2;
            game g = game_create(&rng, &p, true);
            cgv_trainer *trainer = game_trainer(&g, cgv_test_device());
            cgv_losses losses = game_step(trainer, &g, 0.001f, 0.001f);
            float *poisoned = domain ? g.b : g.a;
            poisoned[ref_count(g.shape) / 4] = NAN; // in the first of two batches
            CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &losses, g.a, g.b, NULL, 0.001f, 0.001f),
                            CGV_ERROR_NUMERIC);
            CU_ASSERT(cgv_test_said("step 2"));
            cgv_trainer_destroy(&trainer);
            game_destroy(&g);
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
    cgv_trainer *trainer = game_trainer(g, cgv_test_device());
    uint64_t bytes = cgv_trainer_bytes(trainer);
    cgv_trainer_destroy(&trainer);
    return bytes;
}

// The sum of what there is to count, and what each setting adds to it.
static void test_memory(void) {
    cgv_rng_seed(&rng, 20170330, 6);
    cgv_trainer_params p = game_small();
    p.height = p.width = 64;
    p.pool = 0;
    game g = game_create(&rng, &p, false);
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
    game_destroy(&g);
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
    cgv_trainer_params p = game_small();
    game g = game_create(&rng, &p, true);
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
    g.params.windows = 1;
    g.params.night_gamma = INFINITY;
    check_refused(&g, "out of range");
    g.params.night_gamma = 1;
    g.params.frozen = CGV_FROZEN_G_A;
    check_refused(&g, "are G_A's, which is frozen");
    g.params = p;
    g.params.height = 0;
    check_refused(&g, "x0");
    cgv_trainer *nothing = NULL;
    cgv_trainer_destroy(&nothing);
    game_destroy(&g);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"the same bytes", test_same_bytes},
        {"moving average", test_average},
        {"view of the moving average", test_view_of_average},
        {"memory", test_memory},
        {"NaN", test_nan},
        {"refused", test_refused},
        {0},
    };
    return cgv_test_run("a trainer's state", cases);
}
