// Measuring the kernels of a convolution on the device, with random numbers.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crc32c.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/rng.h"
#include "ops/choose.h"
#include "shaders.h"

#define MEGA (1 << 20)

// A part of the picture is measured where it is large: so much work tells as much.
enum { MOST_FLOATS = 8 * MEGA, LEAST_ROWS = 32 };
static const double most_macs_cpu = 1e9, most_macs_gpu = 32e9;
// Layers of less work are done with before a choice could matter. Where every number meets few
// weights, most of the work are loads.
static const double least_macs = 8e6, least_macs_depthwise = 2e6;

// Of measuring one layer, when each choice has had its rounds; on a busy machine of its threads.
static const double layer_ms = 300, busy_ms = 5 * 300;
enum { LEAST_ROUNDS = 3, MOST_ROUNDS = 12, MOST_REPEATS = 64 };
static const double repeat_ms = 2; // a run shorter than that is repeated until it is not

static double clock_ms(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static double now_ms(void) {
    return clock_ms(CLOCK_MONOTONIC);
}

// What the choice is about: of another build, everything is measured anew.
static uint32_t version(void) {
    static const cgv_shader *const shaders[] = {
        &cgv_shader_conv_direct,          &cgv_shader_conv_direct_wide, &cgv_shader_conv_transposed,
        &cgv_shader_conv_transposed_wide, &cgv_shader_conv_depthwise,   &cgv_shader_winograd_input,
        &cgv_shader_winograd_multiply,    &cgv_shader_winograd_output};
    uint32_t crc = 0;
    for (size_t i = 0; i < sizeof shaders / sizeof *shaders; i++)
        crc = cgv_crc32c(crc, shaders[i]->words, shaders[i]->bytes);
    return crc;
}

static double floats(cgv_tensor t) {
    return (double)t.n * t.c * t.h * t.w;
}

static double macs(cgv_tensor y, cgv_tensor x, const cgv_conv_params *p) {
    cgv_tensor each = p->transposed ? x : y; // of which every weight meets an element
    return (double)each.n * each.h * each.w * p->kernel * p->kernel * p->cin * p->cout / p->groups;
}

// Leave out rows of a large picture.
static void cut(const cgv_device *device, cgv_tensor *y, cgv_tensor *x, const cgv_conv_params *p) {
    double most_macs = cgv_device_limits(device)->cpu ? most_macs_cpu : most_macs_gpu;
    double share = fmin(most_macs / macs(*y, *x, p), MOST_FLOATS / fmax(floats(*x), floats(*y)));
    int rows = (int)fmax(share * x->h, LEAST_ROWS);
    if (rows >= x->h)
        return;
    int gone = (x->h - rows) / p->stride * p->stride;
    x->h -= gone;
    y->h -= p->transposed ? gone * p->stride : gone / p->stride;
}

static void name_layer(char name[CGV_NOTE_NAME], const cgv_device *device, cgv_tensor y,
                       cgv_tensor x, const cgv_conv_params *p) {
    static const char *const pads[] = {
        [CGV_PAD_ZERO] = "zero", [CGV_PAD_REFLECT] = "reflect", [CGV_PAD_REPLICATE] = "replicate"};
    const cgv_limits *limits = cgv_device_limits(device);
    snprintf(name, CGV_NOTE_NAME,
             "%s %d/%d pad %d %s, groups %d, %d to %d, %dx%dx%d to %dx%d, lanes %u%s%s",
             p->transposed ? "transposed" : "conv", p->kernel, p->stride, p->pad, pads[p->pad_mode],
             p->groups, p->cin, p->cout, x.n, x.w, x.h, y.w, y.h, limits->subgroup,
             p->exact ? ", exact" : "", p->exact && limits->wide_sums ? ", wide" : "");
}

// ---- one layer

typedef struct trial {
    cgv_conv_params params;
    char name[CGV_CHOICE_NAME];
    cgv_buffer packed, scratch;
    cgv_cmd *cmd;
} trial;

typedef struct layer {
    cgv_device *device;
    const char *name;
    cgv_tensor y, x;
    cgv_buffer weights, input, output;
    float *expected, *got; // of the direct sum; of another choice
    size_t count;
    trial trials[CGV_MAX_CHOICES];
    cgv_trial results[CGV_MAX_CHOICES];
    int trial_count;
} layer;

static cgv_status no_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "measuring kernels: out of memory");
}

static cgv_status create_random(cgv_buffer *out, cgv_device *device, size_t count, float range) {
    float *values = malloc(count * sizeof *values);
    cgv_rng rng;
    cgv_rng_seed(&rng, count, 0);
    for (size_t i = 0; values && i < count; i++)
        values[i] = range * (2 * cgv_rng_float(&rng) - 1);
    cgv_status status = values ? cgv_buffer_create(out, device, count * sizeof *values,
                                                   CGV_MEMORY_DEVICE, "measuring kernels")
                               : no_memory();
    if (!status)
        status = cgv_buffer_write(out, 0, values, count * sizeof *values);
    free(values);
    return status;
}

static cgv_status create_trial(layer *l, trial *t) {
    uint64_t scratch = cgv_conv_scratch(l->device, l->x, &t->params);
    cgv_status status = cgv_buffer_create(&t->packed, l->device, cgv_conv_packed_bytes(&t->params),
                                          CGV_MEMORY_DEVICE, "measuring kernels");
    if (!status && scratch)
        status = cgv_buffer_create(&t->scratch, l->device, scratch, CGV_MEMORY_DEVICE,
                                   "measuring kernels");
    return status ? status : cgv_cmd_create(&t->cmd, l->device, false);
}

static cgv_status create(layer *l, const cgv_conv_params *params) {
    size_t weights = (size_t)params->cout * (size_t)(params->cin / params->groups) *
                     (size_t)(params->kernel * params->kernel);
    int sums = params->cin / params->groups * params->kernel * params->kernel;
    l->count = (size_t)(cgv_tensor_bytes(l->y) / sizeof(float));
    l->expected = malloc(l->count * sizeof(float));
    l->got = malloc(l->count * sizeof(float));
    if (!l->expected || !l->got)
        return no_memory();
    cgv_status status = create_random(&l->weights, l->device, weights, 1 / sqrtf((float)sums));
    if (!status)
        status = create_random(&l->input, l->device,
                               (size_t)(cgv_tensor_bytes(l->x) / sizeof(float)), 1);
    if (!status)
        status = cgv_buffer_create(&l->output, l->device, cgv_tensor_bytes(l->y), CGV_MEMORY_DEVICE,
                                   "measuring kernels");
    l->x.address = l->input.address;
    l->y.address = l->output.address;
    cgv_conv_choice choices[CGV_MAX_CHOICES];
    l->trial_count = cgv_conv_choices(choices, l->device, l->y, l->x, params);
    for (int i = 0; i < l->trial_count && !status; i++) {
        trial *t = &l->trials[i];
        t->params = *params;
        t->params.activation = CGV_ACT_NONE; // nothing that hides wrong numbers
        t->params.choice = choices[i];
        cgv_conv_choice_name(t->name, choices[i]);
        status = create_trial(l, t);
    }
    return status;
}

static void destroy(layer *l) {
    for (int i = 0; i < l->trial_count; i++) {
        cgv_cmd_destroy(&l->trials[i].cmd);
        cgv_buffer_destroy(&l->trials[i].packed);
        cgv_buffer_destroy(&l->trials[i].scratch);
    }
    cgv_buffer_destroy(&l->weights);
    cgv_buffer_destroy(&l->input);
    cgv_buffer_destroy(&l->output);
    free(l->expected);
    free(l->got);
}

static void record(const layer *l, const trial *t, int times) {
    for (int i = 0; i < times; i++)
        cgv_conv(t->cmd, l->y, l->x, t->packed.address, 0, t->scratch.address, &t->params);
}

// From an output of NaN, for what a kernel leaves out to be seen.
static cgv_status run_first(const layer *l, const trial *t, bool broken) {
    cgv_cmd_begin(t->cmd);
    cgv_cmd_fill(t->cmd, &l->output, 0, l->output.size, UINT32_MAX);
    cgv_conv_pack(t->cmd, t->packed.address, l->weights.address, &t->params);
    if (!broken)
        record(l, t, 1);
    return cgv_cmd_run(t->cmd);
}

// Whether numbers are those of the direct sum, to the byte where that is promised.
static bool close(const layer *l, const trial *t) {
    if (t->params.exact)
        return !memcmp(l->got, l->expected, l->count * sizeof(float));
    float largest = 0, error = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (!isfinite(l->got[i]))
            return false;
        largest = fmaxf(largest, fabsf(l->expected[i]));
        error = fmaxf(error, fabsf(l->got[i] - l->expected[i]));
    }
    return error <= 1e-4f * largest;
}

// Run every choice once, which compiles it, and compare its numbers with the direct sum's.
static cgv_status check(layer *l) {
    int first = 0;
    while (l->trials[first].params.choice.kernel == CGV_CONV_WINOGRAD)
        first++;
    size_t bytes = l->count * sizeof(float);
    cgv_status status = run_first(l, &l->trials[first], false);
    if (!status)
        status = cgv_buffer_read(&l->output, 0, l->expected, bytes);
    l->results[first].right = true;
    for (int i = 0; i < l->trial_count && !status; i++) {
        if (i == first)
            continue;
        status = run_first(l, &l->trials[i], cgv_fault(CGV_FAULT_KERNEL));
        if (!status)
            status = cgv_buffer_read(&l->output, 0, l->got, bytes);
        l->results[i].right = !status && close(l, &l->trials[i]);
        if (!status && !l->results[i].right)
            cgv_log(CGV_LOG_WARNING,
                    "%s: %s gives other numbers than %s on this device, and is not used", l->name,
                    l->trials[i].name, l->trials[first].name);
    }
    return status;
}

// Add a run to what is known of a choice.
static cgv_status time_run(const layer *l, const trial *t, cgv_trial *result, int repeats) {
    double cpu = clock_ms(CLOCK_PROCESS_CPUTIME_ID), start = now_ms();
    cgv_status status = cgv_cmd_submit(t->cmd);
    if (!status)
        status = cgv_cmd_wait(t->cmd);
    double ms = (now_ms() - start) / repeats;
    double cpu_ms = (clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu) / repeats;
    result->ms = result->ms > 0 ? fmin(result->ms, ms) : ms;
    if (cgv_device_limits(l->device)->cpu)
        result->cpu_ms = result->cpu_ms > 0 ? fmin(result->cpu_ms, cpu_ms) : cpu_ms;
    return status;
}

static cgv_status prepare(const layer *l, const trial *t, int repeats) {
    cgv_cmd_begin(t->cmd);
    record(l, t, repeats);
    return cgv_cmd_end(t->cmd);
}

static bool enough(const layer *l, double start, double cpu_start) {
    double ms = now_ms() - start, cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
    double spent = cgv_device_limits(l->device)->cpu ? fmin(ms, cpu_ms) : ms;
    return spent > layer_ms || ms > busy_ms;
}

// In turns, so that what else the machine does meets all alike.
static cgv_status measure(layer *l) {
    double start = now_ms(), cpu_start = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    cgv_trial once = {0};
    cgv_status status = prepare(l, &l->trials[0], 1);
    if (!status)
        status = time_run(l, &l->trials[0], &once, 1);
    int first = 0; // the one that others are compared with
    while (first + 1 < l->trial_count && !l->results[first].right)
        first++;
    int repeats = (int)fmin(fmax(repeat_ms / fmax(once.ms, 1e-3), 1), MOST_REPEATS);
    for (int i = 0; i < l->trial_count && !status; i++)
        status = prepare(l, &l->trials[i], repeats);
    for (int round = 0; round < MOST_ROUNDS && !status; round++) {
        if (round >= LEAST_ROUNDS && enough(l, start, cpu_start))
            break;
        for (int i = 0; i < l->trial_count && !status; i++) {
            cgv_trial *result = &l->results[i];
            bool hopeless = result->ms > 1.5 * l->results[first].ms && round > 0;
            if (result->right && !hopeless)
                status = time_run(l, &l->trials[i], result, repeats);
        }
    }
    return status;
}

static void tell(const layer *l, int winner) {
    for (int i = 0; i < l->trial_count; i++)
        cgv_log(CGV_LOG_VERBOSE, "%s: %s %.3f ms, %.3f of CPU time%s", l->name, l->trials[i].name,
                l->results[i].ms, l->results[i].cpu_ms, i == winner ? ", taken" : "");
}

static cgv_status measure_layer(cgv_chooser *chooser, cgv_conv_choice *out, const char *name,
                                cgv_tensor y, cgv_tensor x, const cgv_conv_params *params) {
    layer l = {.device = chooser->device, .name = name, .y = y, .x = x};
    double start = now_ms();
    const double told_from = 1000;
    cgv_status status = create(&l, params);
    if (!status)
        status = check(&l);
    if (!status)
        status = measure(&l);
    if (!status) {
        int winner = cgv_trial_winner(l.results, l.trial_count);
        tell(&l, winner);
        *out = l.trials[winner].params.choice;
        status = cgv_notes_put(l.device, name, l.trials[winner].name, false);
    }
    destroy(&l);
    if (status == CGV_ERROR_DEVICE_MEMORY ||
        status == CGV_ERROR_MEMORY) { // what was guessed will do
        cgv_log(CGV_LOG_WARNING, "%s: so its kernel is not measured", name);
        status = CGV_OK;
    }
    double before = chooser->ms;
    chooser->ms += now_ms() - start;
    chooser->measured = true;
    if (before < told_from && chooser->ms >= told_from)
        cgv_log(CGV_LOG_INFO, "measuring which kernels are fastest, once for this device and size");
    return status;
}

// What was noted, if it is among what there is to choose from: by those who gave it, or by this
// device.
static bool find(cgv_conv_choice *out, cgv_device *device, const char *name, cgv_tensor y,
                 cgv_tensor x, const cgv_conv_params *params) {
    cgv_conv_choice choices[CGV_MAX_CHOICES];
    char text[CGV_NOTE_TEXT], choice[CGV_CHOICE_NAME];
    int count = cgv_conv_choices(choices, device, y, x, params);
    for (int given = 1; given >= 0; given--) {
        if (!cgv_notes_find(device, name, given, text))
            continue;
        for (int i = 0; i < count; i++) {
            cgv_conv_choice_name(choice, choices[i]);
            if (!strcmp(choice, text)) {
                *out = choices[i];
                return true;
            }
        }
    }
    return false;
}

cgv_status cgv_conv_choose(cgv_chooser *chooser, cgv_conv_choice *out, cgv_tensor y, cgv_tensor x,
                           const cgv_conv_params *params) {
    char name[CGV_NOTE_NAME];
    cgv_device *device = chooser->device;
    *out = cgv_conv_rule(device, y, x, params);
    bool depthwise = cgv_conv_fits(CGV_CONV_DEPTHWISE, params);
    if (macs(y, x, params) < (depthwise ? least_macs_depthwise : least_macs))
        return CGV_OK;
    cut(device, &y, &x, params);
    if (fmax(floats(x), floats(y)) > 8.0 * MOST_FLOATS) // pictures of extreme width
        return CGV_OK;
    name_layer(name, device, y, x, params);
    cgv_notes_begin(device, version());
    return find(out, device, name, y, x, params) ? CGV_OK
                                                 : measure_layer(chooser, out, name, y, x, params);
}

void cgv_chooser_end(cgv_chooser *chooser) {
    if (chooser->measured)
        cgv_notes_keep(chooser->device);
}
