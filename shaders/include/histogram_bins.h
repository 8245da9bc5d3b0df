// A picture's values are counted in bins of [-1, 1]: C and GLSL.
#ifndef HISTOGRAM_BINS
#define HISTOGRAM_BINS 256
#endif
