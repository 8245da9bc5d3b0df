#include "nn/net_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

cgv_status cgv_net_create(cgv_net **out, const char *architecture, int input_channels) {
    *out = NULL;
    if (input_channels < 1 || input_channels > CGV_NET_MAX_CHANNELS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: %d input channels", architecture, input_channels);
    cgv_net *net = calloc(1, sizeof *net);
    cgv_node *nodes = calloc(16, sizeof *nodes);
    if (!net || !nodes) {
        free(net);
        free(nodes);
        return cgv_fail(CGV_ERROR_MEMORY, "%s: no memory for the network", architecture);
    }
    snprintf(net->architecture, sizeof net->architecture, "%s", architecture);
    nodes[0] = (cgv_node){.op = CGV_OP_INPUT,
                          .input = {-1, -1},
                          .channels = input_channels,
                          .weight = -1,
                          .bias = -1};
    net->nodes = nodes;
    net->node_count = 1;
    net->node_capacity = 16;
    net->input_channels = input_channels;
    net->multiple = 1;
    *out = net;
    return CGV_OK;
}

void cgv_net_destroy(cgv_net **net) {
    if (!net || !*net)
        return;
    free((*net)->nodes);
    free((*net)->params);
    free(*net);
    *net = NULL;
}

int cgv_net_refuse(cgv_net *net, const char *name, const char *why) {
    net->status = cgv_fail(CGV_ERROR_ARGUMENT, "%s: %s: %s", net->architecture, name, why);
    return 0;
}

// Room for one more item. The arrays double, so a net of n nodes is copied O(n) times in all.
static bool reserve(cgv_net *net, void **items, int count, int *capacity, size_t size) {
    if (count < *capacity)
        return true;
    int wanted = *capacity ? 2 * *capacity : 16;
    void *grown = realloc(*items, (size_t)wanted * size);
    if (!grown) {
        net->status =
            cgv_fail(CGV_ERROR_MEMORY, "%s: no memory for the network", net->architecture);
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

int cgv_net_add_node(cgv_net *net, const cgv_node *node) {
    void *nodes = net->nodes;
    bool ok = reserve(net, &nodes, net->node_count, &net->node_capacity, sizeof *net->nodes);
    net->nodes = nodes;
    if (!ok)
        return 0;
    net->nodes[net->node_count] = *node;
    return net->node_count++;
}

int cgv_net_add_param(cgv_net *net, const char *name, const char *suffix, int dims,
                      const int64_t *shape) {
    void *params = net->params;
    bool ok = reserve(net, &params, net->param_count, &net->param_capacity, sizeof *net->params);
    net->params = params;
    if (!ok)
        return -1;
    cgv_param *param = &net->params[net->param_count];
    *param = (cgv_param){.dims = dims, .count = 1, .offset = net->param_floats};
    int length = snprintf(param->name, sizeof param->name, "%s.%s", name, suffix);
    if (length < 0 || (size_t)length >= sizeof param->name) {
        cgv_net_refuse(net, name, "the name is too long");
        return -1;
    }
    for (int i = 0; i < dims; i++) {
        param->shape[i] = shape[i];
        param->count *= (size_t)shape[i];
    }
    net->param_floats += (param->count + 3) / 4 * 4; // every parameter starts on 16 bytes
    return net->param_count++;
}

static int input_channels(const cgv_net *net, int x) {
    return net->nodes[x].channels;
}

static const char *check_conv(const cgv_conv_desc *d, int cin, int groups, int stride) {
    if (d->channels < 1 || d->channels > CGV_NET_MAX_CHANNELS)
        return "the number of channels is out of range";
    if (d->kernel < 1 || d->kernel > CGV_NET_MAX_KERNEL)
        return "the kernel size is out of range";
    if (d->pad < 0 || d->pad > CGV_NET_MAX_KERNEL || stride < 1 || stride > CGV_NET_MAX_KERNEL)
        return "the padding or the stride is out of range";
    if (d->output_pad < 0 || d->output_pad >= stride)
        return "the output padding must be below the stride";
    if (groups < 1 || cin % groups || d->channels % groups)
        return "the groups do not divide the channels";
    return NULL;
}

static int add_conv(cgv_net *net, cgv_op op, int x, const char *name, const cgv_conv_desc *desc) {
    if (net->status)
        return 0;
    int cin = input_channels(net, x);
    int groups = desc->groups ? desc->groups : 1;
    int stride = desc->stride ? desc->stride : 1;
    const char *wrong = check_conv(desc, cin, groups, stride);
    if (wrong)
        return cgv_net_refuse(net, name, wrong);
    bool transpose = op == CGV_OP_CONV_TRANSPOSE;
    int64_t shape[4] = {transpose ? cin : desc->channels,
                        (transpose ? desc->channels : cin) / groups, desc->kernel, desc->kernel};
    cgv_node node = {.op = op,
                     .input = {x, -1},
                     .channels = desc->channels,
                     .weight = cgv_net_add_param(net, name, "weight", 4, shape),
                     .bias = -1,
                     .kernel = desc->kernel,
                     .stride = stride,
                     .pad = desc->pad,
                     .output_pad = desc->output_pad,
                     .groups = groups,
                     .pad_mode = desc->pad_mode};
    if (!net->status && !desc->no_bias)
        node.bias = cgv_net_add_param(net, name, "bias", 1, &(int64_t){desc->channels});
    return net->status ? 0 : cgv_net_add_node(net, &node);
}

int cgv_net_conv(cgv_net *net, int x, const char *name, const cgv_conv_desc *desc) {
    return add_conv(net, CGV_OP_CONV, x, name, desc);
}

int cgv_net_conv_transpose(cgv_net *net, int x, const char *name, const cgv_conv_desc *desc) {
    if (!net->status && desc->pad_mode != CGV_PAD_ZERO)
        return cgv_net_refuse(net, name, "a transposed convolution only pads with zeros");
    if (!net->status && desc->stride != 2)
        return cgv_net_refuse(net, name, "a transposed convolution has stride 2");
    return add_conv(net, CGV_OP_CONV_TRANSPOSE, x, name, desc);
}

// A fixed filter of one plane for every channel. Returns the parameter.
static int add_filter(cgv_net *net, int x, const char *name, cgv_filter filter, int kernel) {
    int param = cgv_net_add_param(net, name, "filt", 4,
                                  (const int64_t[4]){input_channels(net, x), 1, kernel, kernel});
    if (param >= 0)
        net->params[param].filter = filter;
    return param;
}

int cgv_net_blur_down(cgv_net *net, int x, const char *name) {
    if (net->status)
        return 0;
    cgv_node node = {.op = CGV_OP_CONV,
                     .input = {x, -1},
                     .channels = input_channels(net, x),
                     .weight = add_filter(net, x, name, CGV_FILTER_1_2_1, 3),
                     .bias = -1,
                     .kernel = 3,
                     .stride = 2,
                     .pad = 1,
                     .groups = input_channels(net, x),
                     .pad_mode = CGV_PAD_REFLECT};
    return net->status ? 0 : cgv_net_add_node(net, &node);
}

static int add_unary(cgv_net *net, int x, cgv_node node) {
    node.input[0] = x;
    node.input[1] = -1;
    node.channels = input_channels(net, x);
    return cgv_net_add_node(net, &node);
}

int cgv_net_instance_norm(cgv_net *net, int x, const char *name) {
    if (net->status)
        return 0;
    cgv_node node = {.op = CGV_OP_INSTANCE_NORM, .weight = -1, .bias = -1, .epsilon = 1e-5f};
    if (name) {
        int64_t channels = input_channels(net, x);
        node.weight = cgv_net_add_param(net, name, "weight", 1, &channels);
        if (!net->status)
            node.bias = cgv_net_add_param(net, name, "bias", 1, &channels);
    }
    return net->status ? 0 : add_unary(net, x, node);
}

int cgv_net_activation(cgv_net *net, int x, cgv_activation activation, float slope) {
    if (net->status)
        return 0;
    return add_unary(net, x,
                     (cgv_node){.op = CGV_OP_ACTIVATION,
                                .weight = -1,
                                .bias = -1,
                                .activation = activation,
                                .slope = slope});
}

int cgv_net_add(cgv_net *net, int x, int y) {
    if (net->status)
        return 0;
    if (input_channels(net, x) != input_channels(net, y))
        return cgv_net_refuse(net, "addition", "the channels of the two inputs differ");
    cgv_node node = {.op = CGV_OP_ADD,
                     .input = {x, y},
                     .channels = input_channels(net, x),
                     .weight = -1,
                     .bias = -1};
    return cgv_net_add_node(net, &node);
}

int cgv_net_concat(cgv_net *net, int x, int y) {
    if (net->status)
        return 0;
    int channels = input_channels(net, x) + input_channels(net, y);
    if (channels > CGV_NET_MAX_CHANNELS)
        return cgv_net_refuse(net, "concatenation", "the number of channels is out of range");
    cgv_node node = {
        .op = CGV_OP_CONCAT, .input = {x, y}, .channels = channels, .weight = -1, .bias = -1};
    return cgv_net_add_node(net, &node);
}

int cgv_net_upsample(cgv_net *net, int x, int factor, cgv_upsample_mode mode) {
    if (net->status)
        return 0;
    if (factor < 1 || factor > CGV_NET_MAX_KERNEL)
        return cgv_net_refuse(net, "upsampling", "the factor is out of range");
    return add_unary(
        net, x,
        (cgv_node){
            .op = CGV_OP_UPSAMPLE, .weight = -1, .bias = -1, .factor = factor, .upsample = mode});
}

int cgv_net_blur_up(cgv_net *net, int x, const char *name) {
    if (net->status)
        return 0;
    cgv_node node = {.op = CGV_OP_UPSAMPLE,
                     .weight = add_filter(net, x, name, CGV_FILTER_1_3_3_1, 4),
                     .bias = -1,
                     .factor = 2,
                     .upsample = CGV_UPSAMPLE_BILINEAR};
    return net->status ? 0 : add_unary(net, x, node);
}

int cgv_net_only_reader(const cgv_net *net, int node) {
    int reader = -1;
    for (int i = node + 1; i < net->node_count; i++)
        for (int k = 0; k < 2; k++)
            if (net->nodes[i].input[k] == node) {
                if (reader >= 0)
                    return -1;
                reader = i;
            }
    return reader;
}

void cgv_param_fill_filter(const cgv_param *param, float *values) {
    static const float filters[][4] = {[CGV_FILTER_1_2_1] = {0.25f, 0.5f, 0.25f},
                                       [CGV_FILTER_1_3_3_1] = {0.25f, 0.75f, 0.75f, 0.25f}};
    size_t kernel = (size_t)param->shape[3];
    for (size_t i = 0; i < param->count; i++)
        values[i] =
            filters[param->filter][i % kernel] * filters[param->filter][i / kernel % kernel];
}

int cgv_net_average_pool(cgv_net *net, int x, int factor) {
    if (net->status)
        return 0;
    if (factor < 1 || factor > CGV_NET_MAX_KERNEL)
        return cgv_net_refuse(net, "average pooling", "the factor is out of range");
    return add_unary(
        net, x, (cgv_node){.op = CGV_OP_AVERAGE_POOL, .weight = -1, .bias = -1, .factor = factor});
}

int cgv_net_join(cgv_net *net, int x, int y) {
    if (net->status)
        return 0;
    cgv_node node = {.op = CGV_OP_JOIN, .input = {x, y}, .channels = 1, .weight = -1, .bias = -1};
    return cgv_net_add_node(net, &node);
}

int cgv_net_coord(cgv_net *net, int x) {
    if (net->status)
        return 0;
    cgv_node node = {.op = CGV_OP_COORD,
                     .input = {x, -1},
                     .channels = input_channels(net, x) + 1,
                     .weight = -1,
                     .bias = -1};
    return node.channels > CGV_NET_MAX_CHANNELS
               ? cgv_net_refuse(net, "coordinate", "the number of channels is out of range")
               : cgv_net_add_node(net, &node);
}

int cgv_net_affine_head(cgv_net *net, int coefficients, int x) {
    if (net->status)
        return 0;
    if (input_channels(net, coefficients) != 2 * input_channels(net, x))
        return cgv_net_refuse(net, "affine head",
                              "a gain and an offset are needed for every channel");
    cgv_node node = {.op = CGV_OP_AFFINE_HEAD,
                     .input = {coefficients, x},
                     .channels = input_channels(net, x),
                     .weight = -1,
                     .bias = -1};
    return cgv_net_add_node(net, &node);
}

int cgv_net_bilateral_slice(cgv_net *net, int grid, int x) {
    if (net->status)
        return 0;
    if (input_channels(net, grid) != CGV_GRID_CHANNELS || input_channels(net, x) != 3)
        return cgv_net_refuse(net, "bilateral slice",
                              "it takes a grid of 96 channels and a picture of 3");
    cgv_node node = {
        .op = CGV_OP_BILATERAL_SLICE, .input = {grid, x}, .channels = 3, .weight = -1, .bias = -1};
    return cgv_net_add_node(net, &node);
}

cgv_status cgv_net_shrink_input(cgv_net *net, int factor) {
    int last = net->node_count - 1;
    if (factor == 1)
        return CGV_OK;
    if (net->nodes[last].op != CGV_OP_BILATERAL_SLICE)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s has no grid, and must see pictures at their size",
                        net->architecture);
    cgv_net_average_pool(net, 0, factor);
    if (net->status)
        return net->status;
    cgv_node pool = net->nodes[last + 1];
    memmove(net->nodes + 2, net->nodes + 1, (size_t)last * sizeof pool);
    net->nodes[1] = pool;
    for (int i = 2; i < net->node_count; i++)
        for (int k = 0; k < 2; k++)
            net->nodes[i].input[k] += net->nodes[i].input[k] >= 0;
    net->nodes[last + 1].input[1] = 0; // the picture itself
    net->multiple *= factor;
    return CGV_OK;
}

int cgv_net_input_factor(const cgv_net *net) {
    bool shrunk = net->nodes[net->node_count - 1].op == CGV_OP_BILATERAL_SLICE &&
                  net->nodes[1].op == CGV_OP_AVERAGE_POOL;
    return shrunk ? net->nodes[1].factor : 1;
}

// One side of a node's tensor from that of its input. 0: the input is too small.
static int64_t output_side(const cgv_node *n, int64_t side) {
    int64_t padded = side + 2 * n->pad;
    switch (n->op) {
    case CGV_OP_CONV:
        if (n->pad_mode == CGV_PAD_REFLECT && n->pad >= side)
            return 0;
        return padded < n->kernel ? 0 : (padded - n->kernel) / n->stride + 1;
    case CGV_OP_CONV_TRANSPOSE:
        return (side - 1) * n->stride - 2 * n->pad + n->kernel + n->output_pad;
    case CGV_OP_UPSAMPLE:
        return side * n->factor;
    case CGV_OP_AVERAGE_POOL:
        return side / n->factor;
    case CGV_OP_INPUT:
    case CGV_OP_INSTANCE_NORM:
    case CGV_OP_ACTIVATION:
    case CGV_OP_ADD:
    case CGV_OP_CONCAT:
    case CGV_OP_AFFINE_HEAD:
    case CGV_OP_BILATERAL_SLICE:
    case CGV_OP_JOIN:
    case CGV_OP_COORD:
    case CGV_OP_WINDOW_CONV:
    case CGV_OP_POOL:
    case CGV_OP_ELEMENTWISE:
    case CGV_OP_PAD:
    case CGV_OP_REARRANGE:
    case CGV_OP_RESIZE:
        break;
    }
    return side;
}

static int64_t node_elements(const cgv_net *net, int index, const cgv_size *sizes) {
    return (int64_t)net->nodes[index].channels * sizes[index].h * sizes[index].w;
}

cgv_status cgv_net_shape(const cgv_net *net, int index, cgv_size *sizes) {
    const cgv_node *n = &net->nodes[index];
    if (n->op >= CGV_OP_WINDOW_CONV)
        return cgv_net_graph_shape(net, index, sizes);
    if (n->op == CGV_OP_JOIN) {
        int64_t count =
            node_elements(net, n->input[0], sizes) + node_elements(net, n->input[1], sizes);
        sizes[index] = (cgv_size){1, (int)(count > CGV_NET_MAX_SIDE ? CGV_NET_MAX_SIDE : count)};
        return count <= CGV_NET_MAX_SIDE
                   ? CGV_OK
                   : cgv_fail(CGV_ERROR_ARGUMENT, "%s: an input of %dx%d is too large",
                              net->architecture, sizes[0].w, sizes[0].h);
    }
    bool sliced = n->op == CGV_OP_BILATERAL_SLICE; // as large as its picture, whatever the grid
    const cgv_size *in = &sizes[n->input[sliced]];
    const char *name = n->weight >= 0 ? net->params[n->weight].name : "a layer without weights";
    int64_t h = output_side(n, in->h), w = output_side(n, in->w);
    if (h < 1 || w < 1)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: an input of %dx%d is too small: %dx%d is left at %s (kernel %d, "
                        "padding %d); use larger pictures",
                        net->architecture, sizes[0].w, sizes[0].h, in->w, in->h, name, n->kernel,
                        n->pad);
    if (h > CGV_NET_MAX_SIDE || w > CGV_NET_MAX_SIDE)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: an input of %dx%d is too large", net->architecture,
                        sizes[0].w, sizes[0].h);
    sizes[index] = (cgv_size){(int)h, (int)w};
    if (n->input[1] >= 0 && !sliced) {
        const cgv_size *other = &sizes[n->input[1]];
        if (other->h != h || other->w != w)
            return cgv_fail(CGV_ERROR_ARGUMENT, "%s: %s meets %dx%d and %dx%d", net->architecture,
                            n->op == CGV_OP_ADD      ? "an addition"
                            : n->op == CGV_OP_CONCAT ? "a concatenation"
                                                     : "an affine head",
                            (int)w, (int)h, other->w, other->h);
    }
    return CGV_OK;
}

cgv_status cgv_net_shapes(const cgv_net *net, int h, int w, cgv_size *sizes) {
    if (h < 1 || w < 1 || h > CGV_NET_MAX_SIDE || w > CGV_NET_MAX_SIDE)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: an input of %dx%d", net->architecture, w, h);
    if (h % net->multiple || w % net->multiple)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: an input of %dx%d: both sides must be multiples of %d",
                        net->architecture, w, h, net->multiple);
    sizes[0] = (cgv_size){h, w};
    for (int i = 1; i < net->node_count; i++) {
        cgv_status status = cgv_net_shape(net, i, sizes);
        if (status)
            return status;
    }
    return CGV_OK;
}

bool cgv_op_trains(cgv_op op) {
    return op < CGV_OP_WINDOW_CONV;
}

double cgv_node_macs(const cgv_net *net, int node, const cgv_size *sizes) {
    const cgv_node *n = &net->nodes[node];
    bool window = n->op == CGV_OP_WINDOW_CONV;
    if (n->op != CGV_OP_CONV && n->op != CGV_OP_CONV_TRANSPOSE && !window)
        return 0;
    // Each weight meets every output pixel of a convolution, but every input pixel of a
    // transposed one: that is what is left when no multiplication with a stuffed zero is done.
    bool transposed = n->op == CGV_OP_CONV_TRANSPOSE || (window && n->transposed);
    const cgv_size *s = &sizes[transposed ? n->input[0] : node];
    return (double)net->params[n->weight].count * s->h * s->w;
}

double cgv_net_macs(const cgv_net *net, int h, int w) {
    cgv_size *sizes = calloc((size_t)net->node_count, sizeof *sizes);
    double macs = 0;
    if (sizes && !cgv_net_shapes(net, h, w, sizes))
        for (int i = 1; i < net->node_count; i++)
            macs += cgv_node_macs(net, i, sizes);
    free(sizes);
    return macs;
}
