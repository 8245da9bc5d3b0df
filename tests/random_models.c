#include "random_models.h"

#include <stdlib.h>
#include <string.h>

#include "nn/arch.h"
#include "reference_net.h"
#include "support.h"

cgv_model *random_model_identity(void) {
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, "identity"), CGV_OK);
    return model;
}

cgv_model *random_model_of(cgv_rng *rng, cgv_net *net) {
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "test"), CGV_OK);
    float *weights = ref_random_params(model->net, rng);
    CU_ASSERT_PTR_NOT_NULL_FATAL(weights);
    memcpy(model->params, weights, model->net->param_floats * sizeof *weights);
    free(weights);
    return model;
}

cgv_model *random_model_named(cgv_rng *rng, const char *name, int width) {
    return random_model_of(rng, cgv_test_net(name, width, 0));
}
