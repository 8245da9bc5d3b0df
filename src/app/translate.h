// What the command line of a translation says, and the run that does it.
#ifndef CGV_APP_TRANSLATE_H
#define CGV_APP_TRANSLATE_H

#include <jansson.h>

#include "app/app.h"
#include "app/outputs.h"
#include "app/pipeline.h"

enum { CGV_MAX_MAPS = 64 };

typedef struct cgv_translate_options {
    cgv_app_common common;
    const char *input, *model;
    cgv_output_options out; // of the output that comes next on the command line
    cgv_outputs outputs;
    bool overwrite, never_overwrite, resume;
    const char *start, *length, *end;
    const char *input_rate, *input_format; // -r and -f before -i
    const char *map, *maps[CGV_MAX_MAPS];
    int map_count;
    const char *hwaccel;
    int deinterlace, hdr;
    AVDictionary *input_libav;
    double strength, stabilize, compare, max_error_rate, patience;
    bool wants_stabilize; // -stabilize was given, and not 0
    int net_height, tile, batch, model_range, model_order, precision, kernels;
    bool live, paced, auto_height, preview, list_devices;
    int threads;
    const char *progress;
    bool version;
} cgv_translate_options;

// The part that is wanted: microseconds; length INT64_MAX: to the end.
typedef struct cgv_wanted_part {
    int64_t start, length;
} cgv_wanted_part;

// All options on which the result depends, with those of libav and of the single output; NULL where
// one is no UTF-8, or when out of memory.
json_t *cgv_translate_config(const cgv_translate_options *options);

// Do it; returns the exit status.
int cgv_translate_run(const cgv_translate_options *options, const cgv_wanted_part *part);

#endif
