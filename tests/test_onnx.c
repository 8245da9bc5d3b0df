// ONNX: what graphs become, what is refused and how, and that what is written is read again.
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "messages.h"
#include "model/model.h"
#include "model/onnx.h"
#include "model/onnx_build.h"
#include "net_runner.h"
#include "nn/arch.h"
#include "numbers.h"
#include "reference_net.h"
#include "support.h"

static const float ramp[512] = {0.5f, -0.25f, 0.125f, 1, 0.75f, -0.5f, 0.0625f, 2};

// A file in the making.
typedef struct file {
    onnx_build b;
    int64_t opset, channels;
    bool last;          // the input's channels come last
    const char *order;  // metadata, NULL: none
    const char *second; // another input
    bool elsewhere;     // the first constant's numbers lie in another file
} file;

static Cgv__Onnx__Dimension dimensions[4];
static Cgv__Onnx__Dimension *dimension_list[4];

// The file's bytes, with `x` as its output; free() them.
static uint8_t *pack(size_t *size, file *f, const char *x) {
    Cgv__Onnx__Model model = CGV__ONNX__MODEL__INIT;
    Cgv__Onnx__Graph graph = CGV__ONNX__GRAPH__INIT;
    Cgv__Onnx__OperatorSet opset = CGV__ONNX__OPERATOR_SET__INIT;
    Cgv__Onnx__ValueInfo in[2] = {CGV__ONNX__VALUE_INFO__INIT, CGV__ONNX__VALUE_INFO__INIT};
    Cgv__Onnx__ValueInfo out = CGV__ONNX__VALUE_INFO__INIT;
    Cgv__Onnx__Type type = CGV__ONNX__TYPE__INIT;
    Cgv__Onnx__TensorType tensor = CGV__ONNX__TENSOR_TYPE__INIT;
    Cgv__Onnx__Shape shape = CGV__ONNX__SHAPE__INIT;
    Cgv__Onnx__Entry note = CGV__ONNX__ENTRY__INIT;
    for (int i = 0; i < 4; i++) {
        cgv__onnx__dimension__init(&dimensions[i]);
        dimensions[i].has_value = i == 0 || i == (f->last ? 3 : 1);
        dimensions[i].value = i == 0 ? 1 : f->channels ? f->channels : 3;
        dimension_list[i] = &dimensions[i];
    }
    shape.n_dim = 4;
    shape.dim = dimension_list;
    tensor.shape = &shape;
    type.tensor_type = &tensor;
    in[0].name = (char *)"image";
    in[0].type = in[1].type = &type;
    in[1].name = (char *)f->second;
    out.name = (char *)x;
    graph.n_input = f->second ? 2 : 1;
    graph.input = (Cgv__Onnx__ValueInfo *[]){&in[0], &in[1]};
    graph.n_output = 1;
    graph.output = (Cgv__Onnx__ValueInfo *[]){&out};
    graph.n_node = f->b.node_count;
    graph.node = f->b.nodes;
    graph.n_initializer = f->b.tensor_count;
    graph.initializer = f->b.tensors;
    if (f->elsewhere) {
        graph.initializer[0]->has_data_location = true;
        graph.initializer[0]->data_location = 1;
    }
    opset.has_version = true;
    opset.version = f->opset ? f->opset : 17;
    model.has_ir_version = true;
    model.ir_version = 8;
    model.producer_name = (char *)"test";
    model.graph = &graph;
    model.n_opset_import = 1;
    model.opset_import = (Cgv__Onnx__OperatorSet *[]){&opset};
    note.key = (char *)"channel_order";
    note.value = (char *)f->order;
    model.n_metadata_props = f->order ? 1 : 0;
    model.metadata_props = (Cgv__Onnx__Entry *[]){&note};
    *size = cgv__onnx__model__get_packed_size(&model);
    uint8_t *bytes = malloc(*size + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    cgv__onnx__model__pack(&model, bytes);
    return bytes;
}

static cgv_status load_as(cgv_model **out, file *f, const char *x, cgv_model_params params) {
    size_t size;
    CU_ASSERT_FATAL(!f->b.failed);
    uint8_t *bytes = pack(&size, f, x);
    CU_ASSERT(cgv_onnx_is(bytes, size));
    cgv_status status = cgv_onnx_parse(out, bytes, size, &params, "test");
    free(bytes);
    cgv_onnx_build_free(&f->b);
    return status;
}

static cgv_model *load(file *f, const char *x) {
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(load_as(&model, f, x, (cgv_model_params){0}), CGV_OK);
    CU_ASSERT_STRING_EQUAL(model->info.format, "onnx");
    return model;
}

static const char *conv(file *f, const char *x, int64_t cout, int64_t cin, int64_t kernel) {
    const char *w =
        cgv_onnx_build_floats(&f->b, NULL, ramp, 4, (int64_t[]){cout, cin, kernel, kernel});
    return CGV_ONNX_NODE(&f->b, "Conv", x, w);
}

static const char *scalar(file *f, float value) {
    return cgv_onnx_build_scalar(&f->b, value);
}

// ---- what layers become ----

static void check_ops(cgv_model *model, const cgv_op *ops, int count) {
    CU_ASSERT_EQUAL_FATAL(model->net->node_count, count + 1);
    for (int i = 0; i < count; i++)
        CU_ASSERT_EQUAL(model->net->nodes[i + 1].op, ops[i]);
}

static void test_folding(void) {
    file f = {0};
    onnx_build *b = &f.b;
    const char *x = CGV_ONNX_NODE(b, "Pad", "image", CGV_ONNX_LIST(b, 0, 0, 1, 1, 0, 0, 1, 1));
    cgv_onnx_build_word(b, "mode", "reflect");
    x = conv(&f, x, 3, 3, 3);
    const char *scale = cgv_onnx_build_floats(b, NULL, ramp, 1, &(int64_t){3});
    const char *ones = cgv_onnx_build_fill(b, 1, 3), *twos = cgv_onnx_build_fill(b, 2, 3);
    x = CGV_ONNX_NODE(b, "BatchNormalization", x, scale, ones, twos, ones);
    cgv_onnx_build_float(b, "epsilon", 0);
    x = CGV_ONNX_NODE(b, "Mul", x, scalar(&f, 2));
    x = CGV_ONNX_NODE(b, "Tanh", x);
    cgv_model *model = load(&f, x);
    check_ops(model, (cgv_op[]){CGV_OP_CONV, CGV_OP_ACTIVATION}, 2);
    const cgv_node *n = &model->net->nodes[1];
    CU_ASSERT(n->pad == 1 && n->pad_mode == CGV_PAD_REFLECT && n->input[0] == 0);
    const float *weights = model->params + model->net->params[n->weight].offset;
    const float *bias = model->params + model->net->params[n->bias].offset;
    for (int i = 0; i < 81; i++)
        CU_ASSERT_EQUAL(weights[i], ramp[i] * ramp[i / 27] * 2);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(bias[i], 2 * (1 - 2 * ramp[i]));
    CU_ASSERT_EQUAL(model->info.parameters, 84);
    cgv_model_destroy(&model);
}

// What others read too is not changed.
static void test_shared_conv(void) {
    file f = {0};
    const char *x = conv(&f, "image", 3, 3, 1);
    const char *y = CGV_ONNX_NODE(&f.b, "Mul", x, scalar(&f, 2));
    const char *z = CGV_ONNX_NODE(&f.b, "Tanh", CGV_ONNX_NODE(&f.b, "Add", x, y));
    cgv_model *model = load(&f, z);
    check_ops(model, (cgv_op[]){CGV_OP_CONV, CGV_OP_ELEMENTWISE, CGV_OP_ADD, CGV_OP_ACTIVATION}, 4);
    CU_ASSERT_EQUAL(model->params[model->net->params[model->net->nodes[1].weight].offset], ramp[0]);
    cgv_model_destroy(&model);
}

static void test_multiple(void) {
    file f = {0};
    onnx_build *b = &f.b;
    const char *x = conv(&f, "image", 3, 3, 3);
    CGV_ONNX_INTS(b, "pads", 1, 1, 1, 1);
    CGV_ONNX_INTS(b, "strides", 2, 2);
    x = CGV_ONNX_NODE(b, "MaxPool", x);
    CGV_ONNX_INTS(b, "kernel_shape", 2, 2);
    CGV_ONNX_INTS(b, "strides", 2, 2);
    x = CGV_ONNX_NODE(b, "Tanh", x);
    cgv_model *model = load(&f, x);
    CU_ASSERT_EQUAL(model->info.multiple, 4);
    cgv_model_destroy(&model);
}

// ---- what numbers mean ----

// Weights of the first and the last convolution, which turn -1..1 into the graph's numbers and
// back; 0: there is none.
static void check_range(file *f, const char *x, cgv_model_params params, float in, float out) {
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(load_as(&model, f, x, params), CGV_OK);
    float first = 0, last = 0;
    for (int p = 0; p < model->net->param_count; p++) {
        const float *numbers = model->params + model->net->params[p].offset;
        for (int i = 0; i < 9; i++) {
            if (!strcmp(model->net->params[p].name, "input.weight") && numbers[i] != 0)
                first = numbers[i];
            if (!strcmp(model->net->params[p].name, "output.weight") && numbers[i] != 0)
                last = numbers[i];
        }
    }
    CU_ASSERT_DOUBLE_EQUAL(first, in, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(last, out, 1e-6);
    cgv_model_destroy(&model);
}

static const char *norm(file *f, const char *x) {
    return CGV_ONNX_NODE(&f->b, "InstanceNormalization", x, cgv_onnx_build_fill(&f->b, 1, 3),
                         cgv_onnx_build_fill(&f->b, 0, 3));
}

static void test_ranges(void) {
    static const cgv_model_params guess = {0};
    file f = {0};
    const char *x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, "image", 3, 3, 1));
    check_range(&f, x, guess, 0, 0); // -1..1: nothing to do
    x = CGV_ONNX_NODE(&f.b, "Sigmoid", conv(&f, "image", 3, 3, 1));
    check_range(&f, x, guess, 0.5f, 2);
    x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, "image", 3, 3, 1));
    x = CGV_ONNX_NODE(&f.b, "Add", CGV_ONNX_NODE(&f.b, "Mul", x, scalar(&f, 150)),
                      scalar(&f, 127.5f));
    check_range(&f, x, guess, 127.5f, 1 / 127.5f);
    // A style network: instance norm, and a plain convolution at the end.
    x = conv(&f, norm(&f, conv(&f, "image", 3, 3, 1)), 3, 3, 1);
    check_range(&f, x, guess, 127.5f, 1 / 127.5f);
    x = conv(&f, norm(&f, conv(&f, "image", 3, 3, 1)), 3, 3, 1);
    check_range(&f, x, (cgv_model_params){.range = CGV_MODEL_RANGE_SIGNED}, 0, 0);
    x = conv(&f, norm(&f, conv(&f, "image", 3, 3, 1)), 3, 3, 1);
    check_range(&f, x, (cgv_model_params){.range = CGV_MODEL_RANGE_UNIT}, 0.5f, 2);
    // The input alone tells: it is divided by 255.
    x = CGV_ONNX_NODE(&f.b, "Div", "image", scalar(&f, 255));
    x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, x, 3, 3, 1));
    check_range(&f, x, guess, 127.5f, 0);
    x = CGV_ONNX_NODE(&f.b, "Sub", CGV_ONNX_NODE(&f.b, "Mul", "image", scalar(&f, 2)),
                      scalar(&f, 1));
    x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, x, 3, 3, 1));
    check_range(&f, x, guess, 0.5f, 0);
}

// The first picture of cgvideo's through node 1: which of its channels does the graph see first?
static void check_order(file *f, const char *x, cgv_model_params params, bool bgr) {
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(load_as(&model, f, x, params), CGV_OK);
    bool found = false;
    for (int p = 0; p < model->net->param_count; p++)
        if (!strcmp(model->net->params[p].name, "input.weight")) {
            const float *numbers = model->params + model->net->params[p].offset;
            found = numbers[0] == 0 && numbers[2] != 0 && numbers[4] != 0 && numbers[6] != 0;
        }
    CU_ASSERT_EQUAL(found, bgr);
    cgv_model_destroy(&model);
}

static void test_orders(void) {
    static const float caffe[3] = {103.939f, 116.779f, 123.68f};
    file f = {0};
    const char *x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, "image", 3, 3, 1));
    check_order(&f, x, (cgv_model_params){0}, false);
    x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, "image", 3, 3, 1));
    check_order(&f, x, (cgv_model_params){.order = CGV_MODEL_ORDER_BGR}, true);
    f.order = "bgr";
    x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, "image", 3, 3, 1));
    check_order(&f, x, (cgv_model_params){0}, true);
    x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, "image", 3, 3, 1));
    check_order(&f, x, (cgv_model_params){.order = CGV_MODEL_ORDER_RGB}, false);
    f.order = NULL;
    x = cgv_onnx_build_floats(&f.b, NULL, caffe, 3, (int64_t[]){3, 1, 1});
    x = CGV_ONNX_NODE(&f.b, "Sub", "image", x);
    x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, x, 3, 3, 1));
    check_order(&f, x, (cgv_model_params){0}, true);
    // [N, H, W, C] is only another way to look at it.
    f.last = true;
    x = CGV_ONNX_NODE(&f.b, "Transpose", "image");
    CGV_ONNX_INTS(&f.b, "perm", 0, 3, 1, 2);
    x = CGV_ONNX_NODE(&f.b, "Tanh", conv(&f, x, 3, 3, 1));
    x = CGV_ONNX_NODE(&f.b, "Transpose", x);
    CGV_ONNX_INTS(&f.b, "perm", 0, 2, 3, 1);
    cgv_model *model = load(&f, x);
    check_ops(model, (cgv_op[]){CGV_OP_CONV, CGV_OP_ACTIVATION}, 2);
    cgv_model_destroy(&model);
}

// ---- what is refused ----

static void check_refused(file *f, const char *x, cgv_status wanted, const char *said) {
    cgv_model *model;
    cgv_test_listen();
    CU_ASSERT_EQUAL(load_as(&model, f, x, (cgv_model_params){0}), wanted);
    CU_ASSERT_PTR_NULL(model);
    CU_ASSERT(cgv_test_said(said));
    *f = (file){0};
}

static void test_refusals(void) {
    file f = {0};
    const char *x = CGV_ONNX_NODE(&f.b, "Einsum", conv(&f, "image", 3, 3, 1));
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "node 'Einsum_2' (Einsum)");
    x = CGV_ONNX_NODE(&f.b, "Tanh", "image");
    f.b.nodes[0]->domain = (char *)"com.example";
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "node 'Tanh_0' (Tanh) is of another operator set");
    x = CGV_ONNX_NODE(&f.b, "Tanh", "image");
    f.opset = 6;
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "operator set 6");
    x = CGV_ONNX_NODE(&f.b, "Add", "image", "mask");
    f.second = "mask";
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "more than one input");
    x = CGV_ONNX_NODE(&f.b, "Tanh", "nothing");
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "reads a tensor that nothing before it gives");
    x = conv(&f, "image", 3, 3, 1);
    f.elsewhere = true;
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "weights in another file");
    x = conv(&f, "image", 3, 4, 1);
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "(Conv) has weights for other channels");
    x = conv(&f, "image", 3, 3, 1);
    CGV_ONNX_INTS(&f.b, "strides", 0, 1);
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "(Conv) has a stride or dilation below 1");
    static const float infinite[9] = {INFINITY};
    x = cgv_onnx_build_floats(&f.b, NULL, infinite, 4, (int64_t[]){3, 3, 1, 1});
    x = CGV_ONNX_NODE(&f.b, "Conv", "image", x);
    check_refused(&f, x, CGV_ERROR_FORMAT, "holds NaN or infinity");
    x = CGV_ONNX_NODE(&f.b, "Add", "image",
                      cgv_onnx_build_floats(&f.b, NULL, ramp, 2, (int64_t[]){2, 4}));
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "differs from pixel to pixel");
    x = CGV_ONNX_NODE(&f.b, "ConstantOfShape", CGV_ONNX_LIST(&f.b, 30000, 30000));
    x = CGV_ONNX_NODE(&f.b, "Add", "image", x);
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "too much memory");
    x = CGV_ONNX_NODE(&f.b, "Add", scalar(&f, 1), scalar(&f, 2));
    check_refused(&f, x, CGV_ERROR_UNSUPPORTED, "its output does not depend");
    // No elements, and extents whose product is beyond any integer.
    x = cgv_onnx_build_floats(&f.b, NULL, ramp, 3, (int64_t[]){0, (int64_t)1 << 62, 4});
    check_refused(&f, CGV_ONNX_NODE(&f.b, "Add", "image", x), CGV_ERROR_FORMAT, "impossible shape");
    x = cgv_onnx_build_floats(&f.b, NULL, ramp, 1, (int64_t[]){0});
    x = CGV_ONNX_NODE(&f.b, "Reshape", x, CGV_ONNX_LIST(&f.b, 0, 900000000, 900000000, 900000000));
    check_refused(&f, CGV_ONNX_NODE(&f.b, "Add", "image", x), CGV_ERROR_FORMAT, "impossible shape");
}

// A megabyte of empty tensors: 2 bytes each here, and hundreds in memory.
static void test_empty_messages(void) {
    enum { TENSORS = 1 << 19, SIZE = 2 * TENSORS };
    uint8_t *bytes = malloc(SIZE + 8), head[] = {0x08, 8, 0x3a, 0x80, 0x80, 0x40};
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    memcpy(bytes, head, sizeof head); // ir_version 8, a graph of SIZE bytes
    for (int i = 0; i < TENSORS; i++)
        memcpy(bytes + sizeof head + 2 * i, "\x2a", 2); // an initializer of no bytes
    CU_ASSERT(cgv_onnx_is(bytes, sizeof head + SIZE));
    cgv_model *model;
    cgv_test_listen();
    CU_ASSERT_EQUAL(
        cgv_onnx_parse(&model, bytes, sizeof head + SIZE, &(cgv_model_params){0}, "test"),
        CGV_ERROR_UNSUPPORTED);
    CU_ASSERT(cgv_test_said("too much memory"));
    CU_ASSERT_EQUAL(cgv_test_messages(), 0);
    free(bytes);
}

// Files that end early, and with one byte changed: refused with one message, or read.
static void test_damage(void) {
    file f = {0};
    size_t size;
    const char *x = conv(&f, "image", 3, 3, 1);
    x = CGV_ONNX_NODE(&f.b, "Slice", x, CGV_ONNX_LIST(&f.b, 1), CGV_ONNX_LIST(&f.b, -1),
                      CGV_ONNX_LIST(&f.b, 2));
    x = CGV_ONNX_NODE(&f.b, "Tanh", x);
    uint8_t *bytes = pack(&size, &f, x);
    int read = 0;
    for (size_t cut = 0; cut < 2 * size; cut++) {
        cgv_model *model;
        bool changed = cut >= size;
        size_t length = changed ? size : cut, at = changed ? cut - size : 0;
        uint8_t *copy = malloc(length + 1), before = bytes[at];
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        bytes[at] = changed ? (uint8_t)(before ^ 1 << (at % 8)) : before;
        memcpy(copy, bytes, length); // so that a sanitizer sees reads beyond the end
        bytes[at] = before;
        cgv_test_listen();
        cgv_status status = cgv_onnx_parse(&model, copy, length, &(cgv_model_params){0}, "test");
        CU_ASSERT_EQUAL(cgv_test_messages(), status ? 1 : 0);
        CU_ASSERT_EQUAL(model == NULL, status != CGV_OK);
        read += !status;
        cgv_model_destroy(&model);
        free(copy);
    }
    CU_ASSERT(read > 0);
    free(bytes);
    cgv_onnx_build_free(&f.b);
}

// ---- whole graphs ----

// The net on the device, and node by node in C.
static bool runs_right(const cgv_model *model, int h, int w, const char *name) {
    cgv_rng rng;
    cgv_rng_seed(&rng, 8, 1);
    ref_shape in = {1, model->net->input_channels, h, w}, out;
    float *x = numbers_random(&rng, ref_count(in), 0, 0.7f), *y = NULL;
    cgv_tensor shape = {0};
    float *expected = ref_net(model->net, model->params, x, in, &out);
    cgv_plan_params params = {.n = 1, .h = h, .w = w};
    bool right =
        expected && !net_run(&y, &shape, cgv_test_device(), model->net, model->params, &params, x);
    right = right && shape.c == out.c && shape.h == out.h && shape.w == out.w &&
            cgv_test_relative_error(y, expected, ref_count(out)) < 1e-5;
    if (!right)
        printf("FAILED: %s\n", name);
    free(x);
    free(y);
    free(expected);
    return right;
}

// The seeds of the fuzzer have every operation; tests/onnx_graphs.py wrote them.
static void test_operations(void) {
    char folder[4096];
    const char *source = getenv("CGV_SOURCE_DIR");
    int count = 0;
    snprintf(folder, sizeof folder, "%s/tests/fuzz/seeds_onnx", source ? source : ".");
    DIR *dir = opendir(folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".onnx"))
            continue;
        char *path = cgv_fs_format("%s/%s", folder, entry->d_name);
        cgv_model *model;
        CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, path), CGV_OK);
        CU_ASSERT(runs_right(model, 96, 192, entry->d_name)); // the size of those of a fixed one
        cgv_model_destroy(&model);
        free(path);
        count++;
    }
    closedir(dir);
    CU_ASSERT(count >= 50);
}

// What is written and read again is the same function.
static void test_round_trip(void) {
    static const char *const names[] = {"resnet_1blocks",
                                        "resnet_1blocks_resize_affine",
                                        "mobile_resnet_1blocks",
                                        "resnet_1blocks_3downs_affine2",
                                        "resnet_1blocks_grid",
                                        "resnet_1blocks_grid_coord",
                                        "identity"};
    char path[] = "/tmp/cgvideo-onnx-XXXXXX";
    int descriptor = mkstemp(path);
    CU_ASSERT_FATAL(descriptor >= 0);
    close(descriptor);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cgv_net *net;
        cgv_model *model, *again;
        cgv_rng rng;
        ref_shape in = {1, 3, 32, 48}, out, out_again;
        cgv_rng_seed(&rng, 8, i);
        CU_ASSERT_EQUAL_FATAL(
            cgv_arch_by_name(&net, &(cgv_arch_options){.name = names[i], .ngf = 3}), CGV_OK);
        float *params = ref_random_params(net, &rng);
        CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "new"), CGV_OK);
        memcpy(model->params, params, net->param_floats * sizeof *params);
        CU_ASSERT_EQUAL(cgv_model_describe(model, "day to night"), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_model_save_onnx(model, path), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_model_load(&again, path), CGV_OK);
        CU_ASSERT_STRING_EQUAL(again->info.description, "day to night");
        CU_ASSERT_EQUAL(again->info.multiple, model->info.multiple);
        float *x = numbers_random(&rng, ref_count(in), 0, 0.5f);
        float *y = ref_net(model->net, model->params, x, in, &out);
        float *z = ref_net(again->net, again->params, x, in, &out_again);
        CU_ASSERT_FATAL(y && z && ref_count(out) == ref_count(out_again));
        CU_ASSERT(cgv_test_relative_error(z, y, ref_count(out)) < 1e-5);
        // As .safetensors it would lose its graph.
        cgv_test_listen();
        CU_ASSERT_EQUAL(cgv_model_save(again, path, CGV_MODEL_F32), CGV_ERROR_UNSUPPORTED);
        CU_ASSERT_EQUAL(cgv_test_messages(), 1);
        free(x);
        free(y);
        free(z);
        free(params);
        cgv_model_destroy(&model);
        cgv_model_destroy(&again);
    }
    CU_ASSERT_EQUAL(unlink(path), 0);
}

// A plan for training says that it cannot.
static void test_not_trained(void) {
    file f = {0};
    cgv_plan *plan;
    const char *x = CGV_ONNX_NODE(&f.b, "Elu", conv(&f, "image", 3, 3, 1));
    cgv_model *model = load(&f, x);
    cgv_test_device(); // its messages come before
    cgv_test_listen();
    cgv_plan_params params = {.n = 1, .h = 32, .w = 32, .train = true};
    CU_ASSERT_EQUAL(cgv_plan_create(&plan, cgv_test_device(), model->net, &params),
                    CGV_ERROR_UNSUPPORTED);
    CU_ASSERT(cgv_test_said("does not train"));
    cgv_model_destroy(&model);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"norms, factors and margins go into convolutions", test_folding},
        {"but not where others read them", test_shared_conv},
        {"sides", test_multiple},
        {"ranges", test_ranges},
        {"orders of channels", test_orders},
        {"refusals", test_refusals},
        {"damage", test_damage},
        {"messages of no bytes", test_empty_messages},
        {"every operation", test_operations},
        {"written and read again", test_round_trip},
        {"not for training", test_not_trained},
        {0},
    };
    return cgv_test_run("onnx", cases);
}
