// One step of a training of networks of one convolution each, and the gradients that it leaves: for
// tests of single losses.
#ifndef CGV_TESTS_TINY_TRAINING_H
#define CGV_TESTS_TINY_TRAINING_H

#include "base/rng.h"
#include "reference_net.h"
#include "train/trainer.h"

enum { TINY_BATCH = 2, TINY_H = 20, TINY_W = 24 };
#define TINY_SHAPE ((ref_shape){TINY_BATCH, 3, TINY_H, TINY_W})

typedef struct tiny_training {
    cgv_model *models[CGV_NETS];
    float *a, *b; // pictures [TINY_SHAPE], and the same again, for a second batch of a step
    float
        *scenes; // of a, for the losses of nights and windows: a test's own, freed with the others
} tiny_training;

void tiny_training_begin(tiny_training *t, cgv_rng *rng);
void tiny_training_end(tiny_training *t);

// Batch 2, no identity loss: what a loss adds shows against a step without it.
cgv_trainer_params tiny_training_params(void);

// Gradients of both generators after the step of this number, [2][parameters of one]; free() it.
float *tiny_training_step(const tiny_training *t, const cgv_trainer_params *params, int64_t steps,
                          cgv_losses *losses);

// TINY_WEIGHT times the mean difference between what `e` gives and the numbers of `target`
// (double).
enum { TINY_WEIGHT = 3 };
double tiny_training_l1(ref_evaluation *e, void *target);

// Whether with - without is the gradient of loss(e, opaque) in the parameters of `e`, which are
// changed one by one.
bool tiny_training_slope(ref_evaluation *e, const float *with, const float *without,
                         double (*loss)(ref_evaluation *e, void *opaque), void *opaque);

#endif
