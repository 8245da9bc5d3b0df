// A picture's values are counted in bins of [-1, 1], for bands of rows apart: C and GLSL.
#ifndef HISTOGRAM_BINS
#define HISTOGRAM_BINS  256
#define HISTOGRAM_BANDS 3
#endif
