// Shared by the parts of cgvideo bench.
#ifndef CGV_APP_BENCH_H
#define CGV_APP_BENCH_H

#include <jansson.h>

#include "app/app.h"
#include "model/model.h"

typedef struct cgv_bench_options {
    cgv_app_common common;
    const char *arch, *upsample, *head, *model;
    int ngf, ndf, layers, runs, batch, net_height, tile, model_range, model_order, precision;
    int kernels;
    double stabilize;
    cgv_cli_size size;
    bool train, frame, recompute, json;
} cgv_bench_options;

double cgv_bench_now_ms(void);
double cgv_bench_median(double *values, int count); // sorts them

// A network of the options with random weights: zeros would run faster than a trained one.
CGV_NODISCARD cgv_status cgv_bench_random_model(cgv_model **out, const cgv_bench_options *options,
                                                bool generator, uint64_t seed);

// -m, or a network of the options with random weights.
CGV_NODISCARD cgv_status cgv_bench_open_model(cgv_model **out, const cgv_bench_options *options);

// Print to stdout, which the program checks at its end, and release; NULL reports what it must be:
// out of memory.
CGV_NODISCARD cgv_status cgv_bench_print_json(json_t *root);

// Time the whole way of frames through the filter and print the result.
CGV_NODISCARD cgv_status cgv_bench_frame(cgv_device *device, const cgv_bench_options *options);

// Time training steps and print the result.
CGV_NODISCARD cgv_status cgv_bench_train(cgv_device *device, const cgv_bench_options *options);

#endif
