// Included before every source of the double build (CMakeLists.txt here): what the library and the
// tests compute in `float` becomes double. First come the headers of others, whose floats are not
// ours to change.
#ifndef CGV_TESTS_DOUBLE_H
#define CGV_TESTS_DOUBLE_H

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <volk.h>

#include "base/float32.h"
#include "model/onnx.pb-c.h"

#define CGV_DOUBLE // shaders/include/push.h

#define float double
#define expf   exp
#define fabsf  fabs
#define fmaxf  fmax
#define ldexpf ldexp
#define logf   log
#define cosf   cos
#define lrintf lrint
#define sqrtf  sqrt

#endif
