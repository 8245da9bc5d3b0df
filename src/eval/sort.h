// Sorting numbers.
#ifndef CGV_EVAL_SORT_H
#define CGV_EVAL_SORT_H

#include <stddef.h>

// Into ascending order; NaNs are placed by their bits. scratch: room for as many.
void cgv_sort_floats(float *values, float *scratch, size_t count);

#endif
