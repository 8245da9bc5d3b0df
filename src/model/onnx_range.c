// What the numbers of a graph's pictures mean.
//
// Of the output: where a bounded function is followed by nothing but scales and offsets, its ends
// say it. Of the input: scales and offsets before the first convolution undo what the numbers were.
// A net with instance norms that ends in a plain convolution is a style network, which have taken
// and given bytes since Johnson et al. 2016. What neither says is taken from the other; and without
// any sign it is [-1, 1], as of GANs.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/float32.h"
#include "model/onnx_internal.h"

static const onnx_range signed_unit = {-1, 1, true}, unit = {0, 1, true}, bytes = {0, 255, true};

// "0,255", as metadata and options have it.
static bool parse_range(onnx_range *out, const char *text) {
    float32 low, high;
    int end = 0;
    if (sscanf(text, "%15f,%15f%n", &low, &high, &end) != 2 || text[end] || !(low < high) ||
        !isfinite(low) || !isfinite(high))
        return false;
    *out = (onnx_range){low, high, true};
    return true;
}

static void from_metadata(onnx_meaning *out, const Cgv__Onnx__Model *model) {
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const char *key = model->metadata_props[i]->key, *value = model->metadata_props[i]->value;
        if (!key || !value)
            continue;
        if (!strcmp(key, "input_range"))
            (void)parse_range(&out->in, value);
        else if (!strcmp(key, "output_range"))
            (void)parse_range(&out->out, value);
        else if (!strcmp(key, "channel_order"))
            out->bgr = !strcmp(value, "bgr");
    }
}

// Which of the three an interval stands for.
static onnx_range nearest(double low, double high) {
    if (high - low > 100 && high < 1000 && low > -500)
        return bytes;
    if (fabs(low + 1) < 0.3 && fabs(high - 1) < 0.3)
        return signed_unit;
    if (fabs(low) < 0.3 && fabs(high - 1) < 0.3)
        return unit;
    return (onnx_range){0};
}

// The mean of a constant operand: in each of three channels it says the same about the range.
static double mean_of(const onnx_import *im, int param) {
    const cgv_param *p = &im->net->params[param];
    const float *numbers = im->params + p->offset;
    double sum = 0;
    for (size_t i = 0; i < p->count; i++)
        sum += (double)numbers[i];
    return sum / (double)p->count;
}

// A node that does x * scale + offset with constants.
static bool is_affine(const onnx_import *im, const cgv_node *n, double *scale, double *offset) {
    *scale = 1;
    *offset = 0;
    if (n->op != CGV_OP_ELEMENTWISE || n->function || n->weight < 0)
        return false;
    double c = mean_of(im, n->weight);
    switch (n->binary) {
    case CGV_BINARY_ADD:
        *offset = c;
        return true;
    case CGV_BINARY_SUB:
        *scale = n->constant_first ? -1 : 1;
        *offset = n->constant_first ? c : -c;
        return true;
    case CGV_BINARY_MUL:
        *scale = c;
        return true;
    case CGV_BINARY_DIV:
        *scale = 1 / c;
        return !n->constant_first;
    default:
        return false;
    }
}

// Operations that move numbers about and do not change them.
static bool keeps_numbers(const cgv_node *n) {
    return n->op == CGV_OP_PAD || n->op == CGV_OP_REARRANGE || n->op == CGV_OP_UPSAMPLE ||
           n->op == CGV_OP_RESIZE;
}

static bool is_bounded(const cgv_node *n, double *low, double *high) {
    bool sigmoid = n->op == CGV_OP_ACTIVATION ? n->activation == CGV_ACT_SIGMOID
                                              : n->op == CGV_OP_ELEMENTWISE && !n->binary &&
                                                    n->function == CGV_FUNCTION_HARD_SIGMOID;
    bool tanh = n->op == CGV_OP_ACTIVATION && n->activation == CGV_ACT_TANH;
    bool clip = n->op == CGV_OP_ELEMENTWISE && !n->binary && n->function == CGV_FUNCTION_CLIP;
    *low = tanh ? -1 : clip ? (double)n->p : 0;
    *high = clip ? (double)n->q : 1;
    return sigmoid || tanh || clip;
}

static onnx_range infer_output(const onnx_import *im, int last) {
    double scale = 1, offset = 0, s, o, low, high;
    int i = last;
    for (; i > 0; i = im->net->nodes[i].input[0]) {
        const cgv_node *n = &im->net->nodes[i];
        if (is_bounded(n, &low, &high))
            break;
        if (is_affine(im, n, &s, &o)) {
            offset += scale * o;
            scale *= s;
        } else if (!keeps_numbers(n)) {
            break;
        }
    }
    const cgv_node *n = &im->net->nodes[i];
    if (i > 0 && is_bounded(n, &low, &high)) {
        double a = low * scale + offset, b = high * scale + offset;
        return nearest(fmin(a, b), fmax(a, b));
    }
    bool norms = false;
    for (int k = 1; k < im->net->node_count; k++)
        norms = norms || im->net->nodes[k].op == CGV_OP_INSTANCE_NORM;
    return norms && i > 0 && (n->op == CGV_OP_CONV || n->op == CGV_OP_WINDOW_CONV)
               ? bytes
               : (onnx_range){0};
}

// Numbers that become about [-1, 1] (or of that size, about 0) were those that 0 and 1 come from.
static onnx_range infer_input(const onnx_import *im, bool *bgr) {
    double scale = 1, offset = 0, s, o;
    bool any = false;
    for (int i = cgv_net_only_reader(im->net, 1); i > 0; i = cgv_net_only_reader(im->net, i)) {
        const cgv_node *n = &im->net->nodes[i];
        if (is_affine(im, n, &s, &o)) {
            scale *= s;
            offset = offset * s + o;
            any = true;
            // The means of ImageNet in the order of Caffe: blue first.
            const cgv_param *p = &im->net->params[n->weight];
            const float *c = im->params + p->offset;
            if (p->count == 3 && fabsf(fabsf(c[0]) - 103.9f) < 1 && fabsf(fabsf(c[2]) - 123.7f) < 1)
                *bgr = true;
        } else if (!keeps_numbers(n)) {
            break;
        }
    }
    if (!any || scale == 0)
        return (onnx_range){0};
    if (fabs(offset / scale) > 50 || fabs(1 / scale) > 50)
        return bytes; // minus a mean of about 110, or divided by 127.5 or 255
    if (offset / scale > 0.7 && offset / scale < 1.3)
        return signed_unit; // (x + 1) / 2
    return offset / scale < -0.3 && offset / scale > -0.7 ? unit : (onnx_range){0};
}

void cgv_onnx_infer(onnx_meaning *out, const onnx_import *im, const Cgv__Onnx__Model *model,
                    int last) {
    *out = (onnx_meaning){0};
    onnx_range in = infer_input(im, &out->bgr), result = infer_output(im, last);
    from_metadata(out, model);
    if (!out->out.known)
        out->out = result.known ? result : in.known ? in : signed_unit;
    if (!out->in.known)
        out->in = in.known ? in : out->out;
}
