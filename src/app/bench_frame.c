// cgvideo bench -frame: the whole way of a frame on the device, from the decoder's planes to the
// encoder's.
#include <stdlib.h>
#include <string.h>

#include "app/bench.h"
#include "app/parts.h"
#include "base/log.h"
#include "base/rng.h"
#include "filter/profile.h"

// What most files hold: 8 bits, 4:2:0, limited range, BT.709.
static cgv_picture_format yuv420p(int width, int height) {
    return (cgv_picture_format){
        .width = width,
        .height = height,
        .layout = {.component = {{.plane = 0, .step = 1, .depth = 8},
                                 {.plane = 1, .step = 1, .depth = 8},
                                 {.plane = 2, .step = 1, .depth = 8}},
                   .components = 3,
                   .planes = 3,
                   .log2_chroma_w = 1,
                   .log2_chroma_h = 1},
        .colour = {.kr = 0.2126f, .kb = 0.0722f, .chroma_y = 0.5f},
    };
}

typedef struct frame_bench {
    cgv_model *model;
    cgv_translator *translator;
    cgv_picture_format format;
    cgv_picture in, out;
    double *run_ms;
    double part_ms[CGV_PARTS]; // of the last picture
} frame_bench;

// The last part has its turn with -stabilize only.
static int parts(const cgv_bench_options *o) {
    return o->stabilize > 0 ? CGV_PARTS : CGV_PART_STEADY;
}

static cgv_status make_pictures(frame_bench *b) {
    cgv_rng rng;
    cgv_rng_seed(&rng, 3, 0);
    for (int p = 0; p < b->format.layout.planes; p++) {
        size_t row = cgv_picture_row_bytes(&b->format, p);
        size_t bytes = row * (size_t)cgv_picture_rows(&b->format, p);
        b->in.stride[p] = b->out.stride[p] = (ptrdiff_t)row;
        b->in.data[p] = malloc(bytes);
        b->out.data[p] = malloc(bytes);
        if (!b->in.data[p] || !b->out.data[p])
            return cgv_fail(CGV_ERROR_MEMORY, "bench: out of memory");
        for (size_t i = 0; i < bytes; i++)
            b->in.data[p][i] = (uint8_t)(16 + cgv_rng_below(&rng, 220));
    }
    return CGV_OK;
}

static cgv_status translate(frame_bench *b) {
    cgv_status status = cgv_translator_send(b->translator, &b->in);
    return status ? status : cgv_translator_receive(b->translator, &b->out);
}

static cgv_status measure(frame_bench *b, int runs) {
    const cgv_profile_entry *entries;
    int count = 0;
    cgv_status status = translate(b); // compiles what the driver left for it
    b->run_ms = calloc((size_t)runs, sizeof *b->run_ms);
    if (!status && !b->run_ms)
        status = cgv_fail(CGV_ERROR_MEMORY, "bench: out of memory");
    for (int i = 0; i < runs && !status; i++) {
        double start = cgv_bench_now_ms();
        status = translate(b);
        b->run_ms[i] = cgv_bench_now_ms() - start;
    }
    if (!status)
        status = translate(b);
    if (!status)
        status = cgv_translator_profile(b->translator, &entries, &count);
    if (!status)
        cgv_parts_sum(b->part_ms, entries, count);
    return status;
}

static cgv_status print(frame_bench *b, const cgv_bench_options *o, cgv_device *device) {
    int width, height;
    double ms = cgv_bench_median(b->run_ms, o->runs);
    const cgv_device_info *info = cgv_device_get_info(device);
    cgv_translator_net_size(b->translator, &width, &height);
    if (o->json) {
        json_t *times = json_object();
        for (int p = 0; p < parts(o); p++)
            json_object_set_new(times, cgv_part_names[p], json_real(b->part_ms[p]));
        return cgv_bench_print_json(json_pack(
            "{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:I, s:o}", "arch",
            b->model->info.architecture, "device", info->name, "driver", info->driver, "width",
            o->size.width, "height", o->size.height, "net_width", width, "net_height", height,
            "runs", o->runs, "ms_per_frame", ms, "ms_per_frame_min", b->run_ms[0], "memory_bytes",
            (json_int_t)cgv_translator_memory(b->translator), "parts", times));
    }
    printf("%9s  part\n", "ms");
    for (int p = 0; p < parts(o); p++)
        printf("%9.3f  %s\n", b->part_ms[p], cgv_part_names[p]);
    printf("\n%s on frames of %dx%d (yuv420p), the network at %dx%d, on %s (%s)\n"
           "%.3f ms a frame (median of %d; fastest %.3f), %.2f frames a second, %.1f MiB\n",
           b->model->info.architecture, o->size.width, o->size.height, width, height, info->name,
           info->driver, ms, o->runs, b->run_ms[0], 1e3 / ms,
           (double)cgv_translator_memory(b->translator) / (1 << 20));
    return CGV_OK;
}

cgv_status cgv_bench_frame(cgv_device *device, const cgv_bench_options *o) {
    frame_bench b = {.format = yuv420p(o->size.width, o->size.height)};
    cgv_translator_params params = CGV_TRANSLATOR_DEFAULTS;
    params.slots = 1;
    params.net_height = o->net_height;
    params.tile = o->tile;
    params.precision = (cgv_precision)o->precision;
    params.kernels = (cgv_kernels)o->kernels;
    params.stabilize = (float)o->stabilize;
    params.profile = o->runs + 2; // the last one
    cgv_status status = cgv_bench_open_model(&b.model, o);
    if (!status)
        status =
            cgv_translator_create(&b.translator, device, b.model, &b.format, &b.format, &params);
    if (!status)
        status = make_pictures(&b);
    if (!status)
        status = measure(&b, o->runs);
    if (!status)
        status = print(&b, o, device);
    cgv_translator_destroy(&b.translator);
    cgv_model_destroy(&b.model);
    for (int p = 0; p < b.format.layout.planes; p++) {
        free(b.in.data[p]);
        free(b.out.data[p]);
    }
    free(b.run_ms);
    return status;
}
