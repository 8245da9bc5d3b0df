#include "numbers.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void *numbers_allocate(size_t count, size_t size) {
    void *data = calloc(count + 1, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    return data;
}

float *numbers_random(cgv_rng *rng, size_t count, float mean, float deviation) {
    float *data = numbers_allocate(count, sizeof *data);
    for (size_t i = 0; i < count; i++)
        data[i] = mean + deviation * cgv_rng_normal(rng);
    return data;
}

double *numbers_widen(const float *data, size_t count) {
    double *wide = numbers_allocate(count, sizeof *wide);
    for (size_t i = 0; i < count; i++)
        wide[i] = data[i];
    return wide;
}

void numbers_add(double *sum, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        sum[i] += x[i];
}

double numbers_error(const float *got, const double *expected, size_t count) {
    double error = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        error += (got[i] - expected[i]) * (got[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    return sqrt(error / norm);
}

bool numbers_close(const float *got, const double *expected, size_t count, double tolerance) {
    double difference = 0, norm = 0, worst = 0, largest = 1;
    for (size_t i = 0; i < count; i++) {
        double d = got[i] - expected[i];
        difference += d * d;
        norm += expected[i] * expected[i];
        worst = fabs(d) <= worst ? worst : fabs(d);
        largest = fmax(largest, fabs(expected[i]));
    }
    // Where all is (nearly) zero, nothing relative can be asked for.
    double floor = 1e-7 * sqrt((double)count);
    if (sqrt(difference) <= tolerance * sqrt(norm) + floor && worst <= 10 * tolerance * largest)
        return true;
    printf("relative error %.3g, largest error %.3g of values up to %.3g\n",
           sqrt(difference / norm), worst, largest);
    return false;
}
