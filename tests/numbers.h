// Arrays of numbers for the op tests.
#ifndef CGV_TESTS_NUMBERS_H
#define CGV_TESTS_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rng.h"

// Zeroed, never NULL (the test ends without memory); free() it.
void *numbers_allocate(size_t count, size_t size);

// Normally distributed; free() them.
float *numbers_random(cgv_rng *rng, size_t count, float mean, float deviation);

// The same numbers for a reference; free() them.
double *numbers_widen(const float *data, size_t count);

// sum += x, element by element.
void numbers_add(double *sum, const float *x, size_t count);

// ||got - expected|| / ||expected||, NaN if anything is.
double numbers_error(const float *got, const double *expected, size_t count);

// Relative L2 distance at most `tolerance`, no element further off than ten times that of the
// largest value. NaN fails. Prints how far off it is.
bool numbers_close(const float *got, const double *expected, size_t count, double tolerance);

#endif
