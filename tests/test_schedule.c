// Learning rates over a run, against the schedules of the public PyTorch implementation.
#include <math.h>

#include "support.h"
#include "train/schedule.h"

enum { EPOCHS = 200, EPOCH_STEPS = 7, TOTAL = EPOCHS * EPOCH_STEPS };

static double at_epoch(cgv_schedule_kind kind, int epoch, int step) {
    return cgv_schedule_factor(kind, (int64_t)epoch * EPOCH_STEPS + step, TOTAL, EPOCH_STEPS);
}

static void test_linear(void) {
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        for (int step = 0; step < EPOCH_STEPS; step++) {
            double expected = 1 - fmax(0, epoch + 1 - 100) / 101.0;
            CU_ASSERT_DOUBLE_EQUAL(at_epoch(CGV_SCHEDULE_LINEAR, epoch, step), expected, 1e-12);
        }
}

static void test_step(void) {
    static const int epochs[] = {0, 49, 50, 99, 100, 150, 199};
    static const double expected[] = {1, 1, 0.1, 0.1, 0.01, 0.001, 0.001};
    for (int i = 0; i < 7; i++)
        CU_ASSERT_DOUBLE_EQUAL(at_epoch(CGV_SCHEDULE_STEP, epochs[i], 3), expected[i], 1e-12);
}

static void test_cosine(void) {
    CU_ASSERT_DOUBLE_EQUAL(at_epoch(CGV_SCHEDULE_COSINE, 0, 0), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(at_epoch(CGV_SCHEDULE_COSINE, 100, 0), 0.5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(at_epoch(CGV_SCHEDULE_COSINE, 50, 6), 0.5 + sqrt(0.125), 1e-12);
    CU_ASSERT(at_epoch(CGV_SCHEDULE_COSINE, 199, 6) > 0);
}

// A run measured in steps: every step its own rate, never zero or negative, never rising.
static void test_by_steps(void) {
    for (int kind = CGV_SCHEDULE_LINEAR; kind <= CGV_SCHEDULE_CONSTANT; kind++)
        for (int64_t total = 1; total < 40; total++) {
            double last = 1;
            for (int64_t step = 0; step < total; step++) {
                double factor = cgv_schedule_factor((cgv_schedule_kind)kind, step, total, 1);
                CU_ASSERT(factor > 0 && factor <= last);
                last = factor;
            }
        }
    CU_ASSERT_EQUAL(cgv_schedule_factor(CGV_SCHEDULE_LINEAR, 0, 1000, 1), 1);
    CU_ASSERT_EQUAL(cgv_schedule_factor(CGV_SCHEDULE_LINEAR, 499, 1000, 1), 1);
    CU_ASSERT(cgv_schedule_factor(CGV_SCHEDULE_LINEAR, 999, 1000, 1) < 0.003);
    CU_ASSERT_EQUAL(cgv_schedule_factor(CGV_SCHEDULE_CONSTANT, 999, 1000, 1), 1);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"linear", test_linear},
        {"step", test_step},
        {"cosine", test_cosine},
        {"by steps", test_by_steps},
        {0},
    };
    return cgv_test_run("schedule", cases);
}
