// The equivariance loss of training: what it is worth, and its gradient, against the reference.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "model/model.h"
#include "numbers.h"
#include "reference_net.h"
#include "support.h"
#include "train/trainer_internal.h"

enum { BATCH = 2, H = 20, W = 24, WEIGHT = 3 };

static const ref_shape shape = {BATCH, 3, H, W};
static cgv_rng rng;

static cgv_model *tiny_net(bool generator) {
    cgv_net *net;
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "tiny", 3), CGV_OK);
    int x = cgv_net_conv(net, 0, "c",
                         &(cgv_conv_desc){.channels = generator ? 3 : 1, .kernel = 3, .pad = 1});
    if (generator)
        cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "built in"), CGV_OK);
    for (size_t i = 0; i < net->param_floats; i++)
        model->params[i] = 0.3f * cgv_rng_normal(&rng);
    return model;
}

// Gradients of both generators after one step, [2][param_floats].
static float *gradients(const cgv_model *const models[CGV_NETS], const float *a, const float *b,
                        float equivariance, int64_t steps, cgv_losses *losses) {
    cgv_trainer_params params = CGV_TRAINER_DEFAULTS;
    params.batch = BATCH;
    params.height = H;
    params.width = W;
    params.identity = 0;
    params.equivariance = equivariance;
    cgv_trainer *trainer;
    size_t count = models[0]->net->param_floats;
    float *grads = numbers_allocate(2 * count, sizeof *grads);
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_create(&trainer, cgv_test_device(), models, &params), CGV_OK);
    cgv_trainer_set_steps(trainer, steps);
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_step(trainer, losses, a, b, 1e-4f, 1e-4f), CGV_OK);
    for (int g = 0; g < 2; g++)
        CU_ASSERT_EQUAL(cgv_buffer_read(&cgv_trainer_net(trainer, g)->grads, 0,
                                        grads + (size_t)g * count, count * sizeof *grads),
                        CGV_OK);
    cgv_trainer_destroy(&trainer);
    return grads;
}

// weight * mean |G(warped x) - target|; make: of G(x), first.
static double loss(ref_evaluation *e, const double *x, const cgv_warp_map *maps, double *target,
                   bool make) {
    size_t count = ref_count(shape);
    double sum = 0;
    if (make) {
        memcpy(e->values[0], x, count * sizeof *x);
        ref_warp(target, ref_evaluate(e, 1), shape, maps);
    }
    ref_warp(e->values[0], x, shape, maps);
    const double *y = ref_evaluate(e, 1);
    for (size_t i = 0; i < count; i++)
        sum += fabs(y[i] - target[i]);
    return WEIGHT * sum / (double)count;
}

static void check(const cgv_model *model, const float *picture, const float *with,
                  const float *without, float value, int64_t batch) {
    cgv_warp_map maps[BATCH];
    ref_evaluation e;
    double *x = numbers_widen(picture, ref_count(shape));
    double *target = numbers_allocate(ref_count(shape), sizeof *target);
    CU_ASSERT_FATAL(ref_evaluation_create(&e, model->net, model->params, NULL, shape));
    cgv_trainer_draw_warps(maps, BATCH, batch);
    double expected = loss(&e, x, maps, target, true);
    CU_ASSERT(expected > 0.01);
    CU_ASSERT_DOUBLE_EQUAL(value, expected, 1e-5 * expected);
    double largest = 0;
    for (size_t i = 0; i < model->net->param_floats; i++)
        largest = fmax(largest, fabs(with[i] - without[i]));
    CU_ASSERT(largest > 1e-3);
    for (size_t i = 0; i < model->net->param_floats; i++) {
        const double step = 1e-5;
        double kept = e.params[i];
        e.params[i] = kept + step;
        double up = loss(&e, x, maps, target, false);
        e.params[i] = kept - step;
        double down = loss(&e, x, maps, target, false);
        e.params[i] = kept;
        double got = with[i] - without[i], slope = (up - down) / (2 * step);
        if (fabs(got - slope) > 0.01 * largest) {
            printf("FAILED: parameter %zu: %g, not %g\n", i, got, slope);
            CU_FAIL("gradient");
        }
    }
    ref_evaluation_destroy(&e);
    free(x);
    free(target);
}

static void test_loss(void) {
    cgv_rng_seed(&rng, 20200715, 1);
    const cgv_model *models[CGV_NETS];
    cgv_model *owned[CGV_NETS];
    for (int i = 0; i < CGV_NETS; i++)
        models[i] = owned[i] = tiny_net(i < CGV_D_A);
    float *a = numbers_random(&rng, ref_count(shape), 0, 0.4f);
    float *b = numbers_random(&rng, ref_count(shape), 0, 0.4f);
    const int64_t steps[] = {0, 41};
    for (int i = 0; i < 2; i++) {
        cgv_losses with, without;
        float *grads = gradients(models, a, b, WEIGHT, steps[i], &with);
        float *plain = gradients(models, a, b, 0, steps[i], &without);
        size_t count = models[0]->net->param_floats;
        check(models[CGV_G_A], a, grads, plain, with.equivariance_a, steps[i]);
        check(models[CGV_G_B], b, grads + count, plain + count, with.equivariance_b, steps[i]);
        CU_ASSERT(without.equivariance_a == 0 && without.equivariance_b == 0);
        CU_ASSERT(without.cycle_a == with.cycle_a && without.d_a == with.d_a);
        free(grads);
        free(plain);
    }
    free(a);
    free(b);
    for (int i = 0; i < CGV_NETS; i++)
        cgv_model_destroy(&owned[i]);
}

static void test_warps(void) {
    cgv_warp_map first[BATCH], again[BATCH], other[BATCH];
    double shift = 0;
    cgv_trainer_draw_warps(first, BATCH, 7);
    cgv_trainer_draw_warps(again, BATCH, 7);
    cgv_trainer_draw_warps(other, BATCH, 8);
    CU_ASSERT(!memcmp(first, again, sizeof first));
    CU_ASSERT(memcmp(first, other, sizeof first));
    CU_ASSERT(memcmp(&first[0], &first[1], sizeof first[0]));
    for (int64_t i = 0; i < 1000; i++) { // as often one way as the other
        cgv_trainer_draw_warps(first, 1, i);
        CU_ASSERT(fabsf(first->t[0]) <= 8 && fabsf(first->t[1]) <= 8);
        CU_ASSERT(fabsf(first->m[0] - 1) < 0.05f && first->m[0] == first->m[3]);
        shift += first->t[0];
    }
    CU_ASSERT(fabs(shift / 1000) < 0.5);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"the loss and its gradient", test_loss},
        {"warps", test_warps},
        {0},
    };
    return cgv_test_run("equivariance", cases);
}
