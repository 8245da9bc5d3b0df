// Models of random weights, for tests of the filter. The caller destroys them; failures end the
// test.
#ifndef CGV_TESTS_RANDOM_MODELS_H
#define CGV_TESTS_RANDOM_MODELS_H

#include "base/rng.h"
#include "model/model.h"
#include "nn/net.h"

cgv_model *random_model_identity(void);
cgv_model *random_model_of(cgv_rng *rng, cgv_net *net); // takes the net
// Of an architecture that cgv_arch_by_name knows, of this width.
cgv_model *random_model_named(cgv_rng *rng, const char *name, int width);

#endif
