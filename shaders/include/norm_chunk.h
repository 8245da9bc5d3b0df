// Elements of a plane that one subgroup sums up at a time: C and GLSL.
#define NORM_CHUNK 2048
