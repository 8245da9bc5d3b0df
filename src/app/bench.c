// cgvideo bench: the speed of a network on a device, as a whole and step by step.
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench.h"
#include "app/model_path.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "nn/arch.h"
#include "nn/plan.h"
#include "ops/roofline.h"

static const cgv_cli_option options[] = {
    {.name = "m",
     .kind = CGV_CLI_TEXT,
     .offset = offsetof(cgv_bench_options, model),
     .value = "MODEL",
     .help = "model to measure: a file, or a name (default: -arch with random weights)"},
    CGV_APP_MODEL_OPTIONS(cgv_bench_options),
    {.name = "arch",
     .kind = CGV_CLI_TEXT,
     .offset = offsetof(cgv_bench_options, arch),
     .value = "NAME",
     .help = "resnet_Nblocks, mobile_resnet_Nblocks or patchgan (resnet_9blocks)"},
    {.name = "ngf",
     .kind = CGV_CLI_INT,
     .offset = offsetof(cgv_bench_options, ngf),
     .value = "N",
     .help = "channels of its first layer (64)",
     .min = 1,
     .max = 1024},
    {.name = "ndf",
     .kind = CGV_CLI_INT,
     .offset = offsetof(cgv_bench_options, ndf),
     .value = "N",
     .help = "channels of a discriminator's first layer (64)",
     .min = 1,
     .max = 1024},
    {.name = "upsample",
     .kind = CGV_CLI_TEXT,
     .offset = offsetof(cgv_bench_options, upsample),
     .value = "KIND",
     .help = "how a generator comes back to full size: transpose, resize or blur (transpose)"},
    {.name = "head",
     .kind = CGV_CLI_TEXT,
     .offset = offsetof(cgv_bench_options, head),
     .value = "KIND",
     .help =
         "what a generator's last layer gives: plain, affine, affine2, affine4 or grid (plain)"},
    {.name = "train",
     .kind = CGV_CLI_FLAG,
     .offset = offsetof(cgv_bench_options, train),
     .help = "time training steps of two such generators and two PatchGANs"},
    {.name = "frame",
     .kind = CGV_CLI_FLAG,
     .offset = offsetof(cgv_bench_options, frame),
     .help = "time the whole way of a video frame of size -s, with conversions"},
    {.name = "net_height",
     .kind = CGV_CLI_INT,
     .offset = offsetof(cgv_bench_options, net_height),
     .value = "N",
     .help = "with -frame: as of cgvideo -i (the model's own)",
     .min = 0,
     .max = 16384},
    {.name = "tile",
     .kind = CGV_CLI_INT,
     .offset = offsetof(cgv_bench_options, tile),
     .value = "N",
     .help = "with -frame: as of cgvideo -i (0)",
     .min = 0,
     .max = 16384},
    {.name = "stabilize",
     .kind = CGV_CLI_REAL,
     .offset = offsetof(cgv_bench_options, stabilize),
     .value = "0..1",
     .help = "with -frame: as of cgvideo -i (0)",
     .min = 0,
     .max = 1},
    {.name = "recompute",
     .kind = CGV_CLI_FLAG,
     .offset = offsetof(cgv_bench_options, recompute),
     .help = "with -train: as in cgvideo train"},
    {.name = "layers",
     .kind = CGV_CLI_INT,
     .offset = offsetof(cgv_bench_options, layers),
     .value = "N",
     .help = "layers of a patchgan (3)",
     .min = 1,
     .max = CGV_PATCHGAN_MAX_LAYERS},
    {.name = "s",
     .kind = CGV_CLI_SIZE,
     .offset = offsetof(cgv_bench_options, size),
     .value = "WxH",
     .help = "picture size (256x256)",
     .min = 1,
     .max = 16384},
    {.name = "batch",
     .kind = CGV_CLI_INT,
     .offset = offsetof(cgv_bench_options, batch),
     .value = "N",
     .help = "pictures at once (1)",
     .min = 1,
     .max = 256},
    {.name = "n",
     .kind = CGV_CLI_INT,
     .offset = offsetof(cgv_bench_options, runs),
     .value = "N",
     .help = "timed runs, of which the median counts (5)",
     .min = 1,
     .max = 100000},
    CGV_APP_PRECISION_OPTION(cgv_bench_options),
    CGV_APP_KERNELS_OPTION(cgv_bench_options),
    {.name = "json",
     .kind = CGV_CLI_FLAG,
     .offset = offsetof(cgv_bench_options, json),
     .help = "print one JSON object instead of a table"},
    CGV_APP_COMMON_OPTIONS,
    {0},
};

// What is measured: a net on a device, planned and recorded.
typedef struct bench {
    cgv_device *device;
    cgv_model *model;
    cgv_params params;
    cgv_plan *plan;
    cgv_tape tape;
    cgv_cmd *cmd, *profiled;
    cgv_roofline roofline;
    double *layer_ms; // of every step of the plan
    double *run_ms;
    int runs;
    double first_ms; // the first run, which compiles what the driver left for it
} bench;

double cgv_bench_now_ms(void) {
    return 1e3 * cgv_clock_seconds();
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double cgv_bench_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

cgv_status cgv_bench_random_model(cgv_model **out, const cgv_bench_options *o, bool generator,
                                  uint64_t seed) {
    cgv_net *net;
    *out = NULL;
    cgv_status status =
        cgv_arch_by_name(&net, &(cgv_arch_options){.name = generator ? o->arch : "patchgan",
                                                   .ngf = o->ngf,
                                                   .ndf = o->ndf,
                                                   .layers = o->layers,
                                                   .upsample = o->upsample,
                                                   .head = o->head});
    if (!status)
        status = cgv_model_from_net(out, net, "random");
    if (!status)
        cgv_arch_init((*out)->net, (*out)->params, seed);
    return status;
}

cgv_status cgv_bench_open_model(cgv_model **out, const cgv_bench_options *o) {
    if (o->model)
        return cgv_model_open(out, o->model, CGV_APP_MODEL_PARAMS(o));
    bool generator = strcmp(o->arch, "patchgan") != 0;
    return cgv_bench_random_model(out, o, generator, 1);
}

static cgv_status fill_input(const bench *b) {
    uint64_t bytes = cgv_tensor_bytes(b->tape.input);
    float *values = malloc(bytes);
    cgv_buffer staging;
    cgv_cmd *cmd = NULL;
    if (!values)
        return cgv_fail(CGV_ERROR_MEMORY, "bench: out of memory");
    cgv_rng rng;
    cgv_rng_seed(&rng, 2, 0);
    for (uint64_t i = 0; i < bytes / sizeof *values; i++)
        values[i] = 2 * cgv_rng_float(&rng) - 1;
    cgv_status status =
        cgv_buffer_create(&staging, b->device, bytes, CGV_MEMORY_DEVICE, "bench input");
    if (!status)
        status = cgv_buffer_write(&staging, 0, values, bytes);
    if (!status)
        status = cgv_cmd_create(&cmd, b->device, false);
    if (!status) {
        cgv_tensor source = b->tape.input;
        source.address = staging.address;
        cgv_cmd_begin(cmd);
        cgv_activation_apply(cmd, b->tape.input, source, CGV_ACT_NONE, 0);
        status = cgv_cmd_run(cmd);
    }
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&staging);
    free(values);
    return status;
}

static cgv_status prepare(bench *b, const cgv_bench_options *o) {
    cgv_plan_params params = {
        .n = o->batch,
        .h = o->size.height,
        .w = o->size.width,
        .keep_input = true,
        .kernels = (cgv_kernels)o->kernels,
    };
    cgv_status status = cgv_plan_wants_half(&params.half, b->device, (cgv_precision)o->precision);
    if (!status)
        status = cgv_plan_create(&b->plan, b->device, b->model->net, &params);
    if (!status)
        status = cgv_params_create(&b->params, b->device, b->model->net, b->model->params);
    if (!status)
        status = cgv_tape_create(&b->tape, b->plan);
    if (!status)
        status = fill_input(b);
    if (!status)
        status = cgv_cmd_create(&b->cmd, b->device, false);
    if (!status)
        status = cgv_cmd_create(&b->profiled, b->device, true);
    if (status)
        return status;
    cgv_cmd_begin(b->cmd);
    cgv_plan_pack(b->plan, b->cmd, &b->params);
    status = cgv_cmd_run(b->cmd);
    if (status)
        return status;
    cgv_cmd_begin(b->cmd);
    cgv_plan_record(b->plan, b->cmd, &b->params, &b->tape);
    cgv_cmd_begin(b->profiled);
    cgv_plan_record(b->plan, b->profiled, &b->params, &b->tape);
    status = cgv_cmd_end(b->cmd);
    return status ? status : cgv_cmd_end(b->profiled);
}

static cgv_status time_run(cgv_cmd *cmd, double *ms) {
    double start = cgv_bench_now_ms();
    cgv_status status = cgv_cmd_submit(cmd);
    if (!status)
        status = cgv_cmd_wait(cmd);
    *ms = cgv_bench_now_ms() - start;
    return status;
}

// Time of every step in one profiled run.
static cgv_status profile(bench *b) {
    const cgv_profile_entry *entries;
    int count, steps = cgv_plan_step_count(b->plan);
    double ms;
    b->layer_ms = calloc((size_t)steps + 1, sizeof *b->layer_ms);
    if (!b->layer_ms)
        return cgv_fail(CGV_ERROR_MEMORY, "bench: out of memory");
    cgv_status status = time_run(b->profiled, &ms);
    if (!status)
        status = cgv_cmd_profile(b->profiled, &entries, &count);
    for (int s = 0; !status && s < steps; s++)
        for (int i = 0; i < count; i++)
            if (entries[i].label == cgv_plan_step(b->plan, s).label)
                b->layer_ms[s] += entries[i].ms;
    return status;
}

static cgv_status measure(bench *b, int runs) {
    b->run_ms = calloc((size_t)runs, sizeof *b->run_ms);
    if (!b->run_ms)
        return cgv_fail(CGV_ERROR_MEMORY, "bench: out of memory");
    cgv_status status = time_run(b->cmd, &b->first_ms);
    while (!status && b->runs < runs)
        status = time_run(b->cmd, &b->run_ms[b->runs++]);
    return status ? status : profile(b);
}

static uint64_t memory_bytes(const bench *b) {
    return cgv_tape_bytes(&b->tape) + b->params.values.size + cgv_plan_bytes(b->plan);
}

static double total_macs(const bench *b) {
    double macs = 0;
    for (int s = 0; s < cgv_plan_step_count(b->plan); s++)
        macs += cgv_plan_step(b->plan, s).macs;
    return macs;
}

// The least time of a step. The arithmetic that was measured is no roof of matrix units.
static cgv_roofline_bound bound_of(const bench *b, const cgv_plan_step_info *step) {
    return cgv_roofline_of(&b->roofline, step->matrix ? 0 : 2 * step->macs, step->bytes);
}

// Not of a step with nothing to do, as a concatenation whose parts are in their places.
static bool has_roofline(const bench *b, int s) {
    return cgv_plan_step(b->plan, s).bytes > 0 && b->layer_ms[s] > 0;
}

static const char *bound_word(cgv_roofline_bound bound, const cgv_plan_step_info *step) {
    return bound.arithmetic ? "arithmetic" : step->matrix ? "memory only" : "memory";
}

// Of all steps, as measured and at least.
typedef struct totals {
    double ms, roofline_ms;
    bool matrix; // some are of matrix units
} totals;

static totals add_up(const bench *b) {
    totals t = {0};
    for (int s = 0; s < cgv_plan_step_count(b->plan); s++) {
        cgv_plan_step_info step = cgv_plan_step(b->plan, s);
        t.ms += b->layer_ms[s];
        t.roofline_ms += bound_of(b, &step).ms;
        t.matrix |= step.matrix;
    }
    return t;
}

static void print_table(const bench *b, const cgv_bench_options *o) {
    double ms = cgv_bench_median(b->run_ms, b->runs);
    const totals all = add_up(b);
    printf("%9s %6s %9s %9s %11s  %-11s  %-10s  %s\n", "ms", "%", "MMAC", "GFLOP/s", "of roofline",
           "bound by", "kernel", "step");
    for (int s = 0; s < cgv_plan_step_count(b->plan); s++) {
        cgv_plan_step_info step = cgv_plan_step(b->plan, s);
        cgv_roofline_bound bound = bound_of(b, &step);
        printf("%9.3f %6.1f ", b->layer_ms[s], 100 * b->layer_ms[s] / all.ms);
        if (step.macs > 0)
            printf("%9.1f %9.1f", 1e-6 * step.macs, 2e-6 * step.macs / b->layer_ms[s]);
        else
            printf("%9s %9s", "", "");
        if (has_roofline(b, s))
            printf(" %9.1f %%  %-11s", 100 * bound.ms / b->layer_ms[s], bound_word(bound, &step));
        else
            printf(" %11s  %-11s", "-", "-");
        printf("  %-10s  %s\n", step.kernel, step.label);
    }
    printf("\nroofline: %.1f GFLOP/s in float32, %.1f GB/s (copying %.0f MiB); the layers together "
           "are at %.1f %% of it%s\n",
           1e-9 * b->roofline.flops, 1e-9 * b->roofline.bytes,
           (double)b->roofline.copied / (1 << 20), 100 * all.roofline_ms / all.ms,
           all.matrix ? " (those on matrix units: of the memory alone)" : "");
    printf("%s at %dx%d, batch %d, on %s (%s)\n", b->model->info.architecture, o->size.width,
           o->size.height, o->batch, cgv_device_get_info(b->device)->name,
           cgv_device_get_info(b->device)->driver);
    printf("%.3f ms a frame (median of %d; fastest %.3f), %.2f frames a second, %.3f GMAC a frame, "
           "%.1f GFLOP/s, %.1f MiB\n",
           ms / o->batch, b->runs, b->run_ms[0] / o->batch, 1e3 * o->batch / ms,
           1e-9 * total_macs(b) / o->batch, 2e-6 * total_macs(b) / ms,
           (double)memory_bytes(b) / (1 << 20));
}

// A step's label without the padding of the table's columns.
static const char *squeeze(char *text, size_t size, const char *label) {
    size_t length = 0;
    for (; *label && length + 1 < size; label++)
        if (*label != ' ' || (length && text[length - 1] != ' '))
            text[length++] = *label;
    text[length] = 0;
    return text;
}

static cgv_status print_json(const bench *b, const cgv_bench_options *o) {
    double ms = cgv_bench_median(b->run_ms, b->runs);
    json_t *layers = json_array();
    for (int s = 0; s < cgv_plan_step_count(b->plan); s++) {
        cgv_plan_step_info step = cgv_plan_step(b->plan, s);
        cgv_roofline_bound bound = bound_of(b, &step);
        bool known = has_roofline(b, s);
        char name[128];
        json_array_append_new(
            layers, json_pack("{s:s, s:s, s:f, s:f, s:I, s:f, s:o, s:s?}", "step",
                              squeeze(name, sizeof name, step.label), "kernel", step.kernel, "ms",
                              b->layer_ms[s], "gmac", 1e-9 * step.macs, "least_bytes",
                              (json_int_t)step.bytes, "roofline_ms", bound.ms, "of_roofline",
                              known ? json_real(bound.ms / b->layer_ms[s]) : json_null(),
                              "bound_by", known ? bound_word(bound, &step) : NULL));
    }
    const totals all = add_up(b);
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:I, s:f, s:f, s:I, s:f, "
        "s:o}",
        "arch", b->model->info.architecture, "device", cgv_device_get_info(b->device)->name,
        "driver", cgv_device_get_info(b->device)->driver, "width", o->size.width, "height",
        o->size.height, "batch", o->batch, "runs", b->runs, "ms_per_frame", ms / o->batch,
        "ms_per_frame_min", b->run_ms[0] / o->batch, "ms_first_run", b->first_ms, "gmac",
        1e-9 * total_macs(b) / o->batch, "gflops", 2e-6 * total_macs(b) / ms, "memory_bytes",
        (json_int_t)memory_bytes(b), "peak_gflops", 1e-9 * b->roofline.flops, "bandwidth_gbytes",
        1e-9 * b->roofline.bytes, "bandwidth_copied_bytes", (json_int_t)b->roofline.copied,
        "of_roofline", all.roofline_ms / all.ms, "layers", layers);
    return cgv_bench_print_json(root);
}

cgv_status cgv_bench_print_json(json_t *root) {
    if (!root)
        return cgv_fail(CGV_ERROR_MEMORY, "bench: out of memory");
    json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(7));
    putchar('\n');
    json_decref(root);
    return CGV_OK;
}

static void close_bench(bench *b) {
    cgv_cmd_destroy(&b->cmd);
    cgv_cmd_destroy(&b->profiled);
    cgv_tape_destroy(&b->tape);
    cgv_plan_destroy(&b->plan);
    cgv_params_destroy(&b->params);
    cgv_model_destroy(&b->model);
    free(b->layer_ms);
    free(b->run_ms);
}

static cgv_status bench_forward(bench *b, const cgv_bench_options *o) {
    cgv_status status = cgv_bench_open_model(&b->model, o);
    if (!status)
        status = cgv_roofline_measure(&b->roofline, b->device);
    if (!status)
        status = prepare(b, o);
    if (!status)
        status = measure(b, o->runs);
    if (status)
        return status;
    if (o->json)
        return print_json(b, o);
    print_table(b, o);
    return CGV_OK;
}

// What an option needs beside it, and what it excludes: none is taken and then does nothing.
static const struct {
    const char *option, *needs, *excludes;
} rules[] = {
    {"recompute", "train", NULL}, {"net_height", "frame", NULL},
    {"tile", "frame", NULL},      {"stabilize", "frame", NULL},
    {"model_range", "m", NULL},   {"model_order", "m", NULL},
    {"train", NULL, "m"},         {"train", NULL, "frame"},
    {"train", NULL, "precision"}, {"frame", NULL, "batch"},
    {"m", NULL, "arch"},          {"m", NULL, "upsample"},
    {"m", NULL, "head"},          {"m", NULL, "ngf"},
    {"m", NULL, "ndf"},           {"m", NULL, "layers"},
};

static cgv_status check_options(const cgv_bench_options *o, int argc, char **argv) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!cgv_cli_given(argc, argv, rules[i].option))
            continue;
        if (rules[i].needs && !cgv_cli_given(argc, argv, rules[i].needs))
            return cgv_fail(CGV_ERROR_ARGUMENT, "-%s belongs to -%s", rules[i].option,
                            rules[i].needs);
        if (rules[i].excludes && cgv_cli_given(argc, argv, rules[i].excludes))
            return cgv_fail(CGV_ERROR_ARGUMENT, "-%s does nothing with -%s: leave out one of them",
                            rules[i].excludes, rules[i].option);
    }
    bool judge = !strcmp(o->arch, "patchgan");
    if (!judge && !o->train &&
        (cgv_cli_given(argc, argv, "ndf") || cgv_cli_given(argc, argv, "layers")))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "-ndf and -layers are of discriminators: of -arch patchgan, and with "
                        "-train");
    if (judge && (cgv_cli_given(argc, argv, "ngf") || o->upsample || o->head))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-ngf, -upsample and -head are of generators");
    return CGV_OK;
}

int cgv_app_bench(int argc, char **argv) {
    cgv_bench_options o = {.common.hide_banner = true,
                           .arch = "resnet_9blocks",
                           .ngf = 64,
                           .ndf = 64,
                           .layers = 3,
                           .runs = 5,
                           .batch = 1,
                           .kernels = CGV_KERNELS_AUTO,
                           .size = {256, 256}};
    bench b = {0};
    int words;
    if (cgv_cli_parse(options, &o, argc, argv, NULL, 0, &words))
        return CGV_EXIT_USAGE;
    if (!o.common.help)
        signal(SIGPIPE, SIG_IGN); // figures are printed also when nobody reads the messages
    if (cgv_app_begin(&o.common))
        return CGV_EXIT_USAGE;
    if (o.common.help) {
        puts("cgvideo bench [options]: time a network on random pictures");
        cgv_cli_help(options, stdout);
        puts("\n'of roofline': the least time that the device's arithmetic in float32 and its "
             "memory\nallow, both measured at the start, as a share of the time taken. "
             "Multiply-adds are "
             "those of\nthe direct sum, of which Winograd does a quarter, and caches are faster "
             "than memory: so it\ncan exceed 100 %. Layers on matrix units are compared with "
             "memory only.");
        return CGV_EXIT_OK;
    }
    if (check_options(&o, argc, argv))
        return CGV_EXIT_USAGE;
    cgv_status status = cgv_app_open_device(&b.device, &o.common);
    if (!status)
        status = o.train   ? cgv_bench_train(b.device, &o)
                 : o.frame ? cgv_bench_frame(b.device, &o)
                           : bench_forward(&b, &o);
    if (status == CGV_ERROR_DEVICE_MEMORY)
        cgv_log(CGV_LOG_ERROR, "bench: a smaller -s or -batch needs less memory");
    close_bench(&b);
    return cgv_app_close_device(&b.device, status ? CGV_EXIT_FAILED : CGV_EXIT_OK);
}
