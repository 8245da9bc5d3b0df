// Plans: fused steps in shared memory against the network evaluated node by node in C.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrier_check.h"
#include "messages.h"
#include "nn/arch.h"
#include "nn/plan.h"
#include "reference_net.h"
#include "support.h"

#define TOLERANCE      1e-5
#define HALF_TOLERANCE 1e-2
#define NAN_WORD       0x7fc00000u

static cgv_rng rng;

static void begin(uint64_t stream) {
    cgv_rng_seed(&rng, 20170330, stream);
}

// One network ready on one device.
typedef struct application {
    cgv_params params;
    cgv_plan *plan;
    cgv_tape tape;
    cgv_cmd *cmd;
} application;

static cgv_status application_create(application *a, cgv_device *device, const cgv_net *net,
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

static void application_destroy(application *a) {
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
        x[i] = 2 * cgv_rng_float(&rng) - 1;
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

// The whole of what a plan promises, for one net and one input shape.
static bool check_shape(const cgv_net *net, cgv_plan_params shape, double tolerance) {
    ref_shape in = {shape.n, net->input_channels, shape.h, shape.w}, out;
    cgv_plan_params kept = shape;
    kept.keep_input = true;
    float *weights = ref_random_params(net, &rng), *x = random_input(ref_count(in));
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

static bool check_net(const cgv_net *net, int n, int h, int w) {
    return check_shape(net, (cgv_plan_params){.n = n, .h = h, .w = w}, TOLERANCE);
}

static void check_named(const char *name, int width, int n, int h, int w) {
    cgv_net *net = cgv_test_net(name, width, 0);
    CU_ASSERT(check_net(net, n, h, w));
    cgv_net_destroy(&net);
}

static void test_resnet(void) {
    begin(1);
    check_named("resnet_2blocks", 8, 1, 20, 28);
    check_named("resnet_2blocks", 8, 2, 12, 8);
}

static void test_mobile(void) {
    begin(2);
    check_named("mobile_resnet_2blocks", 8, 1, 20, 28);
    check_named("mobile_resnet_1blocks", 6, 2, 16, 12);
}

// The input is read again by the last step, wherever it lies.
static void test_variants(void) {
    begin(9);
    check_named("resnet_1blocks_resize", 8, 1, 20, 28);
    check_named("resnet_1blocks_affine", 8, 1, 20, 28);
    check_named("resnet_2blocks_resize_affine", 6, 2, 12, 8);
    check_named("mobile_resnet_1blocks_resize_affine", 4, 1, 16, 12);
}

// Commands of steps whose label holds this word.
static int commands(const char *name, int n, const char *word) {
    application a;
    cgv_net *net = cgv_test_net(name, 4, 0);
    float *weights = ref_random_params(net, &rng);
    cgv_plan_params shape = {.n = n, .h = 32, .w = 32};
    CU_ASSERT_EQUAL_FATAL(application_create(&a, cgv_test_device(), net, weights, &shape), CGV_OK);
    int count, found = 0;
    const cgv_event *events = cgv_cmd_events(a.cmd, &count);
    for (int i = 0; i < count; i++)
        found += events[i].label && strstr(events[i].label, word);
    application_destroy(&a);
    free(weights);
    cgv_net_destroy(&net);
    return found;
}

static void test_unet(void) {
    begin(10);
    // Everything is written where it belongs: nothing is copied together.
    CU_ASSERT_EQUAL(commands("unet_32", 1, "concat"), 0);
    CU_ASSERT(commands("unet_32", 2, "concat") > 0);
    CU_ASSERT(commands("unet_32", 1, "conv") > 0);
    check_named("unet_4", 5, 1, 12, 20);
    check_named("unet_16", 8, 2, 16, 48);
    check_named("unet_32", 6, 1, 64, 96);
}

// Filters; norms that have become part of the convolutions.
static void test_filters(void) {
    begin(11);
    check_named("resnet_1blocks_antialias", 6, 1, 20, 28);
    check_named("mobile_resnet_1blocks_blurdown_affine2", 4, 2, 16, 12);
    check_named("resnet_1blocks_1downs_blurup", 4, 1, 10, 14);
    cgv_unet_desc desc = cgv_unet_desc_default(8, 3);
    cgv_net *net;
    desc.norm = CGV_NORM_FOLDED;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_unet(&net, &desc), CGV_OK);
    CU_ASSERT(check_net(net, 1, 16, 24));
    cgv_net_destroy(&net);
}

static void test_patchgan(void) {
    begin(3);
    check_named("patchgan", 8, 1, 40, 56);
    check_named("patchgan", 5, 2, 33, 31);
}

// On matrix units: norms and additions on either side of formats, operands that are converted.
static void test_half(void) {
    static const struct {
        const char *name;
        int width, n, h, w;
    } cases[] = {
        {"resnet_2blocks", 32, 1, 20, 28},
        {"resnet_2blocks", 12, 2, 16, 24},
        {"resnet_1blocks_resize_affine", 32, 1, 20, 28},
        {"resnet_1blocks_3downs_grid", 12, 1, 32, 48},
        {"mobile_resnet_1blocks", 16, 1, 16, 24},
        {"unet_16", 16, 1, 32, 48},
        {"patchgan", 16, 1, 40, 56},
        {"identity", 0, 1, 5, 3},
    };
    begin(12);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cgv_net *net = cgv_test_net(cases[i].name, cases[i].width, 0);
        cgv_plan_params shape = {.n = cases[i].n, .h = cases[i].h, .w = cases[i].w, .half = true};
        CU_ASSERT(check_shape(net, shape, HALF_TOLERANCE));
        cgv_net_destroy(&net);
    }
}

static void test_identity(void) {
    begin(4);
    check_named("identity", 0, 1, 5, 3);
}

// ---- what the architectures do not do ----

static cgv_net *empty_net(const char *name) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, name, 4), CGV_OK);
    return net;
}

static void check_built(cgv_net *net) {
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    CU_ASSERT(check_net(net, 2, 6, 9));
    CU_ASSERT(check_net(net, 1, 6, 9)); // where parts of concatenations have their place in them
    cgv_net_destroy(&net);
}

static const cgv_conv_desc conv3 = {
    .channels = 4, .kernel = 3, .pad = 1, .pad_mode = CGV_PAD_REPLICATE};

// Each would come out wrong if a fusion or an overwriting were done that may not be.
static void test_traps(void) {
    begin(5);
    // The input is normalised, and read again at the end.
    cgv_net *net = empty_net("norm of the input");
    int x = cgv_net_instance_norm(net, 0, "a");
    cgv_net_add(net, cgv_net_activation(net, x, CGV_ACT_RELU, 0), 0);
    check_built(net);

    // Nobody else reads the input, but it may have to be kept.
    net = empty_net("norm alone reads the input");
    cgv_net_activation(net, cgv_net_instance_norm(net, 0, "a"), CGV_ACT_RELU, 0);
    check_built(net);

    // A norm's result is read twice: neither its activation nor its sum may swallow it.
    net = empty_net("norm read twice");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), NULL);
    int y = cgv_net_activation(net, x, CGV_ACT_SIGMOID, 0);
    cgv_net_add(net, x, y);
    check_built(net);

    // A convolution is normalised and also skips ahead: the norm may not write over it.
    net = empty_net("skip around a norm");
    x = cgv_net_conv(net, 0, "c", &conv3);
    y = cgv_net_activation(net, cgv_net_instance_norm(net, x, "n"), CGV_ACT_LEAKY_RELU, 0.3f);
    cgv_net_add(net, y, x);
    check_built(net);

    // The other operand of the sum comes after the norm.
    net = empty_net("sum with a later node");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), NULL);
    y = cgv_net_conv(net, 0, "d", &conv3);
    cgv_net_add(net, x, y);
    check_built(net);

    net = empty_net("sum of two norms");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), "m");
    y = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "d", &conv3), NULL);
    x = cgv_net_add(net, x, y);
    cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    check_built(net);

    net = empty_net("twice itself");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), NULL);
    cgv_net_add(net, x, x);
    check_built(net);

    net = empty_net("norm of a norm");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), "m");
    cgv_net_instance_norm(net, x, "n");
    check_built(net);

    net = empty_net("channels behind each other");
    x = cgv_net_conv(net, 0, "c", &conv3);
    y = cgv_net_activation(net, cgv_net_instance_norm(net, x, "n"), CGV_ACT_RELU, 0);
    cgv_net_concat(net, y, 0);
    check_built(net);

    // Read again, and normalised, after they were put behind each other.
    net = empty_net("operands and result of a concatenation read again");
    x = cgv_net_conv(net, 0, "c", &conv3);
    y = cgv_net_concat(net, x, cgv_net_concat(net, x, 0));
    y = cgv_net_conv(net, cgv_net_instance_norm(net, y, "n"), "d", &conv3);
    cgv_net_add(net, y, x);
    check_built(net);

    net = empty_net("a part that begins at no multiple of 8");
    x = cgv_net_conv(net, 0, "c", &(cgv_conv_desc){.channels = 3, .kernel = 2});
    y = cgv_net_conv(net, 0, "d", &(cgv_conv_desc){.channels = 3, .kernel = 2});
    x = cgv_net_concat(net, x, cgv_net_concat(net, y, x));
    cgv_net_activation(net, x, CGV_ACT_SIGMOID, 0);
    CU_ASSERT(check_net(net, 1, 6, 6));
    check_built(net);

    net = empty_net("parts of two concatenations, in place of norms");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), "m");
    y = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "d", &conv3), "n");
    int both = cgv_net_concat(net, x, y);
    int other = cgv_net_concat(net, y, cgv_net_instance_norm(net, both, "o"));
    cgv_net_concat(net, cgv_net_concat(net, both, other), x);
    check_built(net);

    net = empty_net("channels of one tensor twice");
    x = cgv_net_conv(net, 0, "c", &conv3);
    y = cgv_net_concat(net, x, x);
    cgv_net_concat(net, cgv_net_concat(net, 0, 0), y);
    check_built(net);

    net = empty_net("chain of activations");
    x = cgv_net_activation(net, cgv_net_conv(net, 0, "c", &conv3), CGV_ACT_RELU, 0);
    x = cgv_net_activation(net, x, CGV_ACT_SIGMOID, 0);
    cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    check_built(net);
}

// A convolution down from twice the size.
static int up_and_down(cgv_net *net, int x, const char *name, bool transposed) {
    char up[32];
    snprintf(up, sizeof up, "%sup", name);
    x = transposed ? cgv_net_conv_transpose(
                         net, x, up,
                         &(cgv_conv_desc){
                             .channels = 4, .kernel = 3, .stride = 2, .pad = 1, .output_pad = 1})
                   : cgv_net_upsample(net, x, 2, CGV_UPSAMPLE_BILINEAR);
    return cgv_net_conv(net, x, name,
                        &(cgv_conv_desc){.channels = 4, .kernel = 3, .stride = 2, .pad = 1});
}

// An affine head on x, its coefficients from another node.
static int head(cgv_net *net, int x, int other, const char *name) {
    int coefficients = cgv_net_conv(net, other, name, &(cgv_conv_desc){.channels = 8, .kernel = 1});
    return cgv_net_affine_head(net, coefficients, x);
}

// As many channels as before out of those of two.
static int concat(cgv_net *net, int x, int other, const char *name) {
    return cgv_net_conv(net, cgv_net_concat(net, x, other), name,
                        &(cgv_conv_desc){.channels = 4, .kernel = 1});
}

// Nodes of any kind upon nodes anywhere before, mostly near; many are read twice or never.
static cgv_net *random_net(int nodes) {
    cgv_net *net = empty_net("random");
    int same[64] = {0}, count = 1; // nodes whose tensors have the input's size
    for (int i = 0; i < nodes; i++) {
        int back = (int)cgv_rng_below(&rng, cgv_rng_below(&rng, 3) ? 2 : 64);
        int x = same[back < count ? count - 1 - back : 0];
        int other = same[cgv_rng_below(&rng, (uint32_t)count)];
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        switch (cgv_rng_below(&rng, 11)) {
        case 0:
        case 1:
            x = cgv_net_conv(net, x, name, &conv3);
            break;
        case 2:
        case 3:
            x = cgv_net_instance_norm(net, x, cgv_rng_below(&rng, 2) ? name : NULL);
            break;
        case 4:
            x = cgv_net_activation(net, x, (cgv_activation)cgv_rng_below(&rng, 5), 0.2f);
            break;
        case 5:
        case 6:
            x = cgv_net_add(net, x, other);
            break;
        case 7:
            x = head(net, x, other, name);
            break;
        case 8:
        case 9:
            x = concat(net, x, other, name);
            break;
        default:
            x = up_and_down(net, x, name, cgv_rng_below(&rng, 2));
        }
        same[count++] = x;
    }
    return net;
}

static void test_random(void) {
    begin(6);
    for (int i = 0; i < 40; i++)
        check_built(random_net(4 + i));
}

// ---- memory and refusals ----

// The step with this in its label.
static cgv_plan_step_info find_step(const cgv_plan *plan, const char *what) {
    for (int s = 0; s < cgv_plan_step_count(plan); s++)
        if (strstr(cgv_plan_step(plan, s).label, what))
            return cgv_plan_step(plan, s);
    CU_FAIL_FATAL("no such step");
    return (cgv_plan_step_info){0};
}

// What a step must move: each operand, its weights and its result, once.
static void test_least_bytes(void) {
    enum { PIXELS = 64 * 64 };
    cgv_net *net = cgv_test_net("resnet_1blocks", 8, 0);
    cgv_plan *plan;
    for (int n = 1; n <= 2; n++) {
        cgv_plan_params shape = {.n = n, .h = 64, .w = 64};
        CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), net, &shape), CGV_OK);
        CU_ASSERT_EQUAL(find_step(plan, "conv 7 3>8").bytes,
                        4.0 * (n * (3 + 8) * PIXELS + 3 * 8 * 49 + 8));
        CU_ASSERT_EQUAL(find_step(plan, "instance norm 8 ").bytes, 4.0 * n * 2 * 8 * PIXELS);
        // The last norm of a block adds what went into the block.
        double with_residual = 0;
        for (int s = 0; s < cgv_plan_step_count(plan); s++)
            if (strstr(cgv_plan_step(plan, s).label, "instance norm 32 "))
                with_residual = cgv_plan_step(plan, s).bytes;
        CU_ASSERT_EQUAL(with_residual, 4.0 * n * 3 * 32 * PIXELS / 16);
        CU_ASSERT(!find_step(plan, "conv 7 3>8").matrix);
        cgv_plan_destroy(&plan);
    }
    cgv_net_destroy(&net);
    net = cgv_test_net("unet_32", 8, 0); // its parts are in their places in a batch of one
    for (int n = 1; n <= 2; n++) {
        cgv_plan_params shape = {.n = n, .h = 32, .w = 32};
        CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), net, &shape), CGV_OK);
        for (int s = 0; s < cgv_plan_step_count(plan); s++) {
            cgv_plan_step_info step = cgv_plan_step(plan, s);
            bool nothing = n == 1 && strstr(step.label, "concat");
            CU_ASSERT(nothing ? step.bytes == 0 : step.bytes > 0);
        }
        cgv_plan_destroy(&plan);
    }
    cgv_net_destroy(&net);
}

// Of matrix units: pixels and weights in half precision.
static void test_least_bytes_half(void) {
    enum { CHANNELS = 4 * 32, PIXELS = 16 * 16 };
    cgv_net *net = cgv_test_net("resnet_2blocks", 32, 0);
    cgv_plan *plan;
    cgv_plan_params shape = {.n = 1, .h = 64, .w = 64, .half = true};
    CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), net, &shape), CGV_OK);
    cgv_plan_step_info step = find_step(plan, "conv 3 128>128");
    CU_ASSERT(step.matrix);
    CU_ASSERT_EQUAL(step.bytes,
                    2.0 * (2 * CHANNELS * PIXELS + 9 * CHANNELS * CHANNELS) + 4.0 * CHANNELS);
    CU_ASSERT(!find_step(plan, "instance norm 128").matrix); // has no products
    cgv_plan_destroy(&plan);
    cgv_net_destroy(&net);
}

static void test_memory(void) {
    begin(7);
    cgv_net *net = cgv_test_net("resnet_9blocks", 8, 0);
    cgv_plan *plan, *kept;
    cgv_tape tape, kept_tape;
    cgv_plan_params shape = {.n = 1, .h = 64, .w = 64};
    CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), net, &shape), CGV_OK);
    shape.keep_input = true;
    CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&kept, cgv_test_device(), net, &shape), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_tape_create(&tape, plan), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_tape_create(&kept_tape, kept), CGV_OK);
    // The widest place: the input of the last 7x7 convolution or the output of the first, of 8
    // channels, beside one tensor of half that size and the scratch of a norm.
    uint64_t widest = 8 * 64 * 64 * sizeof(float);
    CU_ASSERT(cgv_tape_bytes(&tape) >= widest);
    CU_ASSERT(cgv_tape_bytes(&tape) <= 2 * widest);
    CU_ASSERT(cgv_tape_bytes(&kept_tape) >= cgv_tape_bytes(&tape));
    CU_ASSERT(cgv_tape_bytes(&kept_tape) <= cgv_tape_bytes(&tape) + 3 * 64 * 64 * sizeof(float));

    double macs = 0;
    for (int s = 0; s < cgv_plan_step_count(plan); s++)
        macs += cgv_plan_step(plan, s).macs;
    CU_ASSERT_DOUBLE_EQUAL(macs, cgv_net_macs(net, 64, 64), 0.5);
    cgv_tape_destroy(&tape);
    cgv_tape_destroy(&kept_tape);
    cgv_plan_destroy(&plan);
    cgv_plan_destroy(NULL);
    cgv_plan_destroy(&kept);
    CU_ASSERT_PTR_NULL(plan);
    cgv_plan_destroy(&plan);
    cgv_net_destroy(&net);
}

static void check_refused(const cgv_net *net, int h, int w, cgv_status status, const char *why) {
    cgv_plan *plan;
    CU_ASSERT_EQUAL(
        cgv_plan_create(&plan, cgv_test_device(), net, &(cgv_plan_params){.n = 1, .h = h, .w = w}),
        status);
    CU_ASSERT(cgv_test_said(why));
    CU_ASSERT_PTR_NULL(plan);
}

static void test_refused(void) {
    begin(8);
    cgv_test_device();
    cgv_test_listen();
    cgv_net *net = cgv_test_net("resnet_2blocks", 8, 0);
    check_refused(net, 21, 28, CGV_ERROR_ARGUMENT, "multiples of 4");
    check_refused(net, 4, 4, CGV_ERROR_ARGUMENT, "small");
    check_refused(net, 1 << 15, 1 << 15, CGV_ERROR_UNSUPPORTED, "2^31");
    cgv_net_destroy(&net);
    net = cgv_test_net("identity", 0, 0);
    check_refused(net, 0, 7, CGV_ERROR_ARGUMENT, "7x0");
    // 2^31 floats and more.
    check_refused(net, 1 << 15, 1 << 16, CGV_ERROR_UNSUPPORTED, "2^31");
    cgv_net_destroy(&net);
}

int main(int argc, char **argv) {
    static const cgv_test_case half[] = {
        {"half precision", test_half}, {"least bytes of steps", test_least_bytes_half}, {0}};
    static const cgv_test_case cases[] = {
        {"resnet", test_resnet},
        {"mobile resnet", test_mobile},
        {"resize, affine head", test_variants},
        {"U-Net", test_unet},
        {"filters, folded norms", test_filters},
        {"PatchGAN", test_patchgan},
        {"identity", test_identity},
        {"fusions that may not be", test_traps},
        {"random networks", test_random},
        {"least bytes of steps", test_least_bytes},
        {"memory", test_memory},
        {"refused", test_refused},
        {0},
    };
    if (argc > 1 && !strcmp(argv[1], "half"))
        return cgv_test_run_half("plan: half precision", half);
    return cgv_test_run("plan", cases);
}
