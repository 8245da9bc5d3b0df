// cgvideo eval: options, and what is measured.
#ifndef CGV_APP_EVAL_H
#define CGV_APP_EVAL_H

#include "app/app.h"
#include "eval/curve.h"
#include "eval/flicker.h"
#include "eval/swd.h"

typedef struct cgv_eval_options {
    cgv_app_common common;
    const char *model, *model_back, *a, *b, *output;
    cgv_cli_size size;
    int limit, net_height, seed, model_range, model_order, kernels;
    double stabilize;
} cgv_eval_options;

// A picture of A, or one frame of a video of A, and what became of it. The bitmaps are at the
// common size; the numbers were measured at the picture's own.
typedef struct cgv_eval_picture {
    char *name;
    int width, height;
    cgv_bitmap input, output, recovered; // recovered: no pixels without -m_back
    double tone;                         // see eval/tone.h
    double psnr;                         // of recovered and input
} cgv_eval_picture;

typedef struct cgv_eval_clip {
    char *name;
    int frames;
    cgv_flicker_result flicker;
    cgv_flicker_result steadied; // with -stabilize
} cgv_eval_clip;

// What is compared with B.
typedef enum cgv_eval_row {
    CGV_EVAL_OUTPUT,
    CGV_EVAL_INPUT,
    CGV_EVAL_GAMMA,
    CGV_EVAL_HISTOGRAM,
    CGV_EVAL_HALVES, // one half of B with the other
    CGV_EVAL_ROWS,
} cgv_eval_row;

typedef struct cgv_eval {
    const cgv_eval_options *options;
    const char *device;
    char architecture[64];
    cgv_eval_picture *a;
    cgv_eval_clip *clips;
    cgv_bitmap *b; // at the common size
    int a_count, clip_count, b_count;
    cgv_histogram a_histogram, b_histogram;
    double gamma;
    cgv_curves curves[CGV_EVAL_ROWS]; // of the rows that are tone curves
    cgv_swd distance[CGV_EVAL_ROWS];  // halves: no levels where B is a single picture
    double seconds, network_seconds;  // of all, of the generators alone
} cgv_eval;

// Measure everything. *out is freed by cgv_eval_free, on failure too.
CGV_NODISCARD cgv_status cgv_eval_run(cgv_eval *out, cgv_device *device,
                                      const cgv_eval_options *options);
void cgv_eval_free(cgv_eval *eval);

// Write eval.json and the contact sheets into the folder of -o, and print the numbers.
CGV_NODISCARD cgv_status cgv_eval_report(const cgv_eval *eval);

#endif
