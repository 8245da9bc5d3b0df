// Convolutions and norms.
#include <math.h>
#include <string.h>

#include "model/onnx_internal.h"

// ---- windows ----

// Two numbers of an attribute, down and across.
static bool pair_of(const onnx_node *n, const char *name, int out[2], int otherwise) {
    int64_t numbers[2];
    out[0] = out[1] = otherwise;
    if (!cgv_onnx_attribute(n, name))
        return true;
    if (cgv_onnx_ints(n, name, numbers, 2) != 2)
        return false;
    for (int axis = 0; axis < 2; axis++) {
        if (numbers[axis] < 0 || numbers[axis] > 4096)
            return false;
        out[axis] = (int)numbers[axis];
    }
    return true;
}

// What auto_pad adds along an axis in all so that the result is the input's side over the stride.
static int64_t same_padding(const cgv_window *w, int axis, int64_t side, bool transposed) {
    int64_t stride = w->stride[axis], span = (int64_t)w->dilation[axis] * (w->kernel[axis] - 1) + 1;
    int64_t total =
        transposed ? span - stride : ((side + stride - 1) / stride - 1) * stride + span - side;
    return total > 0 ? total : 0;
}

cgv_status cgv_onnx_window(onnx_import *im, const onnx_node *n, cgv_window *w, int x,
                           bool transposed) {
    int64_t pads[4] = {0};
    bool upper = cgv_onnx_text_is(n, "auto_pad", "NOTSET", "SAME_UPPER");
    bool lower = cgv_onnx_text_is(n, "auto_pad", "NOTSET", "SAME_LOWER");
    if (!pair_of(n, "strides", w->stride, 1) || !pair_of(n, "dilations", w->dilation, 1))
        return cgv_onnx_refuse(im, n, "is not one over rows and columns");
    for (int axis = 0; axis < 2; axis++)
        if (w->stride[axis] < 1 || w->dilation[axis] < 1)
            return cgv_onnx_refuse(im, n, "has a stride or dilation below 1");
    if (cgv_onnx_attribute(n, "pads") && cgv_onnx_ints(n, "pads", pads, 4) != 4)
        return cgv_onnx_refuse(im, n, "is not one over rows and columns");
    if (!upper && !lower && !cgv_onnx_text_is(n, "auto_pad", "NOTSET", "NOTSET"))
        memset(pads, 0, sizeof pads); // VALID
    for (int axis = 0; axis < 2; axis++) {
        cgv_size size = im->sizes[0][x];
        int64_t total = same_padding(w, axis, axis ? size.w : size.h, transposed);
        for (int lane = 1; lane < ONNX_LANES && (upper || lower); lane++) {
            cgv_size other = im->sizes[lane][x];
            if (same_padding(w, axis, axis ? other.w : other.h, transposed) != total)
                return cgv_onnx_refuse(im, n, "is padded by the picture's size");
        }
        if (upper || lower) {
            pads[axis] = upper ? total / 2 : total - total / 2;
            pads[axis + 2] = total - pads[axis];
        }
    }
    for (int side = 0; side < 4; side++) {
        if (pads[side] < 0 || pads[side] > 4096)
            return cgv_onnx_refuse(im, n, "has a padding out of range");
        w->pad[side] = (int)pads[side];
    }
    return CGV_OK;
}

// ---- convolutions ----

typedef struct conv {
    int x; // node
    onnx_value *weights, *bias;
    int channels, groups;
    cgv_window window;
    cgv_pad_mode mode;
    int output_pad[2];
    bool transposed;
} conv;

static cgv_status read_conv(conv *c, onnx_import *im, const onnx_node *n, bool transposed) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *weights = cgv_onnx_input(im, n, 1);
    int64_t kernel[2], groups = cgv_onnx_int(n, "group", 1);
    *c = (conv){.weights = weights, .bias = cgv_onnx_input(im, n, 2), .transposed = transposed};
    if (!x || !weights || weights->kind != ONNX_CONSTANT ||
        (c->bias && c->bias->kind != ONNX_CONSTANT))
        return cgv_onnx_refuse(im, n, "has weights that are no constants");
    if (!cgv_onnx_numbers(im, weights, 0) || (c->bias && !cgv_onnx_numbers(im, c->bias, 0)))
        return CGV_ERROR_UNSUPPORTED;
    c->x = cgv_onnx_plain(im, n, x);
    if (c->x < 0)
        return CGV_ERROR_UNSUPPORTED;
    if (weights->rank != 4 || !weights->count || weights->varies || weights->shape[2] > 4096 ||
        weights->shape[3] > 4096 || groups < 1 || groups > 65536)
        return cgv_onnx_refuse(im, n, "is not one over rows and columns");
    if (cgv_onnx_attribute(n, "kernel_shape") &&
        (cgv_onnx_ints(n, "kernel_shape", kernel, 2) != 2 || kernel[0] != weights->shape[2] ||
         kernel[1] != weights->shape[3]))
        return cgv_onnx_refuse(im, n, "has a kernel of another shape than its weights");
    int cin = im->net->nodes[c->x].channels;
    int64_t channels = transposed ? weights->shape[1] * groups : weights->shape[0];
    int64_t reads = transposed ? weights->shape[0] : weights->shape[1] * groups;
    if (reads != cin || channels > 65536 || channels % groups || cin % groups ||
        (c->bias && (c->bias->count != (size_t)channels || c->bias->varies)))
        return cgv_onnx_refuse(im, n, "has weights for other channels than its input's %d", cin);
    c->channels = (int)channels;
    c->groups = (int)groups;
    c->window.kernel[0] = (int)weights->shape[2];
    c->window.kernel[1] = (int)weights->shape[3];
    return CGV_OK;
}

static bool even_pads(const cgv_window *w) {
    return w->pad[0] == w->pad[1] && w->pad[0] == w->pad[2] && w->pad[0] == w->pad[3];
}

static bool pads_nothing(const cgv_window *w) {
    return even_pads(w) && !w->pad[0];
}

// A kernel that the fast convolutions take, but for its padding.
static bool is_square(const conv *c, int most) {
    const cgv_window *w = &c->window;
    bool dilated = w->dilation[0] != 1 || w->dilation[1] != 1;
    return w->kernel[0] == w->kernel[1] && w->kernel[0] <= most && w->stride[0] == w->stride[1] &&
           (!dilated || w->kernel[0] == 1);
}

// A margin before a convolution becomes its padding. (What is left without readers goes away.)
static void take_margin(conv *c, const onnx_import *im) {
    const cgv_node *node = &im->net->nodes[c->x];
    if (node->op != CGV_OP_PAD || node->margin.before[0] || node->margin.after[0])
        return;
    const cgv_margin *m = &node->margin;
    int sides[4] = {m->before[1], m->before[2], m->after[1], m->after[2]};
    for (int side = 0; side < 4; side++)
        if (sides[side] < 0 || sides[side] > 64)
            return;
    if (m->mode == CGV_PAD_ZERO
            ? m->value != 0
            : !pads_nothing(&c->window) || !is_square(c, 9) || c->window.stride[0] > 2 ||
                  sides[0] != sides[1] || sides[0] != sides[2] || sides[0] != sides[3])
        return;
    for (int side = 0; side < 4; side++)
        c->window.pad[side] += sides[side];
    c->mode = m->mode;
    c->x = node->input[0];
}

// Paddings that differ from side to side become a margin, so that a fast convolution fits.
static cgv_status give_margin(conv *c, onnx_import *im) {
    const int *pad = c->window.pad;
    cgv_margin margin = {.before = {0, pad[0], pad[1]}, .after = {0, pad[2], pad[3]}};
    int node = cgv_net_pad(im->net, c->x, &margin);
    cgv_status status = cgv_onnx_added(im, node);
    c->x = node;
    memset(c->window.pad, 0, sizeof c->window.pad);
    return status;
}

static cgv_status finish_conv(onnx_import *im, const onnx_node *n, const conv *c, int node) {
    cgv_status status = cgv_onnx_added(im, node);
    if (status)
        return status;
    const cgv_node *made = &im->net->nodes[node];
    float *weights = cgv_onnx_param(im, made->weight);
    for (size_t i = 0; i < c->weights->count; i++)
        weights[i] = (float)c->weights->data[i];
    for (int i = 0; c->bias && i < c->channels; i++)
        cgv_onnx_param(im, made->bias)[i] = (float)c->bias->data[i];
    onnx_value *y = cgv_onnx_output(im, n, 0);
    if (y) {
        cgv_onnx_picture(im, y, node);
        y->alone = y->readers == 1;
    }
    return CGV_OK;
}

static int add_window(onnx_import *im, const char *name, const conv *c) {
    return cgv_net_window_conv(
        im->net, c->x, name,
        &(cgv_window_conv_desc){.channels = c->channels,
                                .groups = c->groups,
                                .transposed = c->transposed,
                                .no_bias = !c->bias,
                                .window = c->window,
                                .output_pad = {c->output_pad[0], c->output_pad[1]}});
}

static cgv_conv_desc square_desc(const conv *c) {
    return (cgv_conv_desc){.channels = c->channels,
                           .kernel = c->window.kernel[0],
                           .stride = c->window.stride[0],
                           .pad = c->window.pad[0],
                           .output_pad = c->output_pad[0],
                           .groups = c->groups,
                           .pad_mode = c->mode,
                           .no_bias = !c->bias};
}

cgv_status cgv_onnx_conv(onnx_import *im, const onnx_node *n) {
    conv c;
    char name[32];
    cgv_status status = read_conv(&c, im, n, false);
    if (!status)
        status = cgv_onnx_window(im, n, &c.window, c.x, false);
    if (status)
        return status;
    take_margin(&c, im);
    cgv_onnx_layer(name, n);
    if (!is_square(&c, 9) || c.window.stride[0] < 1 || c.window.stride[0] > 2)
        return finish_conv(im, n, &c, add_window(im, name, &c));
    if (!even_pads(&c.window))
        status = give_margin(&c, im);
    cgv_conv_desc desc = square_desc(&c);
    return status ? status : finish_conv(im, n, &c, cgv_net_conv(im->net, c.x, name, &desc));
}

cgv_status cgv_onnx_conv_transpose(onnx_import *im, const onnx_node *n) {
    conv c;
    char name[32];
    cgv_status status = read_conv(&c, im, n, true);
    if (!status)
        status = cgv_onnx_window(im, n, &c.window, c.x, true);
    if (status)
        return status;
    if (cgv_onnx_attribute(n, "output_shape"))
        return cgv_onnx_refuse(im, n, "asks for an output_shape, which cgvideo does not follow");
    if (!pair_of(n, "output_padding", c.output_pad, 0))
        return cgv_onnx_refuse(im, n, "is not one over rows and columns");
    cgv_onnx_layer(name, n);
    bool fast = is_square(&c, 7) && c.window.stride[0] == 2 && even_pads(&c.window) &&
                c.window.pad[0] < c.window.kernel[0] && c.output_pad[0] == c.output_pad[1] &&
                c.output_pad[0] < 2;
    cgv_conv_desc desc = square_desc(&c);
    return finish_conv(im, n, &c,
                       fast ? cgv_net_conv_transpose(im->net, c.x, name, &desc)
                            : add_window(im, name, &c));
}

bool cgv_onnx_fold_affine(onnx_import *im, const onnx_node *n, onnx_value *x, const double *scale,
                          const double *shift) {
    cgv_net *net = im->net;
    cgv_node *node = &net->nodes[x->node];
    int64_t channels = node->channels;
    if (!x->alone)
        return false;
    if (node->bias < 0) {
        char name[32];
        cgv_net_add_bias(net, x->node, cgv_onnx_layer(name, n));
        if (cgv_onnx_added(im, x->node))
            return false;
    }
    float *weights = cgv_onnx_param(im, node->weight), *bias = cgv_onnx_param(im, node->bias);
    const cgv_param *param = &net->params[node->weight];
    bool transposed =
        node->op == CGV_OP_CONV_TRANSPOSE || (node->op == CGV_OP_WINDOW_CONV && node->transposed);
    size_t taps = (size_t)(param->shape[2] * param->shape[3]);
    for (size_t i = 0; i < param->count; i++) {
        // [cout, cin/groups, taps], or transposed [cin, cout/groups, taps].
        size_t row = i / taps / (size_t)param->shape[1],
               column = i / taps % (size_t)param->shape[1];
        size_t group = row / ((size_t)param->shape[0] / (size_t)node->groups);
        size_t c = transposed ? group * (size_t)param->shape[1] + column : row;
        weights[i] = (float)((double)weights[i] * scale[c]);
    }
    for (int64_t c = 0; c < channels; c++)
        bias[c] = (float)((double)bias[c] * scale[c] + shift[c]);
    return true;
}

// ---- norms ----

// Four constants of batch norm, of which each has a number a channel.
static cgv_status norm_constants(onnx_import *im, const onnx_node *n, const double **out, int count,
                                 int channels) {
    for (int i = 0; i < count; i++) {
        onnx_value *v = cgv_onnx_input(im, n, (size_t)i + 1);
        out[i] = v && v->kind == ONNX_CONSTANT ? cgv_onnx_numbers(im, v, 0) : NULL;
        if (!out[i] || v->varies || v->count != (size_t)channels)
            return cgv_onnx_refuse(im, n, "lacks a constant for each of %d channels", channels);
    }
    return CGV_OK;
}

// Within the convolution before it, or a 1x1 one of each channel alone.
cgv_status cgv_onnx_batch_norm(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    const double *constants[4];
    if (!x || !y || x->kind != ONNX_PICTURE || x->view.rank < 2 || cgv_onnx_axis(im, x, 1) != 1)
        return cgv_onnx_refuse(im, n, "does not work on the channels of a picture");
    if (cgv_onnx_int(n, "training_mode", 0))
        return cgv_onnx_refuse(im, n, "was exported for training");
    int channels = im->net->nodes[x->node].channels;
    cgv_status status = norm_constants(im, n, constants, 4, channels);
    if (status)
        return status;
    double epsilon = (double)cgv_onnx_float(n, "epsilon", 1e-5f);
    double *scale = cgv_onnx_allocate(im, 2 * (size_t)channels, sizeof *scale), *shift;
    if (!scale)
        return CGV_ERROR_UNSUPPORTED;
    shift = scale + channels;
    for (int c = 0; c < channels; c++) {
        scale[c] = constants[0][c] / sqrt(constants[3][c] + epsilon);
        shift[c] = constants[1][c] - constants[2][c] * scale[c];
    }
    if (cgv_onnx_fold_affine(im, n, x, scale, shift)) {
        y->node = x->node;
        y->alone = y->readers == 1;
    } else {
        char name[32];
        y->node =
            cgv_net_conv(im->net, x->node, cgv_onnx_layer(name, n),
                         &(cgv_conv_desc){.channels = channels, .kernel = 1, .groups = channels});
        status = cgv_onnx_added(im, y->node);
        const cgv_node *made = &im->net->nodes[y->node];
        for (int c = 0; !status && c < channels; c++) {
            cgv_onnx_param(im, made->weight)[c] = (float)scale[c];
            cgv_onnx_param(im, made->bias)[c] = (float)shift[c];
        }
    }
    free(scale);
    if (!status && !im->net->status) {
        y->kind = ONNX_PICTURE;
        y->view = x->view;
    }
    return status ? status : im->net->status;
}

static bool all_are(const double *numbers, int count, double value) {
    for (int i = 0; i < count; i++)
        if (numbers[i] != value)
            return false;
    return true;
}

cgv_status cgv_onnx_instance_norm(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    const double *constants[2];
    // Rows and columns may have been joined: a mean over them is the same.
    if (!x || !y || x->kind != ONNX_PICTURE || x->view.rank < 3 || cgv_onnx_axis(im, x, 0) != 0 ||
        cgv_onnx_axis(im, x, 1) != 1)
        return cgv_onnx_refuse(im, n, "does not work on the channels of a picture one by one");
    int channels = im->net->nodes[x->node].channels;
    cgv_status status = norm_constants(im, n, constants, 2, channels);
    if (status)
        return status;
    char name[32];
    bool plain = all_are(constants[0], channels, 1) && all_are(constants[1], channels, 0);
    int node = cgv_net_instance_norm(im->net, x->node, plain ? NULL : cgv_onnx_layer(name, n));
    status = cgv_onnx_added(im, node);
    if (status)
        return status;
    cgv_node *made = &im->net->nodes[node];
    made->epsilon = cgv_onnx_float(n, "epsilon", 1e-5f);
    for (int c = 0; c < channels && !plain; c++) {
        cgv_onnx_param(im, made->weight)[c] = (float)constants[0][c];
        cgv_onnx_param(im, made->bias)[c] = (float)constants[1][c];
    }
    y->kind = ONNX_PICTURE;
    y->node = node;
    y->view = x->view;
    return CGV_OK;
}
