// Writing a net as an ONNX graph.
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "model/model.h"
#include "model/notes.h"
#include "model/onnx.h"
#include "model/onnx_build.h"
#include "cgvideo/cgvideo.h"

enum { IR_VERSION = 8, OPSET = 17 };

typedef struct exporter {
    onnx_build b;
    const cgv_model *model;
    const cgv_net *net;
    const char **names; // of every node's tensor
} exporter;

// A parameter under its own name, in another shape if `dims` is not 0.
static const char *weights(exporter *e, int param, int dims, const int64_t *shape) {
    const cgv_param *p = &e->net->params[param];
    return cgv_onnx_build_floats(&e->b, p->name, e->model->params + p->offset,
                                 dims ? dims : p->dims, dims ? shape : p->shape);
}

static const char *bias_of(exporter *e, const cgv_node *n) {
    return n->bias < 0 ? NULL : weights(e, n->bias, 0, NULL);
}

// ---- convolutions ----

static const char *pad_modes[] = {
    [CGV_PAD_ZERO] = "constant", [CGV_PAD_REFLECT] = "reflect", [CGV_PAD_REPLICATE] = "edge"};

static const char *conv(exporter *e, const cgv_node *n, const char *x) {
    onnx_build *b = &e->b;
    bool transposed = n->op == CGV_OP_CONV_TRANSPOSE;
    int64_t p = n->pad, k = n->kernel, s = n->stride;
    if (p && n->pad_mode != CGV_PAD_ZERO) {
        x = CGV_ONNX_NODE(b, "Pad", x, CGV_ONNX_LIST(b, 0, 0, p, p, 0, 0, p, p));
        cgv_onnx_build_word(b, "mode", pad_modes[n->pad_mode]);
        p = 0;
    }
    const char *w = weights(e, n->weight, 0, NULL), *bias = bias_of(e, n);
    const char *y = CGV_ONNX_NODE(b, transposed ? "ConvTranspose" : "Conv", x, w, bias);
    CGV_ONNX_INTS(b, "kernel_shape", k, k);
    CGV_ONNX_INTS(b, "strides", s, s);
    CGV_ONNX_INTS(b, "pads", p, p, p, p);
    cgv_onnx_build_int(b, "group", n->groups);
    if (transposed)
        CGV_ONNX_INTS(b, "output_padding", n->output_pad, n->output_pad);
    return y;
}

static void window(exporter *e, const cgv_window *w) {
    CGV_ONNX_INTS(&e->b, "kernel_shape", w->kernel[0], w->kernel[1]);
    CGV_ONNX_INTS(&e->b, "strides", w->stride[0], w->stride[1]);
    CGV_ONNX_INTS(&e->b, "pads", w->pad[0], w->pad[1], w->pad[2], w->pad[3]);
}

static const char *window_conv(exporter *e, const cgv_node *n, const char *x) {
    onnx_build *b = &e->b;
    const char *w = weights(e, n->weight, 0, NULL), *bias = bias_of(e, n);
    const char *y = CGV_ONNX_NODE(b, n->transposed ? "ConvTranspose" : "Conv", x, w, bias);
    window(e, &n->window);
    CGV_ONNX_INTS(b, "dilations", n->window.dilation[0], n->window.dilation[1]);
    cgv_onnx_build_int(b, "group", n->groups);
    if (n->transposed)
        CGV_ONNX_INTS(b, "output_padding", n->window_output_pad[0], n->window_output_pad[1]);
    return y;
}

static const char *instance_norm(exporter *e, const cgv_node *n, const char *x) {
    onnx_build *b = &e->b;
    const char *scale =
        n->weight < 0 ? cgv_onnx_build_fill(b, 1, n->channels) : weights(e, n->weight, 0, NULL);
    const char *shift =
        n->bias < 0 ? cgv_onnx_build_fill(b, 0, n->channels) : weights(e, n->bias, 0, NULL);
    const char *y = CGV_ONNX_NODE(b, "InstanceNormalization", x, scale, shift);
    cgv_onnx_build_float(b, "epsilon", n->epsilon);
    return y;
}

// ---- element by element ----

static const char *activation(exporter *e, const cgv_node *n, const char *x) {
    static const char *const ops[] = {[CGV_ACT_NONE] = "Identity",
                                      [CGV_ACT_RELU] = "Relu",
                                      [CGV_ACT_LEAKY_RELU] = "LeakyRelu",
                                      [CGV_ACT_TANH] = "Tanh",
                                      [CGV_ACT_SIGMOID] = "Sigmoid"};
    const char *y = CGV_ONNX_NODE(&e->b, ops[n->activation], x);
    if (n->activation == CGV_ACT_LEAKY_RELU)
        cgv_onnx_build_float(&e->b, "alpha", n->slope);
    return y;
}

static const char *function(exporter *e, const cgv_node *n, const char *x) {
    static const char *const ops[] = {[CGV_FUNCTION_NONE] = "Identity",
                                      [CGV_FUNCTION_ELU] = "Elu",
                                      [CGV_FUNCTION_CLIP] = "Clip",
                                      [CGV_FUNCTION_HARD_SIGMOID] = "HardSigmoid",
                                      [CGV_FUNCTION_HARD_SWISH] = "HardSwish",
                                      [CGV_FUNCTION_SOFTPLUS] = "Softplus",
                                      [CGV_FUNCTION_EXP] = "Exp",
                                      [CGV_FUNCTION_ABS] = "Abs",
                                      [CGV_FUNCTION_SQRT] = "Sqrt",
                                      [CGV_FUNCTION_SIGMOID] = "Sigmoid",
                                      [CGV_FUNCTION_TANH] = "Tanh"};
    onnx_build *b = &e->b;
    if (n->function == CGV_FUNCTION_CLIP) {
        const char *low = cgv_onnx_build_scalar(b, n->p), *high = cgv_onnx_build_scalar(b, n->q);
        return CGV_ONNX_NODE(b, "Clip", x, low, high);
    }
    const char *y = CGV_ONNX_NODE(b, ops[n->function], x);
    if (n->function == CGV_FUNCTION_ELU || n->function == CGV_FUNCTION_HARD_SIGMOID)
        cgv_onnx_build_float(b, "alpha", n->p);
    if (n->function == CGV_FUNCTION_HARD_SIGMOID)
        cgv_onnx_build_float(b, "beta", n->q);
    return y;
}

static const char *elementwise(exporter *e, const cgv_node *n, const char *x) {
    static const char *const ops[] = {
        [CGV_BINARY_NONE] = "",   [CGV_BINARY_ADD] = "Add", [CGV_BINARY_SUB] = "Sub",
        [CGV_BINARY_MUL] = "Mul", [CGV_BINARY_DIV] = "Div", [CGV_BINARY_MAX] = "Max",
        [CGV_BINARY_MIN] = "Min", [CGV_BINARY_POW] = "Pow", [CGV_BINARY_PRELU] = "PRelu"};
    if (n->binary == CGV_BINARY_NONE)
        return function(e, n, x);
    const char *other;
    if (n->weight >= 0)
        other = weights(e, n->weight, 3, // so that broadcasting finds the channels
                        (int64_t[]){(int64_t)e->net->params[n->weight].count, 1, 1});
    else
        other = e->names[n->input[1]];
    const char *y = n->constant_first ? CGV_ONNX_NODE(&e->b, ops[n->binary], other, x)
                                      : CGV_ONNX_NODE(&e->b, ops[n->binary], x, other);
    return n->function ? function(e, n, y) : y;
}

// ---- margins and sizes ----

static const char *pad(exporter *e, const cgv_node *n, const char *x) {
    onnx_build *b = &e->b;
    int64_t starts[3], ends[3], pads[8] = {0}, channels[8] = {0};
    bool cuts = false, pads_space = false, pads_channels = false;
    for (int axis = 0; axis < 3; axis++) {
        int64_t before = n->margin.before[axis], after = n->margin.after[axis];
        starts[axis] = before < 0 ? -before : 0;
        ends[axis] = after < 0 ? after : INT64_MAX;
        cuts = cuts || before < 0 || after < 0;
        int64_t *to = axis ? pads : channels;
        to[axis + 1] = before > 0 ? before : 0;
        to[axis + 5] = after > 0 ? after : 0;
        *(axis ? &pads_space : &pads_channels) |= before > 0 || after > 0;
    }
    if (cuts)
        x = CGV_ONNX_NODE(b, "Slice", x, cgv_onnx_build_list(b, starts, 3),
                          cgv_onnx_build_list(b, ends, 3), CGV_ONNX_LIST(b, 1, 2, 3));
    if (pads_space) {
        x = CGV_ONNX_NODE(b, "Pad", x, cgv_onnx_build_list(b, pads, 8),
                          cgv_onnx_build_scalar(b, n->margin.value));
        cgv_onnx_build_word(b, "mode", pad_modes[n->margin.mode]);
    }
    if (pads_channels)
        x = CGV_ONNX_NODE(b, "Pad", x, cgv_onnx_build_list(b, channels, 8),
                          cgv_onnx_build_scalar(b, n->margin.value));
    return x;
}

// The sides of `like`, and batch and channels of x, as Resize wants them.
static const char *sizes_like(exporter *e, const char *x, const char *like) {
    onnx_build *b = &e->b;
    const char *own = CGV_ONNX_NODE(b, "Shape", x);
    cgv_onnx_build_int(b, "end", 2);
    const char *others = CGV_ONNX_NODE(b, "Shape", like);
    cgv_onnx_build_int(b, "start", 2);
    const char *sizes = CGV_ONNX_NODE(b, "Concat", own, others);
    cgv_onnx_build_int(b, "axis", 0);
    return sizes;
}

static const char *resize(exporter *e, const char *x, const char *scales, const char *sizes,
                          cgv_centres centres, cgv_nearest nearest) {
    static const char *const coordinates[] = {[CGV_CENTRES_HALF_PIXEL] = "half_pixel",
                                              [CGV_CENTRES_ASYMMETRIC] = "asymmetric",
                                              [CGV_CENTRES_ALIGNED] = "align_corners"};
    static const char *const roundings[] = {
        [CGV_NEAREST_FLOOR] = "floor",
        [CGV_NEAREST_ROUND_DOWN] = "round_prefer_floor",
        [CGV_NEAREST_ROUND_UP] = "round_prefer_ceil",
        [CGV_NEAREST_CEIL] = "ceil",
    };
    onnx_build *b = &e->b;
    bool linear = nearest == CGV_NEAREST_LINEAR;
    const char *y = CGV_ONNX_NODE(b, "Resize", x, "", scales ? scales : "", sizes);
    cgv_onnx_build_word(b, "mode", linear ? "linear" : "nearest");
    cgv_onnx_build_word(b, "coordinate_transformation_mode", coordinates[centres]);
    if (!linear)
        cgv_onnx_build_word(b, "nearest_mode", roundings[nearest]);
    return y;
}

static const char *scaled(exporter *e, const char *x, float h, float w, cgv_centres centres,
                          cgv_nearest nearest) {
    float *scales = cgv_onnx_build_memory(&e->b, 4 * sizeof *scales);
    if (!scales)
        return x;
    memcpy(scales, (float[]){1, 1, h, w}, 4 * sizeof *scales);
    return resize(e, x, cgv_onnx_build_floats(&e->b, NULL, scales, 1, &(int64_t){4}), NULL, centres,
                  nearest);
}

static const char *upsample(exporter *e, const cgv_node *n, const char *x) {
    bool linear = n->upsample == CGV_UPSAMPLE_BILINEAR;
    float f = (float)n->factor;
    return scaled(e, x, f, f, linear ? CGV_CENTRES_HALF_PIXEL : CGV_CENTRES_ASYMMETRIC,
                  linear ? CGV_NEAREST_LINEAR : CGV_NEAREST_FLOOR);
}

static const char *resize_node(exporter *e, const cgv_node *n, const char *x) {
    if (n->like < 0)
        return scaled(e, x, n->scale[0], n->scale[1], n->centres, n->nearest);
    return resize(e, x, NULL, sizes_like(e, x, e->names[n->like]), n->centres, n->nearest);
}

static const char *pool(exporter *e, const cgv_node *n, const char *x) {
    onnx_build *b = &e->b;
    bool average = n->pool != CGV_POOL_MAX;
    for (int axis = 0; axis < 2; axis++)
        if (!n->window.kernel[axis]) {
            x = CGV_ONNX_NODE(b, average ? "ReduceMean" : "ReduceMax", x);
            CGV_ONNX_INTS(b, "axes", axis + 2);
        }
    if (!n->window.kernel[0] || !n->window.kernel[1])
        return x; // the other one is 1
    x = CGV_ONNX_NODE(b, average ? "AveragePool" : "MaxPool", x);
    window(e, &n->window);
    cgv_onnx_build_int(b, "ceil_mode", n->ceil);
    if (average)
        cgv_onnx_build_int(b, "count_include_pad", n->pool == CGV_POOL_AVERAGE_PADDED);
    else
        CGV_ONNX_INTS(b, "dilations", n->window.dilation[0], n->window.dilation[1]);
    return x;
}

static const char *average_pool(exporter *e, const cgv_node *n, const char *x) {
    int64_t f = n->factor;
    x = CGV_ONNX_NODE(&e->b, "AveragePool", x);
    CGV_ONNX_INTS(&e->b, "kernel_shape", f, f);
    CGV_ONNX_INTS(&e->b, "strides", f, f);
    return x;
}

static const char *rearrange(exporter *e, const cgv_node *n, const char *x) {
    onnx_build *b = &e->b;
    bool spread = n->rearrangement == CGV_DEPTH_TO_SPACE || n->rearrangement == CGV_PIXEL_SHUFFLE;
    x = CGV_ONNX_NODE(b, spread ? "DepthToSpace" : "SpaceToDepth", x);
    cgv_onnx_build_int(b, "blocksize", n->factor);
    if (spread)
        cgv_onnx_build_word(b, "mode", n->rearrangement == CGV_PIXEL_SHUFFLE ? "CRD" : "DCR");
    if (n->rearrangement != CGV_PIXEL_UNSHUFFLE)
        return x;
    // Only the order of the channels differs.
    int places = n->factor * n->factor, kinds = n->channels / places;
    int64_t *order = cgv_onnx_build_memory(b, (size_t)n->channels * sizeof *order);
    for (int c = 0; order && c < n->channels; c++)
        order[c] = (int64_t)(c % places) * kinds + c / places;
    if (!order)
        return x;
    x = CGV_ONNX_NODE(b, "Gather", x, cgv_onnx_build_list(b, order, n->channels));
    cgv_onnx_build_int(b, "axis", 1);
    return x;
}

static const char *concat(exporter *e, const char *a, const char *c, int axis) {
    const char *y = CGV_ONNX_NODE(&e->b, "Concat", a, c);
    cgv_onnx_build_int(&e->b, "axis", axis);
    return y;
}

static const char *join(exporter *e, const char *a, const char *c) {
    onnx_build *b = &e->b;
    const char *row = CGV_ONNX_LIST(b, 0, 1, 1, -1);
    a = CGV_ONNX_NODE(b, "Reshape", a, row);
    c = CGV_ONNX_NODE(b, "Reshape", c, row);
    return concat(e, a, c, 3);
}

// ---- heads ----

// tanh(x * (1 + gain) + offset)
static const char *affine_head(exporter *e, const cgv_node *n, const char *coefficients,
                               const char *x) {
    onnx_build *b = &e->b;
    const char *parts[2], *sizes = CGV_ONNX_LIST(b, n->channels, n->channels);
    cgv_onnx_build_two(b, "Split", coefficients, sizes, parts);
    cgv_onnx_build_int(b, "axis", 1);
    const char *gain = CGV_ONNX_NODE(b, "Add", parts[0], cgv_onnx_build_scalar(b, 1));
    const char *scaled_x = CGV_ONNX_NODE(b, "Mul", x, gain);
    return CGV_ONNX_NODE(b, "Tanh", CGV_ONNX_NODE(b, "Add", scaled_x, parts[1]));
}

enum { LEVELS = 8, TERMS = CGV_GRID_CHANNELS / LEVELS };

// How much of each level a pixel sees, [N, LEVELS, H, W]: 1 at its brightness, 0 one level away.
static const char *level_weights(exporter *e, const char *x) {
    static const float luma[3] = {0.299f, 0.587f, 0.114f};
    onnx_build *b = &e->b;
    float *scales = cgv_onnx_build_memory(b, 3 * sizeof *scales);
    float *levels = cgv_onnx_build_memory(b, LEVELS * sizeof *levels);
    if (!scales || !levels)
        return x;
    for (int c = 0; c < 3; c++)
        scales[c] = luma[c] * (LEVELS - 1) / 2;
    for (int z = 0; z < LEVELS; z++)
        levels[z] = (float)z;
    const char *w = cgv_onnx_build_floats(b, NULL, scales, 4, (int64_t[]){1, 3, 1, 1});
    const char *middle = cgv_onnx_build_fill(b, (LEVELS - 1) / 2.f, 1);
    const char *depth = CGV_ONNX_NODE(b, "Conv", x, w, middle);
    depth = CGV_ONNX_NODE(b, "Clip", depth, cgv_onnx_build_scalar(b, 0),
                          cgv_onnx_build_scalar(b, LEVELS - 1));
    const char *z = cgv_onnx_build_floats(b, NULL, levels, 4, (int64_t[]){1, LEVELS, 1, 1});
    const char *away = CGV_ONNX_NODE(b, "Abs", CGV_ONNX_NODE(b, "Sub", depth, z));
    const char *near = CGV_ONNX_NODE(b, "Sub", cgv_onnx_build_scalar(b, 1), away);
    return CGV_ONNX_NODE(b, "Relu", near);
}

static const char *channels(exporter *e, const char *x, int64_t from, int64_t count) {
    onnx_build *b = &e->b;
    return CGV_ONNX_NODE(b, "Slice", x, CGV_ONNX_LIST(b, from), CGV_ONNX_LIST(b, from + count),
                         CGV_ONNX_LIST(b, 1));
}

// tanh(x + M (x, 1)): M is the sum over the levels of the grid, each enlarged to the picture's size
// and weighted; the products with (x, 1) are summed by a convolution in three groups.
static const char *bilateral_slice(exporter *e, const char *grid, const char *x) {
    onnx_build *b = &e->b;
    const char *near = level_weights(e, x), *matrix = NULL;
    for (int z = 0; z < LEVELS; z++) {
        const char *level = channels(e, grid, (int64_t)z * TERMS, TERMS);
        level = resize(e, level, NULL, sizes_like(e, level, x), CGV_CENTRES_HALF_PIXEL,
                       CGV_NEAREST_LINEAR);
        level = CGV_ONNX_NODE(b, "Mul", level, channels(e, near, z, 1));
        matrix = matrix ? CGV_ONNX_NODE(b, "Add", matrix, level) : level;
    }
    const char *one = CGV_ONNX_NODE(b, "Pad", x, CGV_ONNX_LIST(b, 0, 0, 0, 0, 0, 1, 0, 0),
                                    cgv_onnx_build_scalar(b, 1));
    const char *rows = CGV_ONNX_NODE(b, "Concat", one, one, one);
    cgv_onnx_build_int(b, "axis", 1);
    float *ones = cgv_onnx_build_memory(b, TERMS * sizeof *ones);
    for (int i = 0; ones && i < TERMS; i++)
        ones[i] = 1;
    const char *w = cgv_onnx_build_floats(b, NULL, ones, 4, (int64_t[]){3, TERMS / 3, 1, 1});
    const char *change = CGV_ONNX_NODE(b, "Conv", CGV_ONNX_NODE(b, "Mul", matrix, rows), w);
    cgv_onnx_build_int(b, "group", 3);
    return CGV_ONNX_NODE(b, "Tanh", CGV_ONNX_NODE(b, "Add", x, change));
}

// One more channel, of the row's coordinate: -1 and below it 1, enlarged to the picture's size from
// corner to corner.
static const char *coord(exporter *e, const char *x) {
    onnx_build *b = &e->b;
    const char *one = CGV_ONNX_NODE(b, "GlobalAveragePool", channels(e, x, 0, 1));
    const char *zero = CGV_ONNX_NODE(b, "Mul", one, cgv_onnx_build_scalar(b, 0));
    const char *top = CGV_ONNX_NODE(b, "Sub", zero, cgv_onnx_build_scalar(b, 1));
    const char *ends = CGV_ONNX_NODE(b, "Pad", top, CGV_ONNX_LIST(b, 0, 0, 0, 0, 0, 0, 1, 0),
                                     cgv_onnx_build_scalar(b, 1));
    const char *rows =
        resize(e, ends, NULL, sizes_like(e, ends, x), CGV_CENTRES_ALIGNED, CGV_NEAREST_LINEAR);
    return concat(e, x, rows, 1);
}

// ---- the graph ----

static const char *node(exporter *e, int index) {
    const cgv_node *n = &e->net->nodes[index];
    const char *x = e->names[n->input[0]];
    const char *other = n->input[1] >= 0 ? e->names[n->input[1]] : NULL;
    switch (n->op) {
    case CGV_OP_INPUT:
        break;
    case CGV_OP_CONV:
    case CGV_OP_CONV_TRANSPOSE:
        return conv(e, n, x);
    case CGV_OP_INSTANCE_NORM:
        return instance_norm(e, n, x);
    case CGV_OP_ACTIVATION:
        return activation(e, n, x);
    case CGV_OP_ADD:
        return CGV_ONNX_NODE(&e->b, "Add", x, other);
    case CGV_OP_CONCAT:
        return concat(e, x, other, 1);
    case CGV_OP_UPSAMPLE:
        return upsample(e, n, x);
    case CGV_OP_AVERAGE_POOL:
        return average_pool(e, n, x);
    case CGV_OP_AFFINE_HEAD:
        return affine_head(e, n, x, other);
    case CGV_OP_JOIN:
        return join(e, x, other);
    case CGV_OP_COORD:
        return coord(e, x);
    case CGV_OP_BILATERAL_SLICE:
        return bilateral_slice(e, x, other);
    case CGV_OP_WINDOW_CONV:
        return window_conv(e, n, x);
    case CGV_OP_POOL:
        return pool(e, n, x);
    case CGV_OP_ELEMENTWISE:
        return elementwise(e, n, x);
    case CGV_OP_PAD:
        return pad(e, n, x);
    case CGV_OP_REARRANGE:
        return rearrange(e, n, x);
    case CGV_OP_RESIZE:
        return resize_node(e, n, x);
    }
    return x;
}

static Cgv__Onnx__ValueInfo *value_info(onnx_build *b, const char *name, int channels,
                                        const char *h, const char *w) {
    Cgv__Onnx__ValueInfo *info = cgv_onnx_build_memory(b, sizeof *info);
    Cgv__Onnx__Type *type = cgv_onnx_build_memory(b, sizeof *type);
    Cgv__Onnx__TensorType *tensor = cgv_onnx_build_memory(b, sizeof *tensor);
    Cgv__Onnx__Shape *shape = cgv_onnx_build_memory(b, sizeof *shape);
    Cgv__Onnx__Dimension **dim = cgv_onnx_build_memory(b, 4 * sizeof *dim);
    const char *const parameters[4] = {"batch", NULL, h, w};
    if (b->failed)
        return NULL;
    cgv__onnx__value_info__init(info);
    cgv__onnx__type__init(type);
    cgv__onnx__tensor_type__init(tensor);
    cgv__onnx__shape__init(shape);
    for (int i = 0; i < 4; i++) {
        dim[i] = cgv_onnx_build_memory(b, sizeof **dim);
        if (!dim[i])
            return NULL;
        cgv__onnx__dimension__init(dim[i]);
        dim[i]->parameter = (char *)parameters[i];
        dim[i]->has_value = i == 1;
        dim[i]->value = channels;
    }
    info->name = (char *)name;
    info->type = type;
    type->tensor_type = tensor;
    tensor->has_elem_type = true;
    tensor->elem_type = 1; // float
    tensor->shape = shape;
    shape->n_dim = 4;
    shape->dim = dim;
    return info;
}

static Cgv__Onnx__Entry *entry(onnx_build *b, const char *key, const char *value) {
    Cgv__Onnx__Entry *made = cgv_onnx_build_memory(b, sizeof *made);
    if (!made)
        return NULL;
    cgv__onnx__entry__init(made);
    made->key = (char *)key;
    made->value = cgv_onnx_build_text(b, "%s", value);
    return made;
}

// What the numbers are, so that nobody need guess, and the notes of other files.
static size_t metadata(exporter *e, Cgv__Onnx__Entry **out) {
    onnx_build *b = &e->b;
    const cgv_model_info *info = &e->model->info;
    cgv_state_notes notes = {.train_width = info->train_width, .train_height = info->train_height};
    cgv_safetensors_note list[CGV_MAX_NOTES];
    char size[32];
    int listed;
    size_t count = 0;
    memcpy(notes.description, info->description, sizeof notes.description);
    cgv_notes_list(list, &listed, &notes, info->architecture, size);
    for (int i = 0; i < listed; i++)
        out[count++] = entry(b, list[i].key, list[i].value);
    out[count++] = entry(b, "input_range", "-1,1");
    out[count++] = entry(b, "channel_order", "rgb");
    out[count++] = entry(b, "output_range", "-1,1");
    return count;
}

typedef struct file_buffer {
    ProtobufCBuffer base;
    FILE *file;
} file_buffer;

static void append(ProtobufCBuffer *buffer, size_t length, const uint8_t *data) {
    fwrite(data, 1, length, ((file_buffer *)buffer)->file); // the writer's commit sees failures
}

static cgv_status write_file(exporter *e, const char *path) {
    onnx_build *b = &e->b;
    Cgv__Onnx__Model model = CGV__ONNX__MODEL__INIT;
    Cgv__Onnx__Graph graph = CGV__ONNX__GRAPH__INIT;
    Cgv__Onnx__OperatorSet opset = CGV__ONNX__OPERATOR_SET__INIT;
    Cgv__Onnx__Entry *entries[CGV_MAX_NOTES + 3];
    int last = e->net->node_count - 1;
    bool joined = e->net->nodes[last].op == CGV_OP_JOIN;
    Cgv__Onnx__ValueInfo *in =
        value_info(b, e->names[0], e->net->input_channels, "height", "width");
    Cgv__Onnx__ValueInfo *out = value_info(b, "result", joined ? 1 : e->net->nodes[last].channels,
                                           "result_height", "result_width");
    model.n_metadata_props = metadata(e, entries);
    (void)CGV_ONNX_NODE(b, "Identity", e->names[last]);
    if (b->failed)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    b->nodes[b->node_count - 1]->output[0] = (char *)"result";
    graph.name = (char *)"cgvideo";
    graph.n_node = b->node_count;
    graph.node = b->nodes;
    graph.n_initializer = b->tensor_count;
    graph.initializer = b->tensors;
    graph.n_input = graph.n_output = 1;
    graph.input = &in;
    graph.output = &out;
    opset.domain = (char *)"";
    opset.has_version = true;
    opset.version = OPSET;
    model.has_ir_version = true;
    model.ir_version = IR_VERSION;
    model.producer_name = (char *)"cgvideo";
    model.producer_version = (char *)cgv_version();
    model.graph = &graph;
    model.n_opset_import = 1;
    model.opset_import = &(Cgv__Onnx__OperatorSet *){&opset};
    model.metadata_props = entries;

    cgv_fs_writer writer;
    cgv_status status = cgv_fs_writer_open(&writer, path);
    if (status)
        return status;
    file_buffer buffer = {{append}, writer.file};
    cgv__onnx__model__pack_to_buffer(&model, &buffer.base);
    return cgv_fs_writer_commit(&writer);
}

// What graphs of later operator sets can hold.
static cgv_status check_known(const cgv_net *net, const char *path) {
    for (int i = 0; i < net->node_count; i++) {
        const cgv_node *n = &net->nodes[i];
        if (n->op == CGV_OP_POOL && n->pool != CGV_POOL_MAX &&
            (n->window.dilation[0] > 1 || n->window.dilation[1] > 1))
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "%s: operator set %d has no average pool with dilations", path, OPSET);
    }
    return CGV_OK;
}

static cgv_status no_memory(const char *path) {
    return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
}

cgv_status cgv_onnx_write(const cgv_model *model, const char *path) {
    cgv_status known = check_known(model->net, path);
    if (known)
        return known;
    exporter e = {.model = model, .net = model->net};
    e.names = cgv_onnx_build_memory(&e.b, (size_t)model->net->node_count * sizeof *e.names);
    if (!e.names) {
        cgv_onnx_build_free(&e.b);
        return no_memory(path);
    }
    e.names[0] = "image";
    for (int i = 1; !e.b.failed && i < model->net->node_count; i++)
        e.names[i] = node(&e, i);
    cgv_status status = e.b.failed ? no_memory(path) : write_file(&e, path);
    cgv_onnx_build_free(&e.b);
    return status;
}
