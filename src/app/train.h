// cgvideo train: options, and the run they describe.
#ifndef CGV_APP_TRAIN_H
#define CGV_APP_TRAIN_H

#include <jansson.h>
#include <stdatomic.h>

#include "app/app.h"

typedef struct cgv_train_options {
    cgv_app_common common;
    const char *a, *b, *output, *resume, *cache;
    const char *arch, *upsample, *head, *init_g, *init_d;
    int ngf, ndf, layers, shrink_g, shrink_d, coarse_d;
    cgv_cli_size crop;
    int load_size, preprocess, frames;
    double min_scale;
    bool coord_d, no_flip, paired;
    double exposure_a, exposure_b;
    int gan, schedule, norm_d;
    int freeze;    // a cgv_frozen
    int direction; // of pairs
    double lambda_l1;
    double lambda_a, lambda_b, identity, equivariance, histogram, histogram_chroma, night,
        night_light, night_most, night_gamma, windows;
    double lr, lr_d, beta1, average; // lr_d 0: as lr
    int histogram_bands;
    int kernels; // a cgv_kernels
    int pool, batch, accumulate, epochs, steps, seed;
    bool recompute;
    int log_every, sample_every, save_every, keep, workers;
} cgv_train_options;

// What pictures of A show (train/scene.h).
static inline bool cgv_train_needs_scenes(const cgv_train_options *o) {
    return o->night > 0 || o->windows > 0;
}

extern const cgv_cli_option cgv_train_option_table[];
// They differ where training is paired.
cgv_train_options cgv_train_option_defaults(bool paired);

// Run to the end, or until *stop: the state is saved then, so that the run can be resumed, and
// CGV_ERROR_INTERRUPTED returned. config: what the run directory's config.json holds, to which a
// new run adds the kernels that were chosen.
CGV_NODISCARD cgv_status cgv_train_run(cgv_device *device, const cgv_train_options *options,
                                       json_t *config, const atomic_bool *stop);

#endif
