// cgvideo bench -train: the time of one training step and of its kernels.
#include <stdlib.h>
#include <string.h>

#include "app/bench.h"
#include "base/log.h"
#include "base/rng.h"
#include "train/trainer.h"

typedef struct train_bench {
    cgv_device *device;
    cgv_model *models[CGV_NETS];
    cgv_trainer *trainer; // one after the other: to time steps, and to time their shaders
    uint64_t bytes;       // of device memory that the first one holds
    float *pictures;      // of both domains
    double *step_ms;
    int steps;
} train_bench;

// Time by shader, largest first.
typedef struct shader_time {
    const char *name;
    double ms;
    int dispatches;
} shader_time;

static cgv_status create_models(train_bench *b, const cgv_bench_options *o) {
    cgv_status status = CGV_OK;
    for (int i = 0; i < CGV_NETS && !status; i++) {
        bool generator = i == CGV_G_A || i == CGV_G_B;
        status = cgv_bench_random_model(&b->models[i], o, generator, 1 + (uint64_t)i);
    }
    return status;
}

static cgv_status create_trainer(train_bench *b, const cgv_bench_options *o, bool profile) {
    cgv_trainer_params params = CGV_TRAINER_DEFAULTS;
    const cgv_model *models[CGV_NETS];
    params.batch = o->batch;
    params.recompute = o->recompute;
    params.kernels = (cgv_kernels)o->kernels;
    params.width = o->size.width;
    params.height = o->size.height;
    params.profile = profile;
    for (int i = 0; i < CGV_NETS; i++)
        models[i] = b->models[i];
    return cgv_trainer_create(&b->trainer, b->device, models, &params);
}

static cgv_status make_pictures(train_bench *b, size_t count) {
    cgv_rng rng;
    cgv_rng_seed(&rng, 3, 0);
    b->pictures = malloc(2 * count * sizeof *b->pictures);
    if (!b->pictures)
        return cgv_fail(CGV_ERROR_MEMORY, "bench: out of memory");
    for (size_t i = 0; i < 2 * count; i++)
        b->pictures[i] = 2 * cgv_rng_float(&rng) - 1;
    return CGV_OK;
}

static int slower_first(const void *a, const void *b) {
    double x = ((const shader_time *)a)->ms, y = ((const shader_time *)b)->ms;
    return (x < y) - (x > y);
}

// Sum the commands of the last step by shader into `times`, which holds `limit`.
static cgv_status sum_by_shader(train_bench *b, shader_time *times, int limit, int *count) {
    const cgv_profile_entry *entries;
    int commands;
    cgv_status status = cgv_trainer_profile(b->trainer, &entries, &commands);
    *count = 0;
    for (int i = 0; i < commands && !status; i++) {
        int k = 0;
        while (k < *count && strcmp(times[k].name, entries[i].shader))
            k++;
        if (k == limit)
            continue;
        if (k == *count)
            times[(*count)++] = (shader_time){.name = entries[i].shader};
        times[k].ms += entries[i].ms;
        times[k].dispatches++;
    }
    qsort(times, (size_t)*count, sizeof *times, slower_first);
    return status;
}

static cgv_status step(train_bench *b, const cgv_bench_options *o) {
    const size_t count = (size_t)o->batch * 3 * (size_t)o->size.width * (size_t)o->size.height;
    cgv_losses losses;
    return cgv_trainer_step(b->trainer, &losses, b->pictures, b->pictures + count, NULL, 2e-4f,
                            2e-4f);
}

static cgv_status measure(train_bench *b, const cgv_bench_options *o) {
    cgv_status status =
        make_pictures(b, (size_t)o->batch * 3 * (size_t)o->size.width * (size_t)o->size.height);
    b->step_ms = calloc((size_t)o->runs, sizeof *b->step_ms);
    if (!status && !b->step_ms)
        status = cgv_fail(CGV_ERROR_MEMORY, "bench: out of memory");
    if (!status)
        status = create_trainer(b, o, false);
    if (!status) // the first step compiles what the driver left for it
        status = step(b, o);
    while (!status && b->steps < o->runs) {
        double start = cgv_bench_now_ms();
        status = step(b, o);
        b->step_ms[b->steps++] = cgv_bench_now_ms() - start;
    }
    if (!status) // what a trainer allocates it does when it is made
        b->bytes = cgv_trainer_bytes(b->trainer);
    cgv_trainer_destroy(&b->trainer);
    return status;
}

// The steps of another trainer, once the first one has given its memory back.
static cgv_status profile(train_bench *b, const cgv_bench_options *o) {
    cgv_status status = create_trainer(b, o, true);
    for (int i = 0; i < 2 && !status; i++)
        status = step(b, o);
    return status;
}

static void print_table(const train_bench *b, const cgv_bench_options *o, const shader_time *times,
                        int count, double ms) {
    double total = 0;
    for (int i = 0; i < count; i++)
        total += times[i].ms;
    printf("%10s %6s %10s  %s\n", "ms", "%", "dispatches", "shader");
    for (int i = 0; i < count; i++)
        printf("%10.3f %6.1f %10d  %s\n", times[i].ms, 100 * times[i].ms / total,
               times[i].dispatches, times[i].name);
    printf("\ntraining %s and %s at %dx%d, batch %d, on %s\n",
           b->models[CGV_G_A]->info.architecture, b->models[CGV_D_A]->info.architecture,
           o->size.width, o->size.height, o->batch, cgv_device_get_info(b->device)->name);
    printf("%.2f ms a step (median of %d; fastest %.2f), %.1f MiB in buffers of the device\n", ms,
           b->steps, b->step_ms[0], (double)b->bytes / (1 << 20));
}

static cgv_status print_json(const train_bench *b, const cgv_bench_options *o,
                             const shader_time *times, int count, double ms) {
    json_t *shaders = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(shaders, json_pack("{s:s, s:f, s:i}", "shader", times[i].name, "ms",
                                                 times[i].ms, "dispatches", times[i].dispatches));
    return cgv_bench_print_json(json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:I, s:o}", "generator",
        b->models[CGV_G_A]->info.architecture, "discriminator",
        b->models[CGV_D_A]->info.architecture, "device", cgv_device_get_info(b->device)->name,
        "width", o->size.width, "height", o->size.height, "batch", o->batch, "runs", b->steps,
        "ms_per_step", ms, "ms_per_step_min", b->step_ms[0], "memory_bytes", (json_int_t)b->bytes,
        "shaders", shaders));
}

cgv_status cgv_bench_train(cgv_device *device, const cgv_bench_options *o) {
    train_bench b = {.device = device};
    shader_time times[64];
    int count = 0;
    cgv_status status = create_models(&b, o);
    if (!status)
        status = measure(&b, o);
    if (!status)
        status = profile(&b, o);
    if (!status)
        status = sum_by_shader(&b, times, 64, &count);
    if (!status) {
        double ms = cgv_bench_median(b.step_ms, b.steps);
        if (o->json)
            status = print_json(&b, o, times, count, ms);
        else
            print_table(&b, o, times, count, ms);
    }
    cgv_trainer_destroy(&b.trainer);
    for (int i = 0; i < CGV_NETS; i++)
        cgv_model_destroy(&b.models[i]);
    free(b.pictures);
    free(b.step_ms);
    return status;
}
