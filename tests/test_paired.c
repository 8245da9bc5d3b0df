// The paired training step (pix2pix): its losses and gradients against the game in double and
// central differences of it; what it refuses; checkpoints.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "messages.h"
#include "nn/arch.h"
#include "numbers.h"
#include "reference_net.h"
#include "support.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

enum { BATCH = 2, H = 8, W = 12, PICTURE = 3 * H * W, PIXELS = BATCH * PICTURE };

static cgv_rng rng;

static cgv_model *named(const char *name, int judged) {
    cgv_net *net;
    cgv_model *model;
    cgv_arch_options options = {.name = name, .ngf = 2, .ndf = 2, .layers = 1, .judged = judged};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "test"), CGV_OK);
    float *params = ref_random_params(net, &rng);
    memcpy(model->params, params, net->param_floats * sizeof *params);
    free(params);
    return model;
}

typedef struct pair_game {
    cgv_model *generator, *judge;
    const cgv_model *models[CGV_NETS];
    cgv_trainer_params params;
    float *a, *b; // accumulate batches
} pair_game;

static pair_game new_game(cgv_gan_mode mode, int accumulate) {
    pair_game g = {.generator = named("unet_4", 0),
                   .judge = named("patchgan_nonorm", 6),
                   .params = CGV_TRAINER_PAIRED_DEFAULTS};
    g.models[CGV_G_A] = g.generator;
    g.models[CGV_D_A] = g.judge;
    g.params.batch = BATCH;
    g.params.height = H;
    g.params.width = W;
    g.params.gan = mode;
    g.params.accumulate = accumulate;
    g.params.lambda_l1 = 7;
    g.a = numbers_random(&rng, (size_t)accumulate * PIXELS, 0, 0.5f);
    g.b = numbers_random(&rng, (size_t)accumulate * PIXELS, 0, 0.5f);
    return g;
}

static void free_game(pair_game *g) {
    cgv_model_destroy(&g->generator);
    cgv_model_destroy(&g->judge);
    free(g->a);
    free(g->b);
}

static cgv_trainer *new_trainer(const pair_game *g, cgv_device *device) {
    cgv_trainer *trainer;
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_create(&trainer, device, g->models, &g->params), CGV_OK);
    return trainer;
}

static float *read_back(const cgv_buffer *buffer, const cgv_model *model) {
    size_t count = model->net->param_floats;
    float *data = numbers_allocate(count, sizeof *data);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(buffer, 0, data, count * sizeof *data), CGV_OK);
    return data;
}

// ---- the game in double, of one batch ----

typedef struct reference {
    const pair_game *game;
    ref_evaluation generator, judge;
} reference;

static double cost(cgv_gan_mode mode, double x, bool generator, bool real) {
    if (mode == CGV_GAN_LSGAN)
        return real ? (x - 1) * (x - 1) : x * x;
    if (mode == CGV_GAN_VANILLA)
        return real ? log1p(exp(-x)) : log1p(exp(x));
    return generator ? -x : fmax(0, real ? 1 - x : 1 + x);
}

// What a judgement of a with `other` costs; other: PIXELS numbers.
static double judge(reference *r, const double *other, bool generator, bool real) {
    double *pair = r->judge.values[0];
    for (int n = 0; n < BATCH; n++)
        for (int i = 0; i < PICTURE; i++) {
            pair[2 * n * PICTURE + i] = r->game->a[n * PICTURE + i];
            pair[(2 * n + 1) * PICTURE + i] = other[n * PICTURE + i];
        }
    const double *y = ref_evaluate(&r->judge, 1);
    size_t count = ref_count(ref_evaluation_shape(&r->judge, r->judge.net->node_count - 1));
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += cost(r->game->params.gan, y[i], generator, real);
    return sum / (double)count;
}

static double l1(reference *r, const double *fake) {
    double sum = 0;
    for (int i = 0; i < PIXELS; i++)
        sum += fabs(fake[i] - r->game->b[i]);
    return (double)r->game->params.lambda_l1 * sum / PIXELS;
}

static double generator_loss(reference *r) {
    const double *fake = ref_evaluate(&r->generator, 1);
    return judge(r, fake, true, true) + l1(r, fake);
}

static double judge_loss(reference *r) {
    static double b[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        b[i] = r->game->b[i];
    const double *fake = ref_evaluate(&r->generator, 1);
    return (judge(r, b, false, true) + judge(r, fake, false, false)) / 2;
}

static void check_slopes(reference *r, ref_evaluation *net, double (*loss)(reference *),
                         const float *gradient, const char *what) {
    const double h = 1e-7;
    double error = 0, norm = 0;
    for (size_t i = 0; i < net->net->param_floats; i++) {
        double middle = net->params[i];
        net->params[i] = middle + h;
        double above = loss(r);
        net->params[i] = middle - h;
        double slope = (above - loss(r)) / (2 * h);
        net->params[i] = middle;
        error += (gradient[i] - slope) * (gradient[i] - slope);
        norm += slope * slope;
    }
    bool right = norm > 0 && sqrt(error) <= 1e-4 * sqrt(norm);
    CU_ASSERT(right);
    if (!right)
        printf("FAILED: %s: the gradient is off by %g of %g\n", what, sqrt(error), sqrt(norm));
}

static bool near(float got, double wanted) {
    bool right = fabs(got - wanted) <= 1e-5 * fabs(wanted);
    if (!right)
        printf("FAILED: a loss is %g instead of %g\n", (double)got, wanted);
    return right;
}

static void check_step(cgv_gan_mode mode, bool recompute) {
    pair_game g = new_game(mode, 1);
    g.params.recompute = recompute;
    reference r = {.game = &g};
    ref_shape picture = {BATCH, 3, H, W}, pair = {BATCH, 6, H, W};
    CU_ASSERT_FATAL(
        ref_evaluation_create(&r.generator, g.generator->net, g.generator->params, g.a, picture));
    CU_ASSERT_FATAL(ref_evaluation_create(&r.judge, g.judge->net, g.judge->params, NULL, pair));
    cgv_trainer *trainer = new_trainer(&g, cgv_test_device());
    cgv_losses losses;
    CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &losses, g.a, g.b, NULL, 0.01f, 0.05f), CGV_OK);
    CU_ASSERT(near(losses.d_a, judge_loss(&r)));
    float *gradient = read_back(&cgv_trainer_net(trainer, CGV_D_A)->grads, g.judge);
    check_slopes(&r, &r.judge, judge_loss, gradient, "D");
    free(gradient);

    // The generator meets the discriminator that has just learned.
    float *learned = read_back(&cgv_trainer_net(trainer, CGV_D_A)->params.values, g.judge);
    for (size_t i = 0; i < g.judge->net->param_floats; i++)
        r.judge.params[i] = learned[i];
    CU_ASSERT(memcmp(learned, g.judge->params, g.judge->net->param_floats * sizeof *learned));
    free(learned);
    const double *fake = ref_evaluate(&r.generator, 1);
    CU_ASSERT(near(losses.g_a, judge(&r, fake, true, true)));
    CU_ASSERT(near(losses.l1_a, l1(&r, fake)));
    gradient = read_back(&cgv_trainer_net(trainer, CGV_G_A)->grads, g.generator);
    check_slopes(&r, &r.generator, generator_loss, gradient, "G");
    free(gradient);

    // Adam moved the generator; the pictures are those of the step.
    float *moved = read_back(&cgv_trainer_net(trainer, CGV_G_A)->params.values, g.generator);
    CU_ASSERT(memcmp(moved, g.generator->params, g.generator->net->param_floats * sizeof *moved));
    free(moved);
    static float shown[PIXELS];
    CU_ASSERT_EQUAL(cgv_trainer_read(trainer, shown, cgv_trainer_last(trainer).fake_b), CGV_OK);
    CU_ASSERT(numbers_close(shown, ref_evaluate(&r.generator, 1), PIXELS, 1e-5));
    CU_ASSERT_EQUAL(cgv_trainer_read(trainer, shown, cgv_trainer_last(trainer).b), CGV_OK);
    CU_ASSERT(!memcmp(shown, g.b, sizeof shown));
    CU_ASSERT(cgv_trainer_bytes(trainer) > 0);
    cgv_trainer_destroy(&trainer);
    ref_evaluation_destroy(&r.generator);
    ref_evaluation_destroy(&r.judge);
    free_game(&g);
}

static void test_step(void) {
    cgv_rng_seed(&rng, 20170330, 1);
    check_step(CGV_GAN_VANILLA, false);
    check_step(CGV_GAN_LSGAN, true);
    check_step(CGV_GAN_HINGE, false);
}

// Gradients of several batches are the mean of theirs, as long as the discriminator stands still.
static void test_accumulation(void) {
    cgv_rng_seed(&rng, 20170330, 2);
    pair_game g = new_game(CGV_GAN_VANILLA, 2);
    cgv_losses both, parts[2];
    cgv_trainer *trainer = new_trainer(&g, cgv_test_device());
    CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &both, g.a, g.b, NULL, 0, 0), CGV_OK);
    float *grads[3];
    grads[2] = read_back(&cgv_trainer_net(trainer, CGV_G_A)->grads, g.generator);
    cgv_trainer_destroy(&trainer);
    g.params.accumulate = 1;
    for (int i = 0; i < 2; i++) {
        trainer = new_trainer(&g, cgv_test_device());
        CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &parts[i], g.a + (ptrdiff_t)i * PIXELS,
                                         g.b + (ptrdiff_t)i * PIXELS, NULL, 0, 0),
                        CGV_OK);
        grads[i] = read_back(&cgv_trainer_net(trainer, CGV_G_A)->grads, g.generator);
        cgv_trainer_destroy(&trainer);
    }
    CU_ASSERT(near(both.g_a, ((double)parts[0].g_a + parts[1].g_a) / 2));
    CU_ASSERT(near(both.l1_a, ((double)parts[0].l1_a + parts[1].l1_a) / 2));
    CU_ASSERT(near(both.d_a, ((double)parts[0].d_a + parts[1].d_a) / 2));
    size_t count = g.generator->net->param_floats;
    double *mean = numbers_widen(grads[0], count);
    numbers_add(mean, grads[1], count);
    for (size_t i = 0; i < count; i++)
        mean[i] /= 2;
    CU_ASSERT(numbers_close(grads[2], mean, count, 1e-5));
    free(mean);
    for (int i = 0; i < 3; i++)
        free(grads[i]);
    free_game(&g);
}

static void expect_refusal(const pair_game *g, const char *why) {
    cgv_trainer *trainer;
    cgv_test_messages();
    CU_ASSERT_EQUAL(cgv_trainer_create(&trainer, cgv_test_device(), g->models, &g->params),
                    CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said(why));
    CU_ASSERT_PTR_NULL(trainer);
}

static void test_refused(void) {
    cgv_test_device();
    cgv_test_listen();
    cgv_rng_seed(&rng, 20170330, 3);
    pair_game g = new_game(CGV_GAN_VANILLA, 1);
    cgv_model *unpaired = named("patchgan", 3);
    g.models[CGV_D_A] = unpaired;
    expect_refusal(&g, "patchgan cannot serve as a discriminator");
    g.models[CGV_D_A] = g.judge;
    g.models[CGV_G_B] = g.generator;
    expect_refusal(&g, "one generator and one discriminator");
    g.models[CGV_G_B] = NULL;
    g.params.pool = 3;
    expect_refusal(&g, "no pool");
    g.params.pool = 0;
    g.params.lambda_l1 = -1;
    expect_refusal(&g, "out of range");
    cgv_model_destroy(&unpaired);
    free_game(&g);
}

// Two steps in one go, and with a checkpoint between them, give the same bytes.
static void test_checkpoint(void) {
    cgv_rng_seed(&rng, 20170330, 4);
    pair_game g = new_game(CGV_GAN_VANILLA, 1);
    char path[] = "/tmp/cgvideo-test-XXXXXX";
    int file = mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    close(file);
    cgv_losses losses, again;
    cgv_trainer *trainer = new_trainer(&g, cgv_test_device());
    CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &losses, g.a, g.b, NULL, 0.01f, 0.01f), CGV_OK);
    CU_ASSERT_EQUAL(cgv_checkpoint_save(trainer, path, NULL), CGV_OK);
    CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &losses, g.a, g.b, NULL, 0.01f, 0.01f), CGV_OK);
    float *one = read_back(&cgv_trainer_net(trainer, CGV_G_A)->params.values, g.generator);
    cgv_trainer_destroy(&trainer);

    trainer = new_trainer(&g, cgv_test_full_barriers());
    CU_ASSERT_EQUAL_FATAL(cgv_checkpoint_load(trainer, path, NULL), CGV_OK);
    CU_ASSERT_EQUAL(cgv_trainer_steps(trainer), 1);
    CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &again, g.a, g.b, NULL, 0.01f, 0.01f), CGV_OK);
    float *other = read_back(&cgv_trainer_net(trainer, CGV_G_A)->params.values, g.generator);
    CU_ASSERT(!memcmp(&losses, &again, sizeof losses));
    CU_ASSERT(!memcmp(one, other, g.generator->net->param_floats * sizeof *one));
    cgv_trainer_destroy(&trainer);
    unlink(path);
    free(one);
    free(other);
    free_game(&g);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"losses and gradients", test_step},
        {"accumulation", test_accumulation},
        {"checkpoint", test_checkpoint},
        {"refused", test_refused},
        {0},
    };
    return cgv_test_run("paired training", cases);
}
