#include "tiny_training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "support.h"

static cgv_model *tiny_net(bool generator, cgv_rng *rng) {
    cgv_net *net;
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "tiny", 3), CGV_OK);
    int x = cgv_net_conv(net, 0, "c",
                         &(cgv_conv_desc){.channels = generator ? 3 : 1, .kernel = 3, .pad = 1});
    if (generator)
        cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "built in"), CGV_OK);
    for (size_t i = 0; i < net->param_floats; i++)
        model->params[i] = 0.3f * cgv_rng_normal(rng);
    return model;
}

// The same pictures once more behind them.
static float *twice(float *pictures) {
    size_t bytes = ref_count(TINY_SHAPE) * sizeof *pictures;
    float *all = realloc(pictures, 2 * bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    memcpy(all + ref_count(TINY_SHAPE), all, bytes);
    return all;
}

void tiny_training_begin(tiny_training *t, cgv_rng *rng) {
    *t = (tiny_training){0};
    for (int i = 0; i < CGV_NETS; i++)
        t->models[i] = tiny_net(i < CGV_D_A, rng);
    t->a = twice(numbers_random(rng, ref_count(TINY_SHAPE), 0, 0.4f));
    t->b = twice(numbers_random(rng, ref_count(TINY_SHAPE), 0, 0.4f));
}

void tiny_training_end(tiny_training *t) {
    for (int i = 0; i < CGV_NETS; i++)
        cgv_model_destroy(&t->models[i]);
    free(t->a);
    free(t->b);
    free(t->scenes);
}

cgv_trainer_params tiny_training_params(void) {
    cgv_trainer_params params = CGV_TRAINER_DEFAULTS;
    params.batch = TINY_BATCH;
    params.height = TINY_H;
    params.width = TINY_W;
    params.identity = 0;
    return params;
}

float *tiny_training_step(const tiny_training *t, const cgv_trainer_params *params, int64_t steps,
                          cgv_losses *losses) {
    const cgv_model *models[CGV_NETS];
    cgv_trainer *trainer;
    size_t count = t->models[0]->net->param_floats;
    float *grads = numbers_allocate(2 * count, sizeof *grads);
    for (int i = 0; i < CGV_NETS; i++)
        models[i] = t->models[i];
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_create(&trainer, cgv_test_device(), models, params), CGV_OK);
    cgv_trainer_set_steps(trainer, steps);
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_step(trainer, losses, t->a, t->b, t->scenes, 1e-4f, 1e-4f),
                          CGV_OK);
    for (int g = 0; g < 2; g++)
        CU_ASSERT_EQUAL(cgv_buffer_read(&cgv_trainer_net(trainer, g)->grads, 0,
                                        grads + (size_t)g * count, count * sizeof *grads),
                        CGV_OK);
    cgv_trainer_destroy(&trainer);
    return grads;
}

double tiny_training_l1(ref_evaluation *e, void *target) {
    size_t count = ref_count(TINY_SHAPE);
    const double *y = ref_evaluate(e, 1);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += fabs(y[i] - ((const double *)target)[i]);
    return TINY_WEIGHT * sum / (double)count;
}

bool tiny_training_slope(ref_evaluation *e, const float *with, const float *without,
                         double (*loss)(ref_evaluation *e, void *opaque), void *opaque) {
    const double step = 1e-5;
    double largest = 0;
    bool right = true;
    for (size_t i = 0; i < e->net->param_floats; i++)
        largest = fmax(largest, fabs(with[i] - without[i]));
    if (!(largest > 1e-3)) {
        printf("FAILED: the loss has no gradient: %g\n", largest);
        return false;
    }
    for (size_t i = 0; i < e->net->param_floats; i++) {
        double kept = e->params[i];
        e->params[i] = kept + step;
        double up = loss(e, opaque);
        e->params[i] = kept - step;
        double down = loss(e, opaque);
        e->params[i] = kept;
        double got = with[i] - without[i], slope = (up - down) / (2 * step);
        if (fabs(got - slope) > 0.01 * largest) {
            printf("FAILED: parameter %zu: %g, not %g\n", i, got, slope);
            right = false;
        }
    }
    return right;
}
