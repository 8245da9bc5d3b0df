// Operations element by element.
#include <float.h>
#include <math.h>
#include <string.h>

#include "model/onnx_internal.h"

static bool both_constant(const onnx_value *a, const onnx_value *b) {
    return a->kind == ONNX_CONSTANT && b->kind == ONNX_CONSTANT;
}

static cgv_status lacking(const onnx_import *im, const onnx_node *n) {
    return cgv_onnx_refuse(im, n, "lacks an operand");
}

// y is a node that lies as x does.
static cgv_status made(onnx_import *im, onnx_value *y, int node, const onnx_value *x) {
    cgv_status status = cgv_onnx_added(im, node);
    if (!status)
        cgv_onnx_picture_like(im, y, node, x);
    return status;
}

// As made(), of an operation on x alone, which it needs not know the axes of.
static cgv_status made_alike(onnx_import *im, onnx_value *y, int node, const onnx_value *x) {
    cgv_status status = cgv_onnx_added(im, node);
    y->kind = ONNX_PICTURE;
    y->node = node;
    y->view = x->view;
    return status;
}

int cgv_onnx_channel_constant(onnx_import *im, const onnx_node *n, const onnx_value *x,
                              onnx_value *constant) {
    if (!cgv_onnx_numbers(im, constant, 0))
        return -1;
    if (constant->varies) {
        (void)cgv_onnx_refuse(im, n, "has a constant that depends on the picture's size");
        return -1;
    }
    if (constant->count == 1 && constant->rank <= x->view.rank)
        return 1;
    bool fits = constant->rank <= x->view.rank;
    for (int i = 0; fits && i < constant->rank; i++) {
        int axis = x->view.rank - constant->rank + i; // broadcasting aligns the last axes
        fits = constant->shape[i] == 1 || cgv_onnx_axis(im, x, axis) == 1;
    }
    if (!fits) {
        (void)cgv_onnx_refuse(im, n, "has a constant that differs from pixel to pixel");
        return -1;
    }
    return (int)constant->count;
}

// ---- two operands ----

static const struct {
    const char *op;
    cgv_binary binary;
} binaries[] = {
    {"Add", CGV_BINARY_ADD}, {"Sum", CGV_BINARY_ADD}, {"Sub", CGV_BINARY_SUB},
    {"Mul", CGV_BINARY_MUL}, {"Div", CGV_BINARY_DIV}, {"Max", CGV_BINARY_MAX},
    {"Min", CGV_BINARY_MIN}, {"Pow", CGV_BINARY_POW},
};

static cgv_binary binary_of(const char *op) {
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (!strcmp(binaries[i].op, op))
            return binaries[i].binary;
    return CGV_BINARY_NONE;
}

static bool same_size(const onnx_import *im, int a, int b) {
    for (int lane = 0; lane < ONNX_LANES; lane++) {
        cgv_size s = im->sizes[lane][a], t = im->sizes[lane][b];
        if (s.h != t.h || s.w != t.w)
            return false;
    }
    return im->net->nodes[a].channels == im->net->nodes[b].channels;
}

static cgv_status two_pictures(onnx_import *im, const onnx_node *n, cgv_binary binary,
                               onnx_value *a, onnx_value *b, onnx_value *y) {
    bool alike = cgv_onnx_same_view(a, b) && cgv_onnx_is_turned(im, a) && cgv_onnx_is_turned(im, b);
    if (!alike)
        if (cgv_onnx_plain(im, n, a) < 0 || cgv_onnx_plain(im, n, b) < 0)
            return CGV_ERROR_UNSUPPORTED;
    int node = binary == CGV_BINARY_ADD && same_size(im, a->node, b->node)
                   ? cgv_net_add(im->net, a->node, b->node)
                   : cgv_net_binary(im->net, binary, a->node, b->node);
    cgv_status status = made(im, y, node, a);
    if (!status && !alike) // one of the two may lack axes, the result does not
        cgv_onnx_picture(im, y, node);
    return status;
}

// x * scale + shift for the operations that are such; false: it is another.
static bool as_affine(cgv_binary binary, bool constant_first, double c, double *scale,
                      double *shift) {
    *scale = 1;
    *shift = 0;
    if (binary == CGV_BINARY_ADD)
        *shift = c;
    else if (binary == CGV_BINARY_SUB && constant_first)
        *shift = c, *scale = -1;
    else if (binary == CGV_BINARY_SUB)
        *shift = -c;
    else if (binary == CGV_BINARY_MUL)
        *scale = c;
    else if (binary == CGV_BINARY_DIV && !constant_first)
        *scale = 1 / c;
    else
        return false;
    return true;
}

static bool fold(onnx_import *im, const onnx_node *n, cgv_binary binary, onnx_value *x,
                 const onnx_value *constant, bool constant_first) {
    int channels = im->net->nodes[x->node].channels;
    bool affine = true;
    if (!x->alone || (constant->count != 1 && constant->count != (size_t)channels))
        return false;
    double *scale = cgv_onnx_allocate(im, 2 * (size_t)channels, sizeof *scale);
    for (int c = 0; scale && affine && c < channels; c++)
        affine = as_affine(binary, constant_first, constant->data[constant->count == 1 ? 0 : c],
                           &scale[c], &scale[channels + c]);
    bool folded = scale && affine && cgv_onnx_fold_affine(im, n, x, scale, scale + channels);
    free(scale);
    return folded;
}

static cgv_status with_constant(onnx_import *im, const onnx_node *n, cgv_binary binary,
                                onnx_value *x, onnx_value *constant, bool constant_first,
                                onnx_value *y) {
    int count = cgv_onnx_channel_constant(im, n, x, constant);
    if (count < 0)
        return CGV_ERROR_UNSUPPORTED;
    if (fold(im, n, binary, x, constant, constant_first)) {
        y->kind = ONNX_PICTURE;
        y->node = x->node;
        y->view = x->view;
        y->alone = y->readers == 1;
        return CGV_OK;
    }
    char name[32];
    int node = cgv_net_binary_constant(im->net, binary, x->node, cgv_onnx_layer(name, n), count,
                                       constant_first);
    bool wider =
        !im->net->status && im->net->nodes[node].channels != im->net->nodes[x->node].channels;
    cgv_status status = wider ? made(im, y, node, x) : made_alike(im, y, node, x);
    for (int i = 0; i < count && !status; i++)
        cgv_onnx_param(im, im->net->nodes[node].weight)[i] = (float)constant->data[i];
    return status;
}

cgv_status cgv_onnx_binary(onnx_import *im, const onnx_node *n) {
    onnx_value *a = cgv_onnx_input(im, n, 0), *b = cgv_onnx_input(im, n, 1);
    onnx_value *y = cgv_onnx_output(im, n, 0);
    cgv_binary binary = binary_of(n->op);
    if (!a || !b || !y)
        return lacking(im, n);
    if (both_constant(a, b))
        return cgv_onnx_fold_binary(im, n);
    if (n->proto->n_input > 2 || binary == CGV_BINARY_NONE)
        return cgv_onnx_refuse(im, n, "of a picture is not an operation that cgvideo knows");
    if (a->kind == ONNX_PICTURE && b->kind == ONNX_PICTURE)
        return two_pictures(im, n, binary, a, b, y);
    bool first = a->kind == ONNX_CONSTANT;
    return with_constant(im, n, binary, first ? b : a, first ? a : b, first, y);
}

cgv_status cgv_onnx_prelu(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *slope = cgv_onnx_input(im, n, 1);
    onnx_value *y = cgv_onnx_output(im, n, 0);
    if (!x || !slope || !y)
        return lacking(im, n);
    if (x->kind != ONNX_PICTURE || slope->kind != ONNX_CONSTANT)
        return cgv_onnx_refuse(im, n, "has no constant slope");
    if (!cgv_onnx_numbers(im, slope, 0))
        return CGV_ERROR_UNSUPPORTED;
    if (slope->count == 1)
        return made_alike(
            im, y, cgv_net_activation(im->net, x->node, CGV_ACT_LEAKY_RELU, (float)slope->data[0]),
            x);
    x->alone = false;
    return with_constant(im, n, CGV_BINARY_PRELU, x, slope, false, y);
}

// ---- one operand ----

cgv_status cgv_onnx_clip(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    double ends[2] = {(double)cgv_onnx_float(n, "min", -FLT_MAX),
                      (double)cgv_onnx_float(n, "max", FLT_MAX)};
    if (!x || !y)
        return lacking(im, n);
    for (size_t i = 0; i < 2; i++) {
        onnx_value *end = cgv_onnx_input(im, n, i + 1);
        const double *number =
            end && end->kind == ONNX_CONSTANT ? cgv_onnx_numbers(im, end, 0) : NULL;
        if (end && (!number || end->count != 1 || end->varies))
            return cgv_onnx_refuse(im, n, "has ends that are no constants");
        if (end)
            ends[i] = number[0];
    }
    if (x->kind != ONNX_PICTURE)
        return cgv_onnx_refuse(im, n, "of a constant is not an operation that cgvideo knows");
    bool relu = ends[0] == 0 && ends[1] >= (double)FLT_MAX;
    float low = (float)fmax(ends[0], -FLT_MAX), high = (float)fmin(ends[1], FLT_MAX);
    return made_alike(im, y,
                      relu ? cgv_net_activation(im->net, x->node, CGV_ACT_RELU, 0)
                           : cgv_net_function(im->net, x->node, CGV_FUNCTION_CLIP, low, high),
                      x);
}

static int minus_or_over(onnx_import *im, const onnx_node *n, int x) {
    char name[32];
    bool minus = !strcmp(n->op, "Neg");
    int node = cgv_net_binary_constant(im->net, minus ? CGV_BINARY_MUL : CGV_BINARY_DIV, x,
                                       cgv_onnx_layer(name, n), 1, !minus);
    if (!cgv_onnx_added(im, node))
        cgv_onnx_param(im, im->net->nodes[node].weight)[0] = minus ? -1 : 1;
    return node;
}

cgv_status cgv_onnx_unary(onnx_import *im, const onnx_node *n) {
    static const struct {
        const char *op;
        cgv_activation activation;
    } activations[] = {
        {"Relu", CGV_ACT_RELU}, {"Tanh", CGV_ACT_TANH}, {"Sigmoid", CGV_ACT_SIGMOID}};
    static const struct {
        const char *op;
        cgv_function function;
        const char *p, *q; // attributes
        float default_p, default_q;
    } functions[] = {
        {"Elu", CGV_FUNCTION_ELU, "alpha", "", 1, 0},
        {"HardSigmoid", CGV_FUNCTION_HARD_SIGMOID, "alpha", "beta", 0.2f, 0.5f},
        {"HardSwish", CGV_FUNCTION_HARD_SWISH, "", "", 0, 0},
        {"Softplus", CGV_FUNCTION_SOFTPLUS, "", "", 0, 0},
        {"Exp", CGV_FUNCTION_EXP, "", "", 0, 0},
        {"Abs", CGV_FUNCTION_ABS, "", "", 0, 0},
        {"Sqrt", CGV_FUNCTION_SQRT, "", "", 0, 0},
    };
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    if (!x || !y)
        return lacking(im, n);
    if (x->kind == ONNX_CONSTANT)
        return cgv_onnx_fold_unary(im, n);
    int node = -1;
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (!strcmp(activations[i].op, n->op))
            node = cgv_net_activation(im->net, x->node, activations[i].activation, 0);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!strcmp(functions[i].op, n->op))
            node = cgv_net_function(im->net, x->node, functions[i].function,
                                    cgv_onnx_float(n, functions[i].p, functions[i].default_p),
                                    cgv_onnx_float(n, functions[i].q, functions[i].default_q));
    if (!strcmp(n->op, "LeakyRelu"))
        node = cgv_net_activation(im->net, x->node, CGV_ACT_LEAKY_RELU,
                                  cgv_onnx_float(n, "alpha", 0.01f));
    if (!strcmp(n->op, "Neg") || !strcmp(n->op, "Reciprocal"))
        node = minus_or_over(im, n, x->node);
    if (node < 0)
        return cgv_onnx_refuse(im, n, "of a picture is not an operation that cgvideo knows");
    return made_alike(im, y, node, x);
}
