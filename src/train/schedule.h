// Learning rate over a run, as a factor of the initial one.
#ifndef CGV_TRAIN_SCHEDULE_H
#define CGV_TRAIN_SCHEDULE_H

#include <stdint.h>

typedef enum cgv_schedule_kind {
    CGV_SCHEDULE_LINEAR, // constant for the first half, then linearly to zero
    CGV_SCHEDULE_STEP,   // a tenth after every quarter
    CGV_SCHEDULE_COSINE, // half a cosine to zero
    CGV_SCHEDULE_CONSTANT,
} cgv_schedule_kind;

// Factor for `step` of `total`, both from 0. The rate changes once per `period` steps (an epoch;
// 1: every step). With 200 epochs these are the schedules of the public PyTorch implementation:
// linear: 1 - max(0, e + 1 - 100) / 101; step: 0.1 after every 50 epochs.
double cgv_schedule_factor(cgv_schedule_kind kind, int64_t step, int64_t total, int64_t period);

#endif
