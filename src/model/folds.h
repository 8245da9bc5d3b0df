// What training keeps beside a convolution's weights and a finished network makes part of them:
// batch norm (Ioffe, Szegedy 2015) and spectral norm (Miyato et al. 2018). How a weight's numbers
// are ordered depends on what it is the weight of; so they are taken from the dictionary first, and
// applied once the network is recognised.
#ifndef CGV_MODEL_FOLDS_H
#define CGV_MODEL_FOLDS_H

#include "model/model.h"
#include "model/state_dict.h"

typedef struct cgv_fold {
    char *convolution; // its name in the network: of the parameters NAME.weight and NAME.bias
    // Batch norm: a factor and a summand for every channel. Spectral norm: the vectors whose
    // product with the weight's matrix is its norm; the second may be missing.
    float *first, *second;
    size_t first_count, second_count;
} cgv_fold;

typedef struct cgv_folds {
    cgv_fold *batch, *spectral;
    int batch_count, spectral_count;
} cgv_folds;

// Take the norms' tensors out of the dictionary, and give the convolutions before batch norms the
// names that they have in networks with such norms folded in (nn/arch.h, CGV_NORM_FOLDED).
// CGV_ERROR_UNSUPPORTED where a batch norm has no convolution before it. Free *out in any case.
CGV_NODISCARD cgv_status cgv_folds_take(cgv_folds *out, cgv_state_dict *dict, const char *where);
void cgv_folds_free(cgv_folds *folds);

// Change the model's weights accordingly. CGV_ERROR_FORMAT where the numbers make no sense.
CGV_NODISCARD cgv_status cgv_folds_apply(const cgv_folds *folds, cgv_model *model,
                                         const char *where);

#endif
