// Recorded command lists: barriers where they are needed and nowhere else, memory reuse included.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrier_check.h"
#include "base/rng.h"
#include "ops/ops.h"
#include "support.h"

#define MAX_EVENTS 256

// Both directions: the list is ordered, and would not be without any one of its barriers after the
// first, which orders it against what was submitted before.
static void check_list(const cgv_cmd *cmd, const cgv_buffer *buffers, int buffer_count) {
    static cgv_event without[MAX_EVENTS];
    int count, unneeded = 0;
    const cgv_event *events = cgv_cmd_events(cmd, &count);
    CU_ASSERT_FATAL(count > 1 && count <= MAX_EVENTS);
    CU_ASSERT_EQUAL(cgv_check_cmd(cmd, buffers, buffer_count), 0);
    CU_ASSERT_PTR_NULL(events[0].label);
    for (int i = 1; i < count; i++) {
        if (events[i].label)
            continue;
        memcpy(without, events, (size_t)i * sizeof *events);
        memcpy(without + i, events + i + 1, (size_t)(count - i - 1) * sizeof *events);
        unneeded += !cgv_check_barriers(without, count - 1, cgv_cmd_accesses(cmd), NULL);
    }
    CU_ASSERT_EQUAL(unneeded, 0);
}

static int count_barriers(const cgv_cmd *cmd) {
    int count, barriers = 0;
    const cgv_event *events = cgv_cmd_events(cmd, &count);
    for (int i = 0; i < count; i++)
        barriers += !events[i].label;
    return barriers;
}

static void test_copies(void) {
    cgv_device *device = cgv_test_device();
    cgv_buffer a, b;
    cgv_cmd *cmd;
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_create(&a, device, 4096, CGV_MEMORY_READBACK, "a"), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_create(&b, device, 4096, CGV_MEMORY_READBACK, "b"), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, device, false), CGV_OK);
    cgv_cmd_begin(cmd);
    cgv_cmd_fill(cmd, &a, 0, 1024, 1);
    cgv_cmd_fill(cmd, &a, 1024, 1024, 2);     // beside it: no barrier
    cgv_cmd_copy(cmd, &b, 0, &a, 512, 1024);  // reads both: barrier
    cgv_cmd_copy(cmd, &b, 2048, &a, 0, 1024); // reads again, writes elsewhere: none
    CU_ASSERT_EQUAL(count_barriers(cmd), 2);
    cgv_cmd_fill(cmd, &a, 508, 4, 3);  // overwrites what was read: barrier
    cgv_cmd_fill(cmd, &b, 3068, 4, 4); // written before that barrier: none
    CU_ASSERT_EQUAL(count_barriers(cmd), 3);
    cgv_cmd_fill(cmd, &b, 3068, 4, 5); // write after write: barrier
    CU_ASSERT_EQUAL(count_barriers(cmd), 4);
    CU_ASSERT_EQUAL(cgv_cmd_run(cmd), CGV_OK);
    check_list(cmd, (cgv_buffer[]){a, b}, 2);
    const uint32_t *words = b.host;
    CU_ASSERT_EQUAL(words[127], 1);
    CU_ASSERT_EQUAL(words[128], 2);
    CU_ASSERT_EQUAL(words[512], 1);
    CU_ASSERT_EQUAL(words[512 + 127], 1);
    CU_ASSERT_EQUAL(words[767], 5);
    CU_ASSERT_EQUAL(((const uint32_t *)a.host)[127], 3);
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&a);
    cgv_buffer_destroy(&b);
}

// ---- a chain of all ops over two activations that are used in turn ----

#define CHANNELS 5
#define SIDE     18
#define ROUNDS   3

typedef struct chain {
    cgv_buffer buffer;
    cgv_cmd *cmd;
    cgv_tensor a, b, large;
    uint64_t weights, packed, bias, stats, scratch;
} chain;

static const cgv_conv_params conv_params = {
    .cin = CHANNELS,
    .cout = CHANNELS,
    .kernel = 3,
    .stride = 1,
    .pad = 1,
    .groups = 1,
    .pad_mode = CGV_PAD_REFLECT,
};
static const cgv_conv_params up_params = {
    .cin = CHANNELS,
    .cout = CHANNELS,
    .kernel = 3,
    .stride = 2,
    .pad = 1,
    .output_pad = 1,
    .groups = 1,
    .transposed = true,
    .activation = CGV_ACT_TANH,
};
static const cgv_conv_params down_params = {
    .cin = CHANNELS,
    .cout = CHANNELS,
    .kernel = 3,
    .stride = 2,
    .pad = 1,
    .groups = 1,
};

static uint64_t take(uint64_t *at, uint64_t bytes) {
    uint64_t address = *at;
    *at += (bytes + 255) / 256 * 256;
    return address;
}

static void create_chain(chain *c, cgv_device *device) {
    float data[16384];
    cgv_rng rng;
    cgv_rng_seed(&rng, 3, 1);
    for (int i = 0; i < 16384; i++)
        data[i] = 0.3f * cgv_rng_normal(&rng);
    CU_ASSERT_EQUAL_FATAL(
        cgv_buffer_create(&c->buffer, device, 1 << 20, CGV_MEMORY_DEVICE, "chain"), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&c->cmd, device, false), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_write(&c->buffer, 0, data, sizeof data), CGV_OK);
    uint64_t at = c->buffer.address;
    c->a = c->b = (cgv_tensor){0, 1, CHANNELS, SIDE, SIDE};
    c->large = (cgv_tensor){0, 1, CHANNELS, 2 * SIDE, 2 * SIDE};
    c->a.address = take(&at, cgv_tensor_bytes(c->a));
    c->weights = take(&at, CHANNELS * CHANNELS * 9 * sizeof(float));
    c->bias = take(&at, CHANNELS * sizeof(float));
    c->b.address = take(&at, cgv_tensor_bytes(c->b));
    c->large.address = take(&at, cgv_tensor_bytes(c->large));
    c->packed = take(&at, cgv_conv_packed_bytes(&conv_params));
    c->stats = take(&at, 2 * CHANNELS * sizeof(float));
    c->scratch = take(&at, cgv_instance_norm_scratch(c->large));
    CU_ASSERT_FATAL(at <= c->buffer.address + c->buffer.size);
}

static void destroy_chain(chain *c) {
    cgv_cmd_destroy(&c->cmd);
    cgv_buffer_destroy(&c->buffer);
}

static void convolve(chain *c, cgv_tensor y, cgv_tensor x, const cgv_conv_params *params) {
    cgv_conv_pack(c->cmd, c->packed, c->weights, params);
    cgv_conv(c->cmd, y, x, c->packed, c->bias, 0, params);
}

static void normalise(chain *c, cgv_tensor y, cgv_tensor x, cgv_tensor residual) {
    cgv_instance_norm_stats(c->cmd, c->stats, x, c->scratch, 0, 1e-5f);
    cgv_instance_norm(c->cmd, y, x, c->stats, residual,
                      &(cgv_norm_params){.shift = c->bias, .activation = CGV_ACT_RELU});
}

// The packed weights, the statistics and all activations are overwritten again and again.
static void record_chain(chain *c) {
    cgv_cmd_begin(c->cmd);
    for (int i = 0; i < ROUNDS; i++) {
        convolve(c, c->b, c->a, &conv_params);
        normalise(c, c->b, c->b, c->a);
        cgv_add(c->cmd, c->a, c->a, c->b);
        convolve(c, c->large, c->a, &up_params);
        normalise(c, c->large, c->large, (cgv_tensor){0});
        convolve(c, c->b, c->large, &down_params);
        cgv_upsample(c->cmd, c->large, c->b, 2, CGV_UPSAMPLE_BILINEAR);
        cgv_activation_apply(c->cmd, c->large, c->large, CGV_ACT_SIGMOID, 0);
        convolve(c, c->a, c->large, &down_params);
    }
}

static void test_chain(void) {
    chain c;
    create_chain(&c, cgv_test_device());
    record_chain(&c);
    CU_ASSERT_EQUAL(cgv_cmd_run(c.cmd), CGV_OK);
    check_list(c.cmd, &c.buffer, 1);
    destroy_chain(&c);
}

// What a chain leaves in all of its memory.
static void run_chain(cgv_device *device, float *result, bool full) {
    chain c;
    create_chain(&c, device);
    record_chain(&c);
    int count, barriers = count_barriers(c.cmd);
    cgv_cmd_events(c.cmd, &count);
    CU_ASSERT_EQUAL(barriers == count - barriers + 1, full); // one before each, and the first
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_run(c.cmd), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(&c.buffer, c.large.address - c.buffer.address, result,
                                          cgv_tensor_bytes(c.large)),
                          CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(&c.buffer, c.a.address - c.buffer.address,
                                          result + cgv_tensor_bytes(c.large) / 4,
                                          cgv_tensor_bytes(c.a)),
                          CGV_OK);
    destroy_chain(&c);
}

static void test_full_barriers(void) {
    static float normal[5 * CHANNELS * SIDE * SIDE], full[5 * CHANNELS * SIDE * SIDE];
    cgv_device_params params = {.select = getenv("CGV_GPU"), .full_barriers = true};
    cgv_device *device;
    CU_ASSERT_EQUAL_FATAL(cgv_device_create(&device, &params), CGV_OK);
    run_chain(cgv_test_device(), normal, false);
    run_chain(device, full, true);
    CU_ASSERT(!memcmp(normal, full, sizeof normal));
    double sum = 0;
    for (size_t i = 0; i < sizeof normal / sizeof *normal; i++)
        sum += normal[i] * normal[i];
    CU_ASSERT(sum > 1 && sum < 1e6); // not all zero, not NaN
    CU_ASSERT_EQUAL(cgv_device_validation_messages(device), 0);
    cgv_device_destroy(&device);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"fills and copies", test_copies},
        {"a chain of ops with memory reuse", test_chain},
        {"a barrier everywhere: the same bytes", test_full_barriers},
        {0},
    };
    return cgv_test_run("recorded", cases);
}
