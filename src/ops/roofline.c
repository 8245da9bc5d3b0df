// Measuring what a device can do at best. Nothing else runs in these shaders, so that their rates
// bound those of all others.
#include "ops/roofline.h"

#include <math.h>

#include "base/clock.h"
#include "ops/dispatch.h"
#include "shaders.h"

#include "roofline_copy.h"
#include "roofline_fma.h"

// A run is made long enough for what submitting it takes not to count, then repeated.
static const double run_ms = 10, least_ms = 100, most_ms = 300;
enum { LEAST_RUNS = 3, MOST_DOUBLINGS = 16 };

// Invocations: on a GPU as many as a large one keeps at once, on a CPU a share for every thread.
enum { INVOCATIONS_GPU = 1 << 18, INVOCATIONS_THREAD = 1 << 11, ROUNDS = 16 };

static const uint64_t copied_cpu = 128ull << 20, copied_gpu = 512ull << 20;
enum { MEMORY_SHARE = 16, PIECES_BYTES = ROOFLINE_PIECES * 8 };

void cgv_roofline_fma(cgv_cmd *cmd, uint64_t y, int count, int rounds, float a, float b) {
    struct roofline_fma_push push = {
        .y = cgv_cmd_write(cmd, y, (uint64_t)count * sizeof(float)),
        .count = count,
        .rounds = rounds,
        .a = a,
        .b = b,
    };
    cgv_dispatch_linear(cmd, (uint64_t)count,
                        (cgv_dispatch){.shader = &cgv_shader_roofline_fma,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

double cgv_roofline_fma_flops(int count, int rounds) {
    return 2.0 * count * rounds * ROOFLINE_STEPS * ROOFLINE_CHAINS;
}

void cgv_roofline_copy(cgv_cmd *cmd, uint64_t y, uint64_t x, uint64_t bytes) {
    struct roofline_copy_push push = {
        .y = cgv_cmd_write(cmd, y, bytes),
        .x = cgv_cmd_read(cmd, x, bytes),
        .count = (int)(bytes / PIECES_BYTES),
    };
    cgv_dispatch_linear(cmd, (uint64_t)push.count,
                        (cgv_dispatch){.shader = &cgv_shader_roofline_copy,
                                       .push = &push,
                                       .push_bytes = sizeof push});
}

cgv_roofline_bound cgv_roofline_of(const cgv_roofline *roofline, double flops, double bytes) {
    double arithmetic = 1e3 * flops / roofline->flops, memory = 1e3 * bytes / roofline->bytes;
    return (cgv_roofline_bound){.ms = fmax(arithmetic, memory), .arithmetic = arithmetic > memory};
}

// ---- measuring

typedef struct trial {
    cgv_cmd *cmd;
    cgv_buffer y, x;
    int invocations;
    // Records `times` as much as the least; returns its operations or bytes.
    double (*record)(const struct trial *t, int times);
} trial;

static double record_fma(const trial *t, int times) {
    // x tends to 2, so that it does not come near zero, where some devices slow down.
    cgv_roofline_fma(t->cmd, t->y.address, t->invocations, ROUNDS * times, 0.5f, 1);
    return cgv_roofline_fma_flops(t->invocations, ROUNDS * times);
}

static double record_copy(const trial *t, int times) {
    for (int i = 0; i < times; i++)
        cgv_roofline_copy(t->cmd, t->y.address, t->x.address, t->y.size);
    return 2.0 * times * (double)t->y.size;
}

static cgv_status run(const trial *t, int times, double *ms, double *rate) {
    cgv_cmd_begin(t->cmd);
    double work = t->record(t, times);
    cgv_status status = cgv_cmd_end(t->cmd);
    double start = cgv_clock_seconds();
    if (!status)
        status = cgv_cmd_submit(t->cmd);
    if (!status)
        status = cgv_cmd_wait(t->cmd);
    double seconds = fmax(cgv_clock_seconds() - start, 1e-9);
    *ms = 1e3 * seconds;
    *rate = work / seconds;
    return status;
}

static cgv_status measure(const trial *t, double *best) {
    double ms, rate, spent = 0;
    cgv_status status = run(t, 1, &ms, &rate); // compiles it, and touches the memory
    *best = 0;
    for (int runs = 0, doublings = 0; !status && spent < most_ms;) {
        if (runs >= LEAST_RUNS && spent >= least_ms)
            break;
        status = run(t, 1 << doublings, &ms, &rate);
        spent += ms;
        *best = fmax(*best, rate);
        if (ms < run_ms && doublings < MOST_DOUBLINGS)
            doublings++;
        else
            runs++;
    }
    return status;
}

static cgv_status create(trial *t, cgv_device *device, uint64_t y_bytes, uint64_t x_bytes) {
    cgv_status status =
        cgv_buffer_create(&t->y, device, y_bytes, CGV_MEMORY_DEVICE, "measuring the device");
    if (!status && x_bytes)
        status =
            cgv_buffer_create(&t->x, device, x_bytes, CGV_MEMORY_DEVICE, "measuring the device");
    return status ? status : cgv_cmd_create(&t->cmd, device, false);
}

static void destroy(trial *t) {
    cgv_cmd_destroy(&t->cmd);
    cgv_buffer_destroy(&t->y);
    cgv_buffer_destroy(&t->x);
}

static cgv_status measure_fma(double *flops, cgv_device *device) {
    const cgv_limits *limits = cgv_device_limits(device);
    int threads = limits->threads > 1 ? limits->threads : 1;
    trial t = {.record = record_fma,
               .invocations = limits->cpu ? threads * INVOCATIONS_THREAD : INVOCATIONS_GPU};
    cgv_status status = create(&t, device, (uint64_t)t.invocations * sizeof(float), 0);
    if (!status)
        status = measure(&t, flops);
    destroy(&t);
    return status;
}

static cgv_status measure_copy(double *bytes, cgv_device *device, uint64_t copied) {
    trial t = {.record = record_copy};
    cgv_status status = create(&t, device, copied, copied);
    if (!status) { // what nobody wrote may be one page of zeros
        cgv_cmd_begin(t.cmd);
        cgv_cmd_fill(t.cmd, &t.x, 0, copied, 0x3f800000);
        status = cgv_cmd_run(t.cmd);
    }
    if (!status)
        status = measure(&t, bytes);
    destroy(&t);
    return status;
}

cgv_status cgv_roofline_measure(cgv_roofline *out, cgv_device *device) {
    uint64_t wanted = cgv_device_limits(device)->cpu ? copied_cpu : copied_gpu;
    uint64_t share = cgv_device_get_info(device)->memory / MEMORY_SHARE / PIECES_BYTES;
    *out = (cgv_roofline){.copied = wanted};
    if (share * PIECES_BYTES < wanted)
        out->copied = share * PIECES_BYTES;
    cgv_status status = measure_fma(&out->flops, device);
    return status ? status : measure_copy(&out->bytes, device, out->copied);
}
