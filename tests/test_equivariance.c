// The equivariance loss of training: what it is worth, and its gradient, against the reference.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "support.h"
#include "tiny_training.h"
#include "train/trainer_internal.h"

enum { WEIGHT = 3 };

static cgv_rng rng;

typedef struct movement {
    double *x, *target; // a picture, and what should come of it where it has moved
    cgv_warp_map maps[TINY_BATCH];
} movement;

// weight * mean |G(warped x) - target|.
static double loss(ref_evaluation *e, void *opaque) {
    movement *m = opaque;
    size_t count = ref_count(TINY_SHAPE);
    double sum = 0;
    ref_warp(e->values[0], m->x, TINY_SHAPE, m->maps);
    const double *y = ref_evaluate(e, 1);
    for (size_t i = 0; i < count; i++)
        sum += fabs(y[i] - m->target[i]);
    return WEIGHT * sum / (double)count;
}

static void check(const cgv_model *model, const float *picture, const float *with,
                  const float *without, float value, int64_t batch) {
    ref_evaluation e;
    size_t count = ref_count(TINY_SHAPE);
    movement m = {.x = numbers_widen(picture, count),
                  .target = numbers_allocate(count, sizeof *m.target)};
    CU_ASSERT_FATAL(ref_evaluation_create(&e, model->net, model->params, NULL, TINY_SHAPE));
    cgv_trainer_draw_warps(m.maps, TINY_BATCH, batch);
    memcpy(e.values[0], m.x, count * sizeof *m.x);
    ref_warp(m.target, ref_evaluate(&e, 1), TINY_SHAPE, m.maps);
    double expected = loss(&e, &m);
    CU_ASSERT(expected > 0.01);
    CU_ASSERT_DOUBLE_EQUAL(value, expected, 1e-5 * expected);
    CU_ASSERT(tiny_training_slope(&e, with, without, loss, &m));
    ref_evaluation_destroy(&e);
    free(m.x);
    free(m.target);
}

static void test_loss(void) {
    tiny_training t;
    cgv_rng_seed(&rng, 20200715, 1);
    tiny_training_begin(&t, &rng);
    const int64_t steps[] = {0, 41};
    for (int i = 0; i < 2; i++) {
        cgv_losses with, without;
        cgv_trainer_params params = tiny_training_params();
        float *plain = tiny_training_step(&t, &params, steps[i], &without);
        params.equivariance = WEIGHT;
        float *grads = tiny_training_step(&t, &params, steps[i], &with);
        size_t count = t.models[0]->net->param_floats;
        check(t.models[CGV_G_A], t.a, grads, plain, with.equivariance_a, steps[i]);
        check(t.models[CGV_G_B], t.b, grads + count, plain + count, with.equivariance_b, steps[i]);
        CU_ASSERT(without.equivariance_a == 0 && without.equivariance_b == 0);
        CU_ASSERT(without.cycle_a == with.cycle_a && without.d_a == with.d_a);
        free(grads);
        free(plain);
    }
    tiny_training_end(&t);
}

static void test_warps(void) {
    cgv_warp_map first[TINY_BATCH], again[TINY_BATCH], other[TINY_BATCH];
    double shift = 0;
    cgv_trainer_draw_warps(first, TINY_BATCH, 7);
    cgv_trainer_draw_warps(again, TINY_BATCH, 7);
    cgv_trainer_draw_warps(other, TINY_BATCH, 8);
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
