#include "plan_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrier_check.h"
#include "reference_net.h"
#include "support.h"

#define TOLERANCE 1e-5
#define NAN_WORD  0x7fc00000u

cgv_rng plan_rng;

void plan_begin(uint64_t stream) {
    cgv_rng_seed(&plan_rng, 20170330, stream);
}

cgv_status application_create(application *a, cgv_device *device, const cgv_net *net,
                              const float *weights, const cgv_plan_params *shape) {
    *a = (application){0};
    cgv_status status = cgv_params_create(&a->params, device, net, weights);
    if (!status)
        status = cgv_plan_create(&a->plan, device, net, shape);
    if (!status)
        status = cgv_tape_create(&a->tape, a->plan);
    if (!status)
        status = cgv_cmd_create(&a->cmd, device, false);
    if (status)
        return status;
    cgv_cmd_begin(a->cmd);
    cgv_plan_pack(a->plan, a->cmd, &a->params);
    status = cgv_cmd_run(a->cmd);
    cgv_cmd_begin(a->cmd);
    cgv_plan_record(a->plan, a->cmd, &a->params, &a->tape);
    return status ? status : cgv_cmd_end(a->cmd);
}

void application_destroy(application *a) {
    cgv_cmd_destroy(&a->cmd);
    cgv_tape_destroy(&a->tape);
    cgv_plan_destroy(&a->plan);
    cgv_params_destroy(&a->params);
}

static const cgv_buffer *block_of(const cgv_tape *tape, uint64_t address) {
    for (int b = 0; b < tape->block_count; b++)
        if (address >= tape->blocks[b].address &&
            address < tape->blocks[b].address + tape->blocks[b].size)
            return &tape->blocks[b];
    return NULL;
}

static cgv_status read_tensor(float *out, const cgv_tape *tape, cgv_tensor t) {
    const cgv_buffer *block = block_of(tape, t.address);
    return cgv_buffer_read(block, t.address - block->address, out, cgv_tensor_bytes(t));
}

// Nothing may depend on what the memory held before: it begins as NaN.
static cgv_status apply(float *y, const application *a, const float *x) {
    const cgv_tape *tape = &a->tape;
    cgv_status status = CGV_OK;
    for (int b = 0; b < tape->block_count && !status; b++) {
        uint64_t bytes = tape->blocks[b].size;
        uint32_t *fill = malloc(bytes);
        if (!fill)
            return CGV_ERROR_MEMORY;
        for (uint64_t i = 0; i < bytes / 4; i++)
            fill[i] = NAN_WORD;
        status = cgv_buffer_write(&tape->blocks[b], 0, fill, bytes);
        free(fill);
    }
    const cgv_buffer *block = block_of(tape, tape->input.address);
    if (!status)
        status = cgv_buffer_write(block, tape->input.address - block->address, x,
                                  cgv_tensor_bytes(tape->input));
    if (!status)
        status = cgv_cmd_submit(a->cmd);
    if (!status)
        status = cgv_cmd_wait(a->cmd);
    return status ? status : read_tensor(y, tape, tape->output);
}

// Barriers, declared addresses, and labels of steps only.
static bool recorded_right(const application *a) {
    cgv_buffer buffers[sizeof a->tape.blocks / sizeof *a->tape.blocks + 1];
    int count, buffer_count = 0;
    for (; buffer_count < a->tape.block_count; buffer_count++)
        buffers[buffer_count] = a->tape.blocks[buffer_count];
    buffers[buffer_count++] = a->params.values;
    bool right = !cgv_check_cmd(a->cmd, buffers, buffer_count);
    const cgv_event *events = cgv_cmd_events(a->cmd, &count);
    for (int i = 0; i < count; i++) {
        bool known = !events[i].label;
        for (int s = 0; s < cgv_plan_step_count(a->plan); s++)
            known |= events[i].label == cgv_plan_step(a->plan, s).label;
        right &= known;
    }
    return right;
}

static float *random_input(size_t count) {
    float *x = malloc(count * sizeof *x);
    for (size_t i = 0; x && i < count; i++)
        x[i] = 2 * cgv_rng_float(&plan_rng) - 1;
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    return x;
}

// What one device makes of x, twice, with or without the input kept.
static void run_on(float *y, cgv_device *device, const cgv_net *net, const float *weights,
                   const float *x, const cgv_plan_params *shape) {
    application a;
    CU_ASSERT_EQUAL_FATAL(application_create(&a, device, net, weights, shape), CGV_OK);
    size_t bytes = cgv_tensor_bytes(a.tape.output);
    float *again = malloc(bytes), *input = malloc(cgv_tensor_bytes(a.tape.input));
    CU_ASSERT_FATAL(again && input);
    CU_ASSERT(recorded_right(&a));
    CU_ASSERT_EQUAL(apply(y, &a, x), CGV_OK);
    CU_ASSERT_EQUAL(apply(again, &a, x), CGV_OK);
    CU_ASSERT_EQUAL(memcmp(y, again, bytes), 0);
    if (shape->keep_input) {
        CU_ASSERT_EQUAL(read_tensor(input, &a.tape, a.tape.input), CGV_OK);
        CU_ASSERT_EQUAL(memcmp(input, x, cgv_tensor_bytes(a.tape.input)), 0);
    }
    free(again);
    free(input);
    application_destroy(&a);
}

bool plan_check_shape(const cgv_net *net, cgv_plan_params shape, double tolerance) {
    ref_shape in = {shape.n, net->input_channels, shape.h, shape.w}, out;
    cgv_plan_params kept = shape;
    kept.keep_input = true;
    float *weights = ref_random_params(net, &plan_rng), *x = random_input(ref_count(in));
    float *expected = ref_net(net, weights, x, in, &out);
    CU_ASSERT_FATAL(weights && expected);
    size_t bytes = ref_count(out) * sizeof(float);
    float *y = malloc(bytes), *other = malloc(bytes);
    CU_ASSERT_FATAL(y && other);

    run_on(y, cgv_test_device(), net, weights, x, &shape);
    double error = cgv_test_relative_error(y, expected, ref_count(out));
    bool right = error <= tolerance;
    if (!right)
        printf("FAILED: %s at %dx%d, batch %d: relative error %.3g\n", net->architecture, shape.w,
               shape.h, shape.n, error);
    run_on(other, cgv_test_device(), net, weights, x, &kept);
    CU_ASSERT_EQUAL(memcmp(other, y, bytes), 0);
    run_on(other, cgv_test_full_barriers(), net, weights, x, &shape);
    CU_ASSERT_EQUAL(memcmp(other, y, bytes), 0);
    free(weights);
    free(x);
    free(expected);
    free(y);
    free(other);
    return right;
}

bool plan_check(const cgv_net *net, int n, int h, int w) {
    return plan_check_shape(net, (cgv_plan_params){.n = n, .h = h, .w = w}, TOLERANCE);
}
