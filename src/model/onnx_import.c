// The walk through an ONNX graph, from its input to its output.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/notes.h"
#include "model/onnx_internal.h"

enum {
    MAX_NODES = 1 << 16,
    MAX_LAYERS = 4096, // a plan's search for a memory layout is quadratic
    UNFOLDED = 64,     // bytes of memory for a byte of the file, at most
    ALLOWANCE = 16 << 20,
    LARGEST = 256 << 20, // bytes of a file
    OLDEST_OPSET = 7,
    NEWEST_OPSET = 24,
};

// What reading takes in all, however large the file: 12 bytes for each of the largest, whose
// numbers take 8 while they are constants and 4 in the net.
static const size_t most_memory = (size_t)3 << 30;

// Sides of the made-up pictures. Multiples of 768, which the deepest nets halve without rest, and
// divide by 3; none is a simple multiple of another one, so that no size passes for another.
static const cgv_size lanes[ONNX_LANES] = {{1536, 2304}, {2304, 3840}, {3840, 1536}};

static const struct {
    const char *op;
    onnx_operation *run;
} operations[] = {
    {"Abs", cgv_onnx_unary},
    {"Add", cgv_onnx_binary},
    {"AveragePool", cgv_onnx_pool},
    {"BatchNormalization", cgv_onnx_batch_norm},
    {"Cast", cgv_onnx_cast},
    {"Ceil", cgv_onnx_unary},
    {"Clip", cgv_onnx_clip},
    {"Concat", cgv_onnx_concat},
    {"Constant", cgv_onnx_constant_op},
    {"ConstantOfShape", cgv_onnx_constant_of_shape},
    {"Conv", cgv_onnx_conv},
    {"ConvTranspose", cgv_onnx_conv_transpose},
    {"DepthToSpace", cgv_onnx_depth_to_space},
    {"Div", cgv_onnx_binary},
    {"Dropout", cgv_onnx_identity},
    {"Elu", cgv_onnx_unary},
    {"Equal", cgv_onnx_binary},
    {"Exp", cgv_onnx_unary},
    {"Expand", cgv_onnx_expand},
    {"Floor", cgv_onnx_unary},
    {"Gather", cgv_onnx_gather},
    {"GlobalAveragePool", cgv_onnx_global_pool},
    {"GlobalMaxPool", cgv_onnx_global_pool},
    {"HardSigmoid", cgv_onnx_unary},
    {"HardSwish", cgv_onnx_unary},
    {"Identity", cgv_onnx_identity},
    {"InstanceNormalization", cgv_onnx_instance_norm},
    {"LeakyRelu", cgv_onnx_unary},
    {"Max", cgv_onnx_binary},
    {"MaxPool", cgv_onnx_pool},
    {"Min", cgv_onnx_binary},
    {"Mod", cgv_onnx_binary},
    {"Mul", cgv_onnx_binary},
    {"Neg", cgv_onnx_unary},
    {"PRelu", cgv_onnx_prelu},
    {"Pad", cgv_onnx_pad},
    {"Pow", cgv_onnx_binary},
    {"Reciprocal", cgv_onnx_unary},
    {"ReduceMean", cgv_onnx_reduce_mean},
    {"Relu", cgv_onnx_unary},
    {"Reshape", cgv_onnx_reshape_op},
    {"Resize", cgv_onnx_resize},
    {"Round", cgv_onnx_unary},
    {"Shape", cgv_onnx_shape},
    {"Sigmoid", cgv_onnx_unary},
    {"Slice", cgv_onnx_slice},
    {"Softplus", cgv_onnx_unary},
    {"SpaceToDepth", cgv_onnx_space_to_depth},
    {"Split", cgv_onnx_split},
    {"Sqrt", cgv_onnx_unary},
    {"Squeeze", cgv_onnx_squeeze},
    {"Sub", cgv_onnx_binary},
    {"Sum", cgv_onnx_binary},
    {"Tanh", cgv_onnx_unary},
    {"Transpose", cgv_onnx_transpose_op},
    {"Unsqueeze", cgv_onnx_squeeze},
    {"Upsample", cgv_onnx_resize},
};

// ---- the net as it grows ----

const char *cgv_onnx_layer(char name[32], const onnx_node *n) {
    snprintf(name, 32, "%.20s_%d", n->op, n->index);
    return name;
}

float *cgv_onnx_param(const onnx_import *im, int param) {
    return im->params + im->net->params[param].offset;
}

static cgv_status grow(onnx_import *im) {
    if (im->net->node_count > im->size_capacity) {
        int capacity = im->net->node_capacity;
        for (int lane = 0; lane < ONNX_LANES; lane++) {
            void *sizes = realloc(im->sizes[lane], (size_t)capacity * sizeof *im->sizes[lane]);
            if (!sizes)
                return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", im->where);
            im->sizes[lane] = sizes;
        }
        im->size_capacity = capacity;
    }
    size_t wanted = im->net->param_floats, had = im->param_capacity;
    if (wanted > had) {
        size_t capacity = had + had / 2 > wanted ? had + had / 2 : wanted;
        if ((capacity - had) > im->room / sizeof(float))
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "%s: unsupported: its weights unfold to too much memory", im->where);
        im->room -= (capacity - had) * sizeof(float);
        float *params = realloc(im->params, capacity * sizeof *params);
        if (!params)
            return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", im->where);
        memset(params + had, 0, (capacity - had) * sizeof *params);
        im->params = params;
        im->param_capacity = capacity;
    }
    return CGV_OK;
}

static cgv_status added(onnx_import *im, int node) {
    if (im->net->status)
        return im->net->status;
    if (im->net->node_count > MAX_LAYERS)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: more than %d layers", im->where,
                        MAX_LAYERS);
    cgv_status status = grow(im);
    for (int lane = 0; lane < ONNX_LANES && !status && node > 0; lane++)
        status = cgv_net_shape(im->net, node, im->sizes[lane]);
    return status;
}

cgv_status cgv_onnx_added(onnx_import *im, int node) {
    cgv_status status = added(im, node);
    if (status == CGV_ERROR_MEMORY)
        im->cause = status;
    return status;
}

// ---- which nodes matter ----

static cgv_status mark_needed(onnx_import *im, onnx_value *output) {
    const Cgv__Onnx__Graph *g = im->graph;
    int *stack = cgv_onnx_allocate(im, g->n_node + 1, sizeof *stack), depth = 0;
    im->needed = stack ? cgv_onnx_allocate(im, g->n_node + 1, sizeof *im->needed) : NULL;
    if (!im->needed) {
        free(stack);
        return CGV_ERROR_UNSUPPORTED;
    }
    output->readers++;
    if (output->producer >= 0) {
        im->needed[output->producer] = true;
        stack[depth++] = output->producer;
    }
    while (depth) {
        const Cgv__Onnx__Node *node = g->node[stack[--depth]];
        for (size_t i = 0; i < node->n_input; i++) {
            onnx_value *v = *node->input[i] ? cgv_onnx_find(im, node->input[i]) : NULL;
            if (!v)
                continue;
            v->readers++;
            if (v->producer >= 0 && !im->needed[v->producer]) {
                im->needed[v->producer] = true;
                stack[depth++] = v->producer;
            }
        }
    }
    free(stack);
    return CGV_OK;
}

// ---- input ----

static int64_t dimension(const Cgv__Onnx__Shape *shape, size_t i) {
    return shape->dim[i]->has_value ? shape->dim[i]->value : 0;
}

// Where a picture's rows begin in the list of its dimensions: 2 for [N, C, H, W], 1 for [N, H, W,
// C]. Unknown extents (0) are taken for the usual order.
static bool channels_last(const Cgv__Onnx__Shape *shape) {
    int64_t last = dimension(shape, shape->n_dim - 1), first = dimension(shape, shape->n_dim - 3);
    return (last == 3 || last == 1) && first != 3 && first != 1;
}

static cgv_status find_input(onnx_import *im, const Cgv__Onnx__ValueInfo **out) {
    *out = NULL;
    for (size_t i = 0; i < im->graph->n_input; i++) {
        const onnx_value *v =
            cgv_onnx_find(im, im->graph->input[i]->name ? im->graph->input[i]->name : "");
        if (!v || v->kind == ONNX_CONSTANT)
            continue;
        if (*out)
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "%s: unsupported: its graph has more than one input; cgvideo runs "
                            "graphs that turn one picture into one picture",
                            im->where);
        *out = im->graph->input[i];
    }
    return *out ? CGV_OK
                : cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: its graph has no input",
                           im->where);
}

// Node 0, and node 1, which turns a picture of cgvideo's into the numbers that the graph wants: its
// weights are set at the end, when these are known.
static cgv_status create_net(onnx_import *im, int channels, int64_t h, int64_t w) {
    cgv_status status = cgv_net_create(&im->net, "onnx", channels);
    if (status)
        return status;
    status = cgv_onnx_added(im, 0);
    for (int lane = 0; lane < ONNX_LANES && !status; lane++)
        im->sizes[lane][0] =
            (cgv_size){h > 0 ? (int)h : lanes[lane].h, w > 0 ? (int)w : lanes[lane].w};
    if (status)
        return status;
    return cgv_onnx_added(
        im, cgv_net_conv(im->net, 0, "input", &(cgv_conv_desc){.channels = channels, .kernel = 1}));
}

static cgv_status open_input(onnx_import *im) {
    const Cgv__Onnx__ValueInfo *info;
    cgv_status status = find_input(im, &info);
    if (status)
        return status;
    const Cgv__Onnx__Shape *shape =
        info->type && info->type->tensor_type ? info->type->tensor_type->shape : NULL;
    if (!shape || shape->n_dim < 3 || shape->n_dim > 4)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: unsupported: its input is no picture of 3 or 4 dimensions", im->where);
    int base = (int)shape->n_dim - 3;
    bool last = channels_last(shape);
    int at_c = base + (last ? 2 : 0), at_h = base + (last ? 0 : 1);
    int64_t channels = dimension(shape, (size_t)at_c), h = dimension(shape, (size_t)at_h);
    int64_t w = dimension(shape, (size_t)at_h + 1);
    if (channels <= 0)
        channels = 3;
    if (channels > 16 || h > 1 << 14 || w > 1 << 14 || (base && dimension(shape, 0) > 1))
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: its input is no single picture",
                        im->where);
    status = create_net(im, (int)channels, h, w);
    if (status)
        return status;
    onnx_value *v = cgv_onnx_find(im, info->name ? info->name : ""), whole = {0};
    int order[4] = {0, 2, 3, 1};
    cgv_onnx_picture(im, &whole, 1);
    *v = (onnx_value){.name = v->name, .producer = -1, .readers = v->readers};
    v->kind = ONNX_PICTURE;
    v->node = 1;
    v->view = whole.view;
    if (last)
        status = cgv_onnx_transpose(v, &whole, order);
    if (!base) { // no batch
        for (int i = 0; i < 4; i++)
            v->view.first[i] = v->view.first[i + 1];
        v->view.rank = 3;
    }
    return status;
}

// ---- nodes ----

static cgv_status run_node(onnx_import *im, int index) {
    const Cgv__Onnx__Node *proto = im->graph->node[index];
    onnx_node n = {.proto = proto, .index = index, .op = proto->op_type ? proto->op_type : ""};
    const char *domain = proto->domain ? proto->domain : "";
    if (*domain && strcmp(domain, "ai.onnx") != 0)
        return cgv_onnx_refuse(im, &n, "is of another operator set than ONNX's own");
    for (size_t i = 0; i < proto->n_input; i++) {
        onnx_value *v = cgv_onnx_input(im, &n, i);
        if (*proto->input[i] && (!v || v->kind == ONNX_UNKNOWN))
            return cgv_onnx_refuse(im, &n, "reads a tensor that nothing before it gives");
        // Here, so that no operation has to tell a damaged constant from one that does not fit.
        if (v && v->kind == ONNX_CONSTANT && !cgv_onnx_numbers(im, v, 0))
            return im->cause;
    }
    if (!cgv_onnx_output(im, &n, 0))
        return cgv_onnx_refuse(im, &n, "gives its first result no name");
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (!strcmp(operations[i].op, n.op))
            return operations[i].run(im, &n);
    return cgv_onnx_refuse(im, &n, "is not an operation that cgvideo knows");
}

// The graph's output as a node that lies [N, C, H, W].
static cgv_status close_output(onnx_import *im, onnx_value *v, int *node) {
    if (v->kind != ONNX_PICTURE)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: unsupported: its output does not depend on its input", im->where);
    // Batch and order of axes are a matter of how the tensor is seen.
    int seen = 0;
    for (int i = 0; i < v->view.rank; i++) {
        int axis = cgv_onnx_axis(im, v, i);
        seen |= axis > 0 ? 1 << axis : axis < 0 ? 1 : 0;
    }
    if (seen == (1 << 1 | 1 << 2 | 1 << 3)) {
        *node = v->node;
        return CGV_OK;
    }
    onnx_node end = {.proto = &(Cgv__Onnx__Node)CGV__ONNX__NODE__INIT, .op = "output"};
    *node = cgv_onnx_plain(im, &end, v);
    return *node < 0 ? CGV_ERROR_UNSUPPORTED : CGV_OK;
}

static cgv_status run_graph(onnx_import *im, int *node) {
    if (im->graph->n_output != 1)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: unsupported: its graph has %zu outputs; cgvideo runs graphs that turn "
                        "one picture into one picture",
                        im->where, im->graph->n_output);
    const char *name = im->graph->output[0]->name;
    onnx_value *output = cgv_onnx_find(im, name ? name : "");
    if (!output)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: nothing gives its output", im->where);
    cgv_status status = mark_needed(im, output);
    if (!status)
        status = open_input(im);
    for (size_t i = 0; i < im->graph->n_node && !status; i++)
        if (im->needed[i])
            status = run_node(im, (int)i);
    return status ? status : close_output(im, output, node);
}

// ---- pictures of cgvideo, [-1, 1] and RGB, and those of the graph ----

static bool is_identity(onnx_range range, bool bgr) {
    return !bgr && range.low == -1 && range.high == 1;
}

// graph = (x + 1) / 2 * (high - low) + low, or back. A 1x1 convolution of one weight a channel.
static void set_adapter(onnx_import *im, int node, onnx_range range, bool bgr, bool back) {
    const cgv_node *n = &im->net->nodes[node];
    int channels = n->channels;
    float half = (range.high - range.low) / 2, middle = (range.high + range.low) / 2;
    float *weights = cgv_onnx_param(im, n->weight), *bias = cgv_onnx_param(im, n->bias);
    for (int c = 0; c < channels; c++) {
        int from = bgr && channels == 3 ? 2 - c : c;
        weights[c * channels + from] = back ? 1 / half : half;
        bias[c] = back ? -middle / half : middle;
    }
}

// What reads node `from` reads node `to` instead.
static void rewire(cgv_net *net, int from, int to) {
    for (int i = from + 1; i < net->node_count; i++) {
        for (int k = 0; k < 2; k++)
            if (net->nodes[i].input[k] == from)
                net->nodes[i].input[k] = to;
        if (net->nodes[i].op == CGV_OP_RESIZE && net->nodes[i].like == from)
            net->nodes[i].like = to;
    }
}

static void apply_options(onnx_meaning *meaning, const cgv_model_params *params) {
    static const onnx_range ranges[] = {[CGV_MODEL_RANGE_SIGNED] = {-1, 1, true},
                                        [CGV_MODEL_RANGE_UNIT] = {0, 1, true},
                                        [CGV_MODEL_RANGE_BYTES] = {0, 255, true}};
    if (params->range != CGV_MODEL_RANGE_AUTO)
        meaning->in = meaning->out = ranges[params->range];
    if (params->order != CGV_MODEL_ORDER_AUTO)
        meaning->bgr = params->order == CGV_MODEL_ORDER_BGR;
}

static cgv_status adapt(onnx_import *im, const Cgv__Onnx__Model *model,
                        const cgv_model_params *params, int output) {
    onnx_meaning meaning;
    cgv_onnx_infer(&meaning, im, model, output);
    apply_options(&meaning, params);
    cgv_log(CGV_LOG_VERBOSE, "%s: numbers %g..%g in, %g..%g out, %s", im->where,
            (double)meaning.in.low, (double)meaning.in.high, (double)meaning.out.low,
            (double)meaning.out.high, meaning.bgr ? "BGR" : "RGB");
    set_adapter(im, 1, meaning.in, meaning.bgr, false);
    if (is_identity(meaning.in, meaning.bgr)) {
        rewire(im->net, 1, 0);
        output = output == 1 ? 0 : output;
    }
    // The net's output is its last node.
    if (is_identity(meaning.out, meaning.bgr)) {
        if (output == im->net->node_count - 1 && output != 0)
            return CGV_OK;
        return cgv_onnx_added(im, cgv_net_activation(im->net, output, CGV_ACT_NONE, 0));
    }
    int channels = im->net->nodes[output].channels;
    int node = cgv_net_conv(im->net, output, "output",
                            &(cgv_conv_desc){.channels = channels, .kernel = 1});
    cgv_status status = cgv_onnx_added(im, node);
    if (!status)
        set_adapter(im, node, meaning.out, meaning.bgr, true);
    return status;
}

// ---- the finished net ----

static cgv_status check_finite(const onnx_import *im) {
    for (int p = 0; p < im->net->param_count; p++) {
        const float *numbers = cgv_onnx_param(im, p);
        for (size_t i = 0; i < im->net->params[p].count; i++)
            if (!isfinite(numbers[i]))
                return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: '%s' holds NaN or infinity",
                                im->where, im->net->params[p].name);
    }
    return CGV_OK;
}

// Metadata that cgvideo writes; a description of others' is as good.
static void read_notes(cgv_model_info *info, const Cgv__Onnx__Model *model) {
    cgv_state_notes notes = {0};
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const char *key = model->metadata_props[i]->key, *value = model->metadata_props[i]->value;
        if (key && value)
            cgv_notes_read_one(&notes, key, value);
    }
    memcpy(info->description, notes.description, sizeof info->description);
    info->train_width = notes.train_width;
    info->train_height = notes.train_height;
}

static cgv_status finish(cgv_model **out, onnx_import *im, const Cgv__Onnx__Model *model) {
    cgv_status status = cgv_onnx_sweep(im);
    if (!status)
        status = cgv_onnx_find_multiple(im);
    if (!status)
        status = check_finite(im);
    if (status)
        return status;
    cgv_net *net = im->net;
    im->net = NULL; // cgv_model_from_net takes it, whatever happens
    status = cgv_model_from_net(out, net, "onnx");
    if (status)
        return status;
    memcpy((*out)->params, im->params, net->param_floats * sizeof(float));
    read_notes(&(*out)->info, model);
    return CGV_OK;
}

// ---- the file ----

static cgv_status check_model(onnx_import *im, const Cgv__Onnx__Model *model) {
    const Cgv__Onnx__Graph *g = model->graph;
    if (!g)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: it holds no graph", im->where);
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = model->opset_import[i]->domain;
        if (!domain || !*domain || !strcmp(domain, "ai.onnx"))
            im->opset = model->opset_import[i]->version;
    }
    if (im->opset < OLDEST_OPSET || im->opset > NEWEST_OPSET)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: unsupported: operator set %lld; cgvideo reads %d to %d", im->where,
                        (long long)im->opset, OLDEST_OPSET, NEWEST_OPSET);
    if (g->n_node > MAX_NODES)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: more than %d nodes", im->where,
                        MAX_NODES);
    for (size_t i = 0; i < g->n_initializer; i++)
        if (g->initializer[i]->data_location || g->initializer[i]->n_external_data)
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "%s: unsupported: it keeps weights in another file; save the model as "
                            "one file",
                            im->where);
    im->graph = g;
    return CGV_OK;
}

bool cgv_onnx_is(const uint8_t *data, size_t size) {
    // ir_version, which writers put first, and the tag of another field of a model.
    static const uint8_t fields[] = {0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72};
    return size >= 3 && data[0] == 8 && data[1] > 0 && data[1] < 32 &&
           memchr(fields, data[2], sizeof fields);
}

// An empty message is two bytes of a file, and hundreds in memory.
static void *allocate_message(void *opaque, size_t size) {
    return cgv_onnx_allocate(opaque, size, 1);
}

static void free_message(void *opaque, void *message) {
    (void)opaque;
    free(message);
}

static cgv_status unpack(Cgv__Onnx__Model **out, onnx_import *im, ProtobufCAllocator *allocator,
                         const void *data, size_t size) {
    *out = cgv__onnx__model__unpack(allocator, size, data);
    if (*out)
        return CGV_OK;
    return im->cause ? im->cause
                     : cgv_fail(CGV_ERROR_FORMAT,
                                "%s: damaged: not the messages that ONNX is made of", im->where);
}

cgv_status cgv_onnx_parse(cgv_model **out, const void *data, size_t size,
                          const cgv_model_params *params, const char *where) {
    *out = NULL;
    if (size > LARGEST)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: unsupported: %zu bytes, more than the limit of %d for .onnx", where,
                        size, LARGEST);
    size_t room = size * UNFOLDED + ALLOWANCE;
    onnx_import im = {.where = where, .room = room < most_memory ? room : most_memory};
    ProtobufCAllocator allocator = {allocate_message, free_message, &im};
    Cgv__Onnx__Model *model;
    cgv_status status = unpack(&model, &im, &allocator, data, size);
    if (status)
        return status;
    int output = 0;
    status = check_model(&im, model);
    if (!status)
        status = cgv_onnx_values_create(&im);
    if (!status)
        status = run_graph(&im, &output);
    if (!status)
        status = adapt(&im, model, params, output);
    if (!status)
        status = finish(out, &im, model);
    if (status && im.cause)
        status = im.cause;
    cgv_onnx_values_destroy(&im);
    cgv_net_destroy(&im.net);
    free(im.needed);
    free(im.params);
    for (int lane = 0; lane < ONNX_LANES; lane++)
        free(im.sizes[lane]);
    cgv__onnx__model__free_unpacked(model, &allocator);
    return status;
}
