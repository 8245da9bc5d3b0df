// The affine head and resize-convolution: the op and its gradients, nets with them under reverse
// mode, weights to start from, and files.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/rng.h"
#include "guarded.h"
#include "model/model.h"
#include "nn/arch.h"
#include "nn/plan.h"
#include "numbers.h"
#include "ops/grad.h"
#include "reference_net.h"
#include "support.h"

static cgv_rng rng;

static float *random_floats(size_t count, float deviation) {
    float *data = malloc((count + 1) * sizeof *data);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    for (size_t i = 0; i < count; i++)
        data[i] = deviation * cgv_rng_normal(&rng);
    return data;
}

// ---- the op ----

enum { DX_WANTED, DX_OVER_DY, DX_UNWANTED };

typedef struct operands {
    float *coefficients, *x, *dy;
    double *y, *dcoefficients, *dx;
} operands;

static void head(double *y, const operands *o, ref_shape shape) {
    double *coefficients = numbers_widen(o->coefficients, 2 * ref_count(shape));
    double *x = numbers_widen(o->x, ref_count(shape));
    ref_affine_head(y, coefficients, x, shape);
    free(coefficients);
    free(x);
}

// dy * dy/dv for every element by central differences, v being x, the gains or the offsets: they
// lie `first` floats into a picture's `stride` in `values`.
static void differentiate(double *gradient, float *values, size_t stride, size_t first,
                          const operands *o, ref_shape shape) {
    size_t picture = ref_count(shape) / (size_t)shape.n;
    float *kept = malloc(stride * (size_t)shape.n * sizeof *kept);
    double *up = malloc(ref_count(shape) * sizeof *up),
           *down = malloc(ref_count(shape) * sizeof *up);
    CU_ASSERT_FATAL(kept && up && down);
    memcpy(kept, values, stride * (size_t)shape.n * sizeof *kept);
    const float step = 0x1p-8f;
    double *results[] = {up, down};
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < ref_count(shape); i++)
            values[i / picture * stride + first + i % picture] =
                kept[i / picture * stride + first + i % picture] + (side ? -step : step);
        head(results[side], o, shape);
    }
    memcpy(values, kept, stride * (size_t)shape.n * sizeof *kept);
    for (size_t i = 0; i < ref_count(shape); i++)
        gradient[i / picture * stride + first + i % picture] =
            o->dy[i] * (up[i] - down[i]) / (2 * (double)step);
    free(kept);
    free(up);
    free(down);
}

static operands make_operands(ref_shape shape) {
    size_t count = ref_count(shape), picture = count / (size_t)shape.n;
    operands o = {
        .coefficients = random_floats(2 * count, 0.7f),
        .x = random_floats(count, 0.6f),
        .dy = random_floats(count, 1),
        .y = malloc(count * sizeof *o.y),
        .dcoefficients = malloc(2 * count * sizeof *o.dcoefficients),
        .dx = malloc(count * sizeof *o.dx),
    };
    CU_ASSERT_FATAL(o.y && o.dcoefficients && o.dx);
    head(o.y, &o, shape);
    differentiate(o.dx, o.x, picture, 0, &o, shape);
    differentiate(o.dcoefficients, o.coefficients, 2 * picture, 0, &o, shape);
    differentiate(o.dcoefficients, o.coefficients, 2 * picture, picture, &o, shape);
    return o;
}

static void free_operands(operands *o) {
    free(o->coefficients);
    free(o->x);
    free(o->dy);
    free(o->y);
    free(o->dcoefficients);
    free(o->dx);
}

static bool close_to(const char *what, const float *got, const double *expected, size_t count,
                     double tolerance) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        difference += (got[i] - expected[i]) * (got[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    if (sqrt(difference) <= tolerance * sqrt(norm))
        return true;
    printf("FAILED: %s: relative error %.3g\n", what, sqrt(difference / norm));
    return false;
}

static void check_op(guarded *memory, ref_shape shape, int kind) {
    operands o = make_operands(shape);
    size_t count = ref_count(shape), bytes = count * sizeof(float);
    guarded_begin(memory);
    cgv_tensor y = {guarded_add(memory, GUARDED_OUTPUT, NULL, bytes), shape.n, shape.c, shape.h,
                    shape.w};
    cgv_tensor x = y, dy = y, dx = y, coefficients = y, dcoefficients = y;
    coefficients.c = dcoefficients.c = 2 * shape.c;
    x.address = guarded_add(memory, GUARDED_INPUT, o.x, bytes);
    coefficients.address = guarded_add(memory, GUARDED_INPUT, o.coefficients, 2 * bytes);
    dcoefficients.address = guarded_add(memory, GUARDED_OUTPUT, NULL, 2 * bytes);
    dy.address =
        guarded_add(memory, kind == DX_OVER_DY ? GUARDED_OUTPUT : GUARDED_INPUT, o.dy, bytes);
    dx.address = kind == DX_OVER_DY  ? dy.address
                 : kind == DX_WANTED ? guarded_add(memory, GUARDED_OUTPUT, NULL, bytes)
                                     : 0;
    cgv_affine_head(memory->cmd, y, coefficients, x);
    cgv_affine_head_grad(memory->cmd, dcoefficients, dx, dy, y, coefficients, x);
    CU_ASSERT(guarded_run(memory));
    CU_ASSERT(close_to("y", guarded_result(memory, y.address), o.y, count, 1e-6));
    CU_ASSERT(close_to("dcoefficients", guarded_result(memory, dcoefficients.address),
                       o.dcoefficients, 2 * count, 1e-4));
    CU_ASSERT(kind == DX_UNWANTED ||
              close_to("dx", guarded_result(memory, dx.address), o.dx, count, 1e-4));
    free_operands(&o);
}

static void test_op(void) {
    static const ref_shape shapes[] = {
        {1, 3, 1, 1}, {1, 3, 7, 5}, {2, 3, 9, 16}, {3, 1, 4, 4}, {2, 5, 33, 17}};
    guarded memory;
    cgv_rng_seed(&rng, 20170330, 1);
    CU_ASSERT_EQUAL_FATAL(guarded_create(&memory, cgv_test_device(), 1 << 20), CGV_OK);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int kind = DX_WANTED; kind <= DX_UNWANTED; kind++)
            check_op(&memory, shapes[i], kind);
    guarded_destroy(&memory);
}

// ---- a net under reverse mode ----

// A net, where it is evaluated, and the loss sum(dy * y) whose gradient is asked for.
typedef struct trial {
    const cgv_net *net;
    ref_shape in, out;
    float *weights, *x, *dy;
    float *dweights, *dx; // what the plan says
} trial;

static cgv_tensor tensor_at(const cgv_buffer *buffer, uint64_t offset, ref_shape s) {
    return (cgv_tensor){buffer->address + offset, s.n, s.c, s.h, s.w};
}

// Forward and backward on the device into dweights and dx; NULL: the input's gradient is unwanted.
static cgv_status run_backward(const trial *t, float *dweights, float *dx) {
    cgv_device *device = cgv_test_device();
    uint64_t in_bytes = ref_count(t->in) * sizeof(float);
    uint64_t weight_bytes = t->net->param_floats * sizeof(float);
    cgv_params params = {0};
    cgv_plan *plan = NULL;
    cgv_tape tape = {0};
    cgv_cmd *cmd = NULL;
    cgv_buffer input = {0}, dout = {0}, din = {0}, grads = {0};
    float *zeros = calloc(t->net->param_floats, sizeof *zeros);
    cgv_status status = zeros ? CGV_OK : CGV_ERROR_MEMORY;
    if (!status)
        status = cgv_params_create(&params, device, t->net, t->weights);
    if (!status)
        status = cgv_plan_create(
            &plan, device, t->net,
            &(cgv_plan_params){
                .n = t->in.n, .h = t->in.h, .w = t->in.w, .external_input = true, .train = true});
    if (!status)
        status = cgv_tape_create(&tape, plan);
    cgv_buffer *buffers[] = {&input, &dout, &din, &grads};
    const void *data[] = {t->x, t->dy, t->x, zeros};
    for (int i = 0; i < 4 && !status; i++) {
        uint64_t bytes = i == 3 ? weight_bytes : in_bytes;
        status = cgv_buffer_create(buffers[i], device, bytes, CGV_MEMORY_DEVICE, "test");
        if (!status)
            status = cgv_buffer_write(buffers[i], 0, data[i], bytes);
    }
    if (!status)
        status = cgv_cmd_create(&cmd, device, false);
    if (status)
        goto done;
    cgv_tensor dinput = {0};
    if (dx)
        dinput = tensor_at(&din, 0, t->in);
    cgv_tape_bind(&tape, tensor_at(&input, 0, t->in));
    cgv_cmd_begin(cmd);
    cgv_plan_pack(plan, cmd, &params);
    cgv_plan_record(plan, cmd, &params, &tape);
    cgv_plan_record_backward(plan, cmd, &params, &grads, &tape, tensor_at(&dout, 0, t->out),
                             dinput);
    status = cgv_cmd_run(cmd);
    if (!status)
        status = cgv_buffer_read(&grads, 0, dweights, weight_bytes);
    if (!status && dx)
        status = cgv_buffer_read(&din, 0, dx, in_bytes);
done:
    cgv_cmd_destroy(&cmd);
    for (int i = 0; i < 4; i++)
        cgv_buffer_destroy(buffers[i]);
    cgv_tape_destroy(&tape);
    cgv_plan_destroy(&plan);
    cgv_params_destroy(&params);
    free(zeros);
    return status;
}

static double loss(const trial *t) {
    ref_shape out;
    float *y = ref_net(t->net, t->weights, t->x, t->in, &out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(y);
    double sum = 0;
    for (size_t i = 0; i < ref_count(out); i++)
        sum += (double)t->dy[i] * y[i];
    free(y);
    return sum;
}

static double length(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i] * values[i];
    return sqrt(sum);
}

// The derivative along a random corner of the cube, where an error e of the gradient shows as
// about |e|, by central differences and by the gradient; steps so short that few ReLUs turn between
// them. `slack`: what rounding may account for.
static bool check_along(const trial *t, const char *name, float *values, const float *gradient,
                        size_t count, double slack) {
    float *kept = malloc(count * sizeof *kept);
    float *corner = malloc(count * sizeof *corner);
    CU_ASSERT_FATAL(kept && corner);
    memcpy(kept, values, count * sizeof *kept);
    double step = 2e-4 / sqrt((double)count), sides[2], along = 0;
    for (size_t i = 0; i < count; i++)
        corner[i] = cgv_rng_below(&rng, 2) ? 1 : -1;
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++)
            values[i] = (float)(kept[i] + (side ? -step : step) * corner[i]);
        sides[side] = loss(t);
    }
    for (size_t i = 0; i < count; i++)
        along += (double)corner[i] * gradient[i];
    memcpy(values, kept, count * sizeof *kept);
    double measured = (sides[0] - sides[1]) / (2 * step);
    bool right = fabs(measured - along) <= 0.02 * length(gradient, count) + slack;
    if (!right)
        printf("FAILED: %s, %s: %g by differences, %g by the gradient of length %g\n",
               t->net->architecture, name, measured, along, length(gradient, count));
    free(kept);
    free(corner);
    return right;
}

static void check_gradients(const char *name, int width, ref_shape in, int factor) {
    cgv_net *net = cgv_test_net(name, width, 0);
    CU_ASSERT_EQUAL_FATAL(cgv_net_shrink_input(net, factor), CGV_OK);
    size_t pixels = ref_count(in);
    trial t = {.net = net,
               .in = in,
               .out = in,
               .x = random_floats(pixels, 0.5f),
               .dy = random_floats(pixels, 1),
               .weights = ref_random_params(net, &rng),
               .dweights = calloc(net->param_floats, sizeof(float)),
               .dx = calloc(pixels, sizeof(float))};
    float *again = calloc(net->param_floats, sizeof *again);
    CU_ASSERT_FATAL(t.weights && t.dweights && t.dx && again);
    CU_ASSERT_EQUAL_FATAL(run_backward(&t, t.dweights, t.dx), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(run_backward(&t, again, NULL), CGV_OK);
    CU_ASSERT(!memcmp(again, t.dweights, net->param_floats * sizeof *again));

    double slack = 2e-3 * length(t.dweights, net->param_floats);
    CU_ASSERT(check_along(&t, "input", t.x, t.dx, pixels, slack));
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        CU_ASSERT(check_along(&t, p->name, t.weights + p->offset, t.dweights + p->offset, p->count,
                              slack));
    }
    float *all[] = {t.x, t.dy, t.weights, t.dweights, t.dx, again};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    cgv_net_destroy(&net);
}

static void test_gradients(void) {
    cgv_rng_seed(&rng, 20170330, 2);
    check_gradients("resnet_1blocks_resize_affine", 4, (ref_shape){2, 3, 12, 16}, 1);
    check_gradients("mobile_resnet_1blocks_affine", 4, (ref_shape){1, 3, 16, 12}, 1);
    check_gradients("resnet_1blocks_resize", 4, (ref_shape){1, 3, 12, 12}, 1);
    check_gradients("resnet_1blocks_grid", 4, (ref_shape){2, 3, 12, 16}, 1);
    check_gradients("resnet_1blocks_grid_coord", 4, (ref_shape){2, 3, 12, 16}, 1);
    check_gradients("resnet_1blocks_grid_coord", 4, (ref_shape){2, 3, 24, 32}, 2);
}

// ---- weights to start from ----

static void moments(const float *values, size_t count, double *mean, double *deviation) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
        squares += (double)values[i] * values[i];
    }
    *mean = sum / (double)count;
    *deviation = sqrt(squares / (double)count - *mean * *mean);
}

static void check_param(const cgv_param *p, const float *values, double mean, double deviation) {
    double got_mean, got_deviation, spread = 5 / sqrt((double)p->count);
    moments(values + p->offset, p->count, &got_mean, &got_deviation);
    CU_ASSERT(fabs(got_mean - mean) <= spread * deviation);
    CU_ASSERT(fabs(got_deviation - deviation) <= spread * deviation);
}

static void test_init(void) {
    cgv_net *net = cgv_test_net("resnet_1blocks_resize_affine", 8, 0);
    cgv_net_instance_norm(net, net->node_count - 1, "norm"); // no architecture has an affine one
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    float *a = calloc(net->param_floats, sizeof *a), *b = calloc(net->param_floats, sizeof *b);
    CU_ASSERT_FATAL(a && b);
    cgv_arch_init(net, a, 7);
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        bool bias = strstr(p->name, ".bias"), last = !strcmp(p->name, "model.22.weight");
        bool norm = !strcmp(p->name, "norm.weight");
        check_param(p, a, norm ? 1 : 0, bias ? 0 : last ? 0.002 : 0.02);
    }
    cgv_arch_init(net, b, 7);
    CU_ASSERT(!memcmp(a, b, net->param_floats * sizeof *a));
    cgv_arch_init(net, b, 8);
    CU_ASSERT(memcmp(a, b, net->param_floats * sizeof *a));
    free(a);
    free(b);
    cgv_net_destroy(&net);
}

// With gains and offsets near zero a generator gives tanh of its picture, at any width.
static void test_start(void) {
    cgv_rng_seed(&rng, 20170330, 3);
    cgv_net *net = cgv_test_net("resnet_1blocks_resize_affine", 16, 0);
    ref_shape in = {1, 3, 16, 16}, out;
    float *weights = calloc(net->param_floats, sizeof *weights);
    float *x = random_floats(ref_count(in), 0.5f), *expected = random_floats(ref_count(in), 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(weights);
    cgv_arch_init(net, weights, 1);
    float *y = ref_net(net, weights, x, in, &out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(y);
    for (size_t i = 0; i < ref_count(in); i++)
        expected[i] = tanhf(x[i]);
    double error = cgv_test_relative_error(y, expected, ref_count(in));
    CU_ASSERT(error > 0 && error < 0.15);
    free(weights);
    free(x);
    free(expected);
    free(y);
    cgv_net_destroy(&net);
}

// ---- files ----

static float *apply(const cgv_model *model, const float *x, ref_shape in) {
    cgv_params params;
    cgv_plan *plan;
    cgv_tape tape;
    cgv_cmd *cmd;
    cgv_device *device = cgv_test_device();
    uint64_t bytes = ref_count(in) * sizeof(float);
    float *y = malloc(bytes);
    cgv_plan_params shape = {.n = 1, .h = in.h, .w = in.w};
    CU_ASSERT_PTR_NOT_NULL_FATAL(y);
    CU_ASSERT_EQUAL_FATAL(cgv_params_create(&params, device, model->net, model->params), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, device, model->net, &shape), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_tape_create(&tape, plan), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, device, false), CGV_OK);
    const cgv_buffer *block = &tape.blocks[0];
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_write(block, tape.input.address - block->address, x, bytes),
                          CGV_OK);
    cgv_cmd_begin(cmd);
    cgv_plan_pack(plan, cmd, &params);
    cgv_plan_record(plan, cmd, &params, &tape);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_run(cmd), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(block, tape.output.address - block->address, y, bytes),
                          CGV_OK);
    cgv_cmd_destroy(&cmd);
    cgv_tape_destroy(&tape);
    cgv_plan_destroy(&plan);
    cgv_params_destroy(&params);
    return y;
}

static void check_file(const char *architecture) {
    ref_shape in = {1, 3, 12, 20};
    const char *folder = getenv("TMPDIR");
    char *path = cgv_fs_format("%s/cgv_affine_head_%ld.safetensors", folder ? folder : "/tmp",
                               (long)getpid());
    cgv_model *model, *again;
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, cgv_test_net(architecture, 4, 0), "test"),
                          CGV_OK);
    cgv_arch_init(model->net, model->params, 3);
    CU_ASSERT_EQUAL_FATAL(cgv_model_save(model, path, CGV_MODEL_F32), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&again, path), CGV_OK);
    CU_ASSERT_EQUAL(unlink(path), 0);
    const cgv_model_info *info = cgv_model_get_info(again);
    CU_ASSERT_STRING_EQUAL(info->architecture, architecture);
    CU_ASSERT(info->input_channels == 3 && info->output_channels == 3 && info->multiple == 4);

    float *x = random_floats(ref_count(in), 0.5f);
    float *before = apply(model, x, in), *after = apply(again, x, in);
    CU_ASSERT(!memcmp(before, after, ref_count(in) * sizeof *x));
    CU_ASSERT(length(before, ref_count(in)) > 0);
    free(x);
    free(before);
    free(after);
    free(path);
    cgv_model_destroy(&model);
    cgv_model_destroy(&again);
}

static void test_files(void) {
    cgv_rng_seed(&rng, 20170330, 4);
    check_file("resnet_6blocks_resize_affine");
    check_file("resnet_9blocks_affine");
    check_file("resnet_2blocks_resize");
    check_file("resnet_2blocks_grid");
    check_file("resnet_2blocks_grid_coord");
    check_file("mobile_resnet_3blocks_resize_affine");
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"the op and its gradients", test_op},
        {"gradients of networks", test_gradients},
        {"weights to start from", test_init},
        {"a start near the picture", test_start},
        {"files", test_files},
        {0},
    };
    return cgv_test_run("affine_head", cases);
}
