#include "train/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

double cgv_schedule_factor(cgv_schedule_kind kind, int64_t step, int64_t total, int64_t period) {
    double epochs = ceil((double)total / (double)period),
           epoch = floor((double)step / (double)period);
    double constant = floor(epochs / 2), decay = epochs - constant;
    switch (kind) {
    case CGV_SCHEDULE_LINEAR:
        return 1 - fmax(0, epoch + 1 - constant) / (decay + 1);
    case CGV_SCHEDULE_STEP:
        return pow(0.1, floor(4 * epoch / epochs));
    case CGV_SCHEDULE_COSINE:
        return 0.5 * (1 + cos(pi * epoch / epochs));
    case CGV_SCHEDULE_CONSTANT:
        break;
    }
    return 1;
}
