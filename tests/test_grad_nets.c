// Reverse mode over whole networks: the gradients of every parameter and of the input against
// central differences of the network evaluated node by node in double, and what else
// cgv_plan_record_backward promises.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrier_check.h"
#include "nn/arch.h"
#include "nn/plan_internal.h"
#include "numbers.h"
#include "reference_net.h"
#include "support.h"

#define TOLERANCE 3e-5
#define STEP      1e-7 // few ReLUs change sides within it
#define NAN_WORD  0x7fc00000u

static cgv_rng rng;

static void begin(uint64_t stream) {
    cgv_rng_seed(&rng, 20170330, stream);
}

// A network, its weights, its input, and what its output is projected on: the gradients are those
// of the sum of dy * y.
typedef struct trial {
    const cgv_net *net;
    ref_shape in, out;
    float *weights, *x, *dy;
    size_t weight_bytes, in_bytes, out_bytes;
} trial;

// ---- on a device ----

typedef enum wanted {
    ALL,
    FROZEN,   // the parameters' gradients are not wanted
    NO_INPUT, // the input's is not
} wanted;

typedef struct gradients {
    float *weights, *x;
} gradients;

enum { X, DY, DX, GRADS, BUFFERS };

typedef struct application {
    cgv_params params;
    cgv_plan *plan;
    cgv_tape tape;
    cgv_cmd *cmd;
    cgv_buffer buffers[BUFFERS];
} application;

static void application_destroy(application *a) {
    cgv_cmd_destroy(&a->cmd);
    for (int i = 0; i < BUFFERS; i++)
        cgv_buffer_destroy(&a->buffers[i]);
    cgv_tape_destroy(&a->tape);
    cgv_plan_destroy(&a->plan);
    cgv_params_destroy(&a->params);
}

static cgv_tensor tensor(const cgv_buffer *buffer, ref_shape s) {
    return (cgv_tensor){buffer->address, s.n, s.c, s.h, s.w};
}

static cgv_status application_create(application *a, cgv_device *device, const trial *t,
                                     wanted use) {
    const size_t sizes[BUFFERS] = {t->in_bytes, t->out_bytes, t->in_bytes, t->weight_bytes + 16};
    *a = (application){0};
    cgv_status status = cgv_params_create(&a->params, device, t->net, t->weights);
    if (!status)
        status = cgv_plan_create(
            &a->plan, device, t->net,
            &(cgv_plan_params){
                .n = t->in.n, .h = t->in.h, .w = t->in.w, .external_input = true, .train = true});
    if (!status)
        status = cgv_tape_create(&a->tape, a->plan);
    if (!status)
        status = cgv_cmd_create(&a->cmd, device, false);
    for (int i = 0; i < BUFFERS && !status; i++)
        status =
            cgv_buffer_create(&a->buffers[i], device, sizes[i], CGV_MEMORY_DEVICE, "a test's data");
    if (status)
        return status;
    cgv_tensor dx = {0};
    if (use != NO_INPUT)
        dx = tensor(&a->buffers[DX], t->in);
    cgv_tape_bind(&a->tape, tensor(&a->buffers[X], t->in));
    cgv_cmd_begin(a->cmd);
    cgv_plan_pack(a->plan, a->cmd, &a->params);
    cgv_plan_record(a->plan, a->cmd, &a->params, &a->tape);
    cgv_plan_record_backward(a->plan, a->cmd, &a->params, use == FROZEN ? NULL : &a->buffers[GRADS],
                             &a->tape, tensor(&a->buffers[DY], t->out), dx);
    return cgv_cmd_end(a->cmd);
}

static int all_buffers(cgv_buffer *all, const application *a) {
    int count = 0;
    for (int i = 0; i < a->tape.block_count; i++)
        all[count++] = a->tape.blocks[i];
    for (int i = 0; i < BUFFERS; i++)
        all[count++] = a->buffers[i];
    all[count++] = a->params.values;
    all[count++] = a->plan->packed;
    all[count++] = a->plan->workspace;
    return count;
}
#define MAX_BUFFERS (64 + BUFFERS + 3)

// Nothing may depend on what memory held before: it begins as NaN.
static cgv_status fill_nan(const cgv_buffer *buffer) {
    uint32_t *fill = numbers_allocate(buffer->size / 4, 4);
    for (uint64_t i = 0; i < buffer->size / 4; i++)
        fill[i] = NAN_WORD;
    cgv_status status = cgv_buffer_write(buffer, 0, fill, buffer->size / 4 * 4);
    free(fill);
    return status;
}

// The list, on fresh data; the parameters' gradients are added to what `grads` holds.
static cgv_status apply(const application *a, const trial *t, gradients *out) {
    const cgv_buffer *b = a->buffers;
    cgv_status status = fill_nan(&a->plan->packed);
    if (!status)
        status = fill_nan(&a->plan->workspace);
    for (int i = 0; i < a->tape.block_count && !status; i++)
        status = fill_nan(&a->tape.blocks[i]);
    if (!status)
        status = fill_nan(&b[DX]);
    if (!status)
        status = cgv_buffer_write(&b[X], 0, t->x, t->in_bytes);
    if (!status)
        status = cgv_buffer_write(&b[DY], 0, t->dy, t->out_bytes);
    if (!status)
        status = cgv_buffer_write(&b[GRADS], 0, out->weights, t->weight_bytes);
    if (!status)
        status = cgv_cmd_submit(a->cmd);
    if (!status)
        status = cgv_cmd_wait(a->cmd);
    if (!status)
        status = cgv_buffer_read(&b[GRADS], 0, out->weights, t->weight_bytes);
    return status ? status : cgv_buffer_read(&b[DX], 0, out->x, t->in_bytes);
}

static gradients new_gradients(const trial *t) {
    return (gradients){numbers_allocate(t->weight_bytes, 1), numbers_allocate(t->in_bytes, 1)};
}

static void free_gradients(gradients *g) {
    free(g->weights);
    free(g->x);
}

// Once from zero, and once more on top: exactly twice as much.
static void run_on(gradients *out, cgv_device *device, const trial *t, wanted use) {
    application a;
    cgv_buffer all[MAX_BUFFERS];
    CU_ASSERT_EQUAL_FATAL(application_create(&a, device, t, use), CGV_OK);
    CU_ASSERT_EQUAL(cgv_check_cmd(a.cmd, all, all_buffers(all, &a)), 0);
    gradients again = new_gradients(t);
    CU_ASSERT_EQUAL_FATAL(apply(&a, t, out), CGV_OK);
    memcpy(again.weights, out->weights, t->weight_bytes);
    CU_ASSERT_EQUAL_FATAL(apply(&a, t, &again), CGV_OK);
    CU_ASSERT(!memcmp(again.x, out->x, t->in_bytes));
    for (size_t i = 0; i < t->net->param_floats; i++)
        again.weights[i] /= 2;
    CU_ASSERT(!memcmp(again.weights, out->weights, t->weight_bytes));
    free_gradients(&again);
    application_destroy(&a);
}

// What is not wanted leaves the rest as it is; so do barriers everywhere.
static void check_uses(const trial *t, const gradients *all) {
    gradients other = new_gradients(t);
    run_on(&other, cgv_test_device(), t, NO_INPUT);
    CU_ASSERT(!memcmp(other.weights, all->weights, t->weight_bytes));
    for (size_t i = 0; i < ref_count(t->in); i++)
        CU_ASSERT(isnan(other.x[i]));
    free_gradients(&other);
    other = new_gradients(t);
    run_on(&other, cgv_test_device(), t, FROZEN);
    CU_ASSERT(!memcmp(other.x, all->x, t->in_bytes));
    for (size_t i = 0; i < t->net->param_floats; i++)
        CU_ASSERT_EQUAL(other.weights[i], 0);
    run_on(&other, cgv_test_full_barriers(), t, ALL);
    CU_ASSERT(!memcmp(other.x, all->x, t->in_bytes));
    CU_ASSERT(!memcmp(other.weights, all->weights, t->weight_bytes));
    free_gradients(&other);
}

// ---- against differences ----

static double projected(const ref_evaluation *e, const trial *t, int from) {
    const double *y = ref_evaluate(e, from);
    double sum = 0;
    for (size_t i = 0; i < ref_count(t->out); i++)
        sum += t->dy[i] * y[i];
    return sum;
}

// The difference between `gradient` and that of `values`, which the nodes from `from` on read.
typedef struct distance {
    double error, norm;
} distance;

static distance measure(const ref_evaluation *e, const trial *t, int from, double *values,
                        size_t count, const float *gradient) {
    distance d = {0};
    for (size_t i = 0; i < count; i++) {
        double middle = values[i];
        values[i] = middle + STEP;
        double above = projected(e, t, from);
        values[i] = middle - STEP;
        double slope = (above - projected(e, t, from)) / (2 * STEP);
        values[i] = middle;
        d.error += (gradient[i] - slope) * (gradient[i] - slope);
        d.norm += slope * slope;
    }
    ref_evaluate(e, from); // what the others start from
    return (distance){sqrt(d.error), sqrt(d.norm)};
}

static bool near(const trial *t, const char *name, distance d, double scale) {
    // A net may not depend on something at all: nothing relative can be asked for then.
    if (d.error <= TOLERANCE * fmax(d.norm, scale) + 1e-6)
        return true;
    printf("FAILED: %s, %s: the gradient is off by %.3g of %.3g\n", t->net->architecture, name,
           d.error, d.norm);
    return false;
}

static void check_differences(const trial *t, const gradients *g) {
    ref_evaluation e;
    CU_ASSERT_FATAL(ref_evaluation_create(&e, t->net, t->weights, t->x, t->in));
    ref_evaluate(&e, 1);
    CU_ASSERT(near(t, "input", measure(&e, t, 1, e.values[0], ref_count(t->in), g->x), 0));
    for (int i = 1; i < t->net->node_count; i++) {
        const int params[2] = {t->net->nodes[i].weight, t->net->nodes[i].bias};
        // A bias before an instance norm does nothing: what is left of its gradient after rounding
        // is measured by the weights'.
        double scale = 0;
        for (int k = 0; k < 2; k++) {
            if (params[k] < 0)
                continue;
            const cgv_param *p = &t->net->params[params[k]];
            if (p->filter) { // fixed: it gets none
                for (size_t f = 0; f < p->count; f++)
                    CU_ASSERT_EQUAL(g->weights[p->offset + f], 0);
                continue;
            }
            distance d = measure(&e, t, i, e.params + p->offset, p->count, g->weights + p->offset);
            CU_ASSERT(near(t, p->name, d, scale));
            scale = d.norm;
        }
    }
    ref_evaluation_destroy(&e);
}

// All that is promised, for one net and one input shape.
static void check(const cgv_net *net, int n, int h, int w) {
    trial t = {.net = net, .in = {n, net->input_channels, h, w}};
    cgv_size *sizes = numbers_allocate((size_t)net->node_count, sizeof *sizes);
    int last = net->node_count - 1;
    CU_ASSERT_EQUAL_FATAL(cgv_net_shapes(net, h, w, sizes), CGV_OK);
    t.out = (ref_shape){n, net->nodes[last].channels, sizes[last].h, sizes[last].w};
    free(sizes);
    t.weights = ref_random_params(net, &rng);
    t.x = numbers_random(&rng, ref_count(t.in), 0, 0.5f);
    t.dy = numbers_random(&rng, ref_count(t.out), 0, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t.weights);
    t.weight_bytes = net->param_floats * sizeof(float);
    t.in_bytes = ref_count(t.in) * sizeof(float);
    t.out_bytes = ref_count(t.out) * sizeof(float);

    gradients all = new_gradients(&t);
    run_on(&all, cgv_test_device(), &t, ALL);
    check_uses(&t, &all);
    check_differences(&t, &all);
    free_gradients(&all);
    free(t.weights);
    free(t.x);
    free(t.dy);
}

static void check_built(cgv_net *net, int n, int h, int w) {
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    check(net, n, h, w);
    cgv_net_destroy(&net);
}

// ---- architectures ----

static void check_named(const char *name, int width, int n, int h, int w) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(
        cgv_arch_by_name(
            &net, &(cgv_arch_options){.name = name, .ngf = width, .ndf = width, .layers = 2}),
        CGV_OK);
    check_built(net, n, h, w);
}

static void test_generators(void) {
    begin(1);
    check_named("resnet_1blocks", 2, 1, 12, 16);
    check_named("mobile_resnet_1blocks", 2, 1, 12, 12);
    check_named("resnet_1blocks_resize_affine", 2, 2, 12, 12);
    check_named("resnet_0blocks_antialias", 2, 1, 8, 12);
    check_named("unet_8", 1, 2, 16, 8);
    check_named("identity", 0, 2, 5, 7);
}

static void test_discriminator(void) {
    begin(2);
    check_named("patchgan", 3, 2, 24, 20);
    cgv_net *net; // with a second judge
    cgv_arch_options options = {.name = "patchgan", .ndf = 2, .layers = 2, .coarse = 4};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
    check_built(net, 2, 32, 40);
    options.coord = true;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
    check_built(net, 2, 32, 40);
}

// ---- graphs ----

static const cgv_conv_desc conv3 = {
    .channels = 2, .kernel = 3, .pad = 1, .pad_mode = CGV_PAD_REPLICATE};

static cgv_net *empty_net(const char *name) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, name, 2), CGV_OK);
    return net;
}

static int conv(cgv_net *net, int x, const char *name) {
    return cgv_net_conv(net, x, name, &conv3);
}

static int norm(cgv_net *net, int x, const char *name) {
    return cgv_net_instance_norm(net, x, name);
}

static void test_graphs(void) {
    begin(3);
    cgv_net *net = empty_net("one convolution");
    conv(net, 0, "c");
    check_built(net, 2, 5, 7);

    net = empty_net("input twice");
    cgv_net_add(net, 0, 0);
    check_built(net, 1, 5, 7);

    net = empty_net("input through three paths");
    int x = cgv_net_add(net, conv(net, 0, "c"), 0);
    x = cgv_net_add(net, 0, x);
    cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    check_built(net, 1, 5, 7);

    net = empty_net("activations without a convolution");
    x = cgv_net_activation(net, 0, CGV_ACT_LEAKY_RELU, 0.2f);
    x = cgv_net_activation(net, norm(net, x, "n"), CGV_ACT_SIGMOID, 0);
    x = cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    check_built(net, 2, 5, 7);

    net = empty_net("a sum of one tensor twice");
    x = norm(net, conv(net, 0, "c"), NULL);
    x = cgv_net_add(net, x, x);
    cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    check_built(net, 1, 5, 7);

    net = empty_net("skip around a norm");
    x = conv(net, 0, "c");
    int y = cgv_net_activation(net, norm(net, x, "n"), CGV_ACT_LEAKY_RELU, 0.3f);
    cgv_net_add(net, y, x);
    check_built(net, 2, 5, 7);

    net = empty_net("a residual read thrice");
    x = conv(net, 0, "c");
    y = cgv_net_add(net, norm(net, conv(net, x, "d"), "n"), x);
    y = cgv_net_add(net, x, norm(net, conv(net, y, "e"), NULL));
    cgv_net_add(net, y, x);
    check_built(net, 1, 5, 7);

    net = empty_net("channels behind each other");
    x = cgv_net_activation(net, norm(net, conv(net, 0, "c"), "n"), CGV_ACT_RELU, 0);
    x = conv(net, cgv_net_concat(net, x, 0), "d");
    cgv_net_concat(net, conv(net, 0, "e"), x);
    check(net, 1, 4, 6);
    check_built(net, 2, 5, 7);

    net = empty_net("channels of one tensor twice, and the tensor itself");
    x = conv(net, 0, "c");
    y = conv(net, cgv_net_concat(net, x, x), "d");
    y = cgv_net_concat(net, cgv_net_add(net, y, x), y);
    cgv_net_concat(net, cgv_net_concat(net, 0, 0), y);
    check(net, 1, 4, 6);
    check_built(net, 2, 5, 7);

    net = empty_net("what nobody reads");
    x = conv(net, 0, "c");
    cgv_net_activation(net, conv(net, x, "dead"), CGV_ACT_RELU, 0);
    norm(net, 0, "dead norm");
    cgv_net_activation(net, x, CGV_ACT_SIGMOID, 0);
    check_built(net, 1, 5, 7);
}

static void test_upsampling(void) {
    static const cgv_conv_desc conv4 = {.channels = 2, .kernel = 4, .stride = 2, .pad = 1};
    static const cgv_conv_desc reflected = {
        .channels = 2, .kernel = 3, .pad = 1, .pad_mode = CGV_PAD_REFLECT};
    static const cgv_conv_desc down = {
        .channels = 4, .kernel = 3, .stride = 2, .pad = 1, .groups = 2, .no_bias = true};
    begin(4);
    cgv_net *net = empty_net("nearest");
    int x = cgv_net_conv(net, cgv_net_upsample(net, 0, 2, CGV_UPSAMPLE_NEAREST), "c", &reflected);
    cgv_net_activation(net, norm(net, x, NULL), CGV_ACT_RELU, 0);
    check_built(net, 2, 4, 6);

    net = empty_net("bilinear");
    x = cgv_net_conv(net, 0, "c", &down);
    x = cgv_net_upsample(net, cgv_net_activation(net, x, CGV_ACT_LEAKY_RELU, 0.2f), 3,
                         CGV_UPSAMPLE_BILINEAR);
    cgv_net_conv(net, x, "d", &conv4);
    check_built(net, 1, 7, 5);

    net = empty_net("up twice from one tensor");
    x = cgv_net_conv(net, 0, "c", &conv4);
    cgv_net_add(net, cgv_net_upsample(net, x, 2, CGV_UPSAMPLE_BILINEAR),
                cgv_net_upsample(net, x, 2, CGV_UPSAMPLE_NEAREST));
    check_built(net, 1, 8, 6);

    net = empty_net("average pool");
    x = cgv_net_conv(net, cgv_net_average_pool(net, 0, 2), "c", &reflected);
    x = cgv_net_average_pool(net, cgv_net_activation(net, x, CGV_ACT_LEAKY_RELU, 0.2f), 3);
    cgv_net_conv(net, x, "d", &reflected);
    check_built(net, 2, 12, 18);

    net = empty_net("U");
    x = cgv_net_activation(net, cgv_net_conv(net, 0, "c", &conv4), CGV_ACT_LEAKY_RELU, 0.2f);
    x = norm(net, cgv_net_conv_transpose(net, x, "d", &conv4), "n");
    cgv_net_add(net, x, 0);
    check_built(net, 2, 8, 6);
}

// Nodes of any kind upon nodes anywhere before, mostly near; many are read twice or never.
static cgv_net *random_net(int nodes) {
    cgv_net *net = empty_net("random");
    int same[32] = {0}, count = 1;
    for (int i = 0; i < nodes; i++) {
        int back = (int)cgv_rng_below(&rng, cgv_rng_below(&rng, 3) ? 2 : 32);
        int x = same[back < count ? count - 1 - back : 0];
        int other = same[cgv_rng_below(&rng, (uint32_t)count)];
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        switch (cgv_rng_below(&rng, 10)) {
        case 0:
        case 1:
            x = conv(net, x, name);
            break;
        case 2:
        case 3:
            x = norm(net, x, cgv_rng_below(&rng, 2) ? name : NULL);
            break;
        case 4:
            x = cgv_net_activation(net, x, (cgv_activation)cgv_rng_below(&rng, 5), 0.2f);
            break;
        case 5:
        case 6:
            x = cgv_net_add(net, x, other);
            break;
        case 7:
        case 8:
            x = conv(net, cgv_net_concat(net, x, other), name);
            break;
        default:
            other = cgv_net_conv(net, other, name, &(cgv_conv_desc){.channels = 4, .kernel = 1});
            x = cgv_net_affine_head(net, other, x);
        }
        same[count++] = x;
    }
    return net;
}

static void test_random(void) {
    begin(5);
    for (int i = 0; i < 24; i++)
        check_built(random_net(2 + i / 2), 1 + i % 2, 4, 6);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"generators", test_generators},  {"discriminator", test_discriminator},
        {"graphs", test_graphs},          {"upsampling", test_upsampling},
        {"random networks", test_random}, {0},
    };
    return cgv_test_run("gradients of networks", cases);
}
