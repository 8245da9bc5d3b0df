#include "reference_net.h"

#include "reference_graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

float *ref_random_params(const cgv_net *net, cgv_rng *rng) {
    float *params = calloc(net->param_floats + 1, sizeof *params);
    for (int i = 0; params && i < net->param_count; i++) {
        const cgv_param *param = &net->params[i];
        size_t fan_in = param->dims == 4 ? param->count / (size_t)param->shape[0] : 0;
        bool scale = param->dims == 1 && strstr(param->name, ".weight");
        for (size_t k = 0; k < param->count; k++) {
            float normal = cgv_rng_normal(rng);
            params[param->offset + k] = fan_in  ? normal / sqrtf((float)fan_in)
                                        : scale ? 1 + 0.2f * normal
                                                : 0.2f * normal;
        }
    }
    return params;
}

static const double *param(const ref_evaluation *e, int index) {
    return index < 0 ? NULL : e->params + e->net->params[index].offset;
}

ref_shape ref_evaluation_shape(const ref_evaluation *e, int node) {
    return (ref_shape){e->n, e->net->nodes[node].channels, e->sizes[node].h, e->sizes[node].w};
}

static void norm(const ref_evaluation *e, int index, const double *x, ref_shape in) {
    const cgv_node *node = &e->net->nodes[index];
    ref_instance_stats(e->stats, x, in, (double)node->epsilon);
    ref_instance_norm(
        e->values[index], x, in, e->stats,
        &(ref_norm_params){.scale = param(e, node->weight), .shift = param(e, node->bias)});
}

static void graph_op(const ref_evaluation *e, int index, const double *a, ref_shape in,
                     const double *b) {
    const cgv_node *node = &e->net->nodes[index];
    ref_shape out = ref_evaluation_shape(e, index), other = {1, 1, 1, 1};
    double *y = e->values[index];
    cgv_elementwise_params element = {node->binary, node->function, node->p, node->q};
    if (b)
        other = ref_evaluation_shape(e, node->input[1]);
    if (node->op == CGV_OP_ELEMENTWISE && node->weight >= 0) {
        b = param(e, node->weight);
        other.c = (int)e->net->params[node->weight].count;
    }
    switch (node->op) {
    case CGV_OP_WINDOW_CONV:
        ref_window_conv(y, out, a, in, param(e, node->weight), param(e, node->bias),
                        &(cgv_window_conv_params){node->window, node->groups, node->transposed});
        break;
    case CGV_OP_POOL:
        ref_pool(y, out, a, in, node->pool, &node->window);
        break;
    case CGV_OP_ELEMENTWISE:
        if (node->constant_first)
            ref_elementwise(y, out, b, other, a, in, &element);
        else
            ref_elementwise(y, out, a, in, b, other, &element);
        break;
    case CGV_OP_PAD:
        ref_pad(y, out, a, in, &node->margin);
        break;
    case CGV_OP_REARRANGE:
        ref_rearrange(y, out, a, in, node->rearrangement, node->factor);
        break;
    default:
        ref_resize(
            y, out, a, in,
            &(cgv_resize_params){node->centres, node->nearest, {node->scale[0], node->scale[1]}});
    }
}

static void evaluate(const ref_evaluation *e, int index) {
    const cgv_node *node = &e->net->nodes[index];
    ref_shape out = ref_evaluation_shape(e, index), in = ref_evaluation_shape(e, node->input[0]);
    const double *a = e->values[node->input[0]];
    const double *b = node->input[1] >= 0 ? e->values[node->input[1]] : NULL;
    double *y = e->values[index];
    cgv_conv_params conv = {.cin = in.c,
                            .cout = node->channels,
                            .kernel = node->kernel,
                            .stride = node->stride,
                            .pad = node->pad,
                            .output_pad = node->output_pad,
                            .groups = node->groups,
                            .pad_mode = node->pad_mode,
                            .transposed = node->op == CGV_OP_CONV_TRANSPOSE};
    switch (node->op) {
    case CGV_OP_INPUT:
        break;
    case CGV_OP_CONV:
    case CGV_OP_CONV_TRANSPOSE:
        ref_conv(y, a, in, param(e, node->weight), param(e, node->bias), &conv);
        break;
    case CGV_OP_INSTANCE_NORM:
        norm(e, index, a, in);
        break;
    case CGV_OP_ACTIVATION:
        for (size_t i = 0; i < ref_count(out); i++)
            y[i] = ref_activate(a[i], node->activation, (double)node->slope);
        break;
    case CGV_OP_ADD:
        for (size_t i = 0; i < ref_count(out); i++)
            y[i] = a[i] + b[i];
        break;
    case CGV_OP_UPSAMPLE:
        ref_upsample(y, a, in, node->factor, node->upsample);
        break;
    case CGV_OP_AVERAGE_POOL:
        ref_average_pool(y, a, in, node->factor);
        break;
    case CGV_OP_AFFINE_HEAD:
        ref_affine_head(y, a, b, out);
        break;
    case CGV_OP_CONCAT:
    case CGV_OP_JOIN:
        for (int n = 0; n < in.n; n++) {
            size_t first = ref_count(in) / (size_t)in.n, all = ref_count(out) / (size_t)in.n;
            memcpy(y + (size_t)n * all, a + (size_t)n * first, first * sizeof *y);
            memcpy(y + (size_t)n * all + first, b + (size_t)n * (all - first),
                   (all - first) * sizeof *y);
        }
        break;
    case CGV_OP_COORD:
        ref_coord(y, a, in);
        break;
    case CGV_OP_BILATERAL_SLICE:
        ref_bilateral_slice(y, a, in, b, out);
        break;
    case CGV_OP_WINDOW_CONV:
    case CGV_OP_POOL:
    case CGV_OP_ELEMENTWISE:
    case CGV_OP_PAD:
    case CGV_OP_REARRANGE:
    case CGV_OP_RESIZE:
        graph_op(e, index, a, in, b);
        break;
    }
}

bool ref_evaluation_create(ref_evaluation *e, const cgv_net *net, const float *params,
                           const float *x, ref_shape shape) {
    size_t nodes = (size_t)net->node_count, planes = 0;
    *e = (ref_evaluation){.net = net, .n = shape.n};
    e->sizes = calloc(nodes, sizeof *e->sizes);
    e->params = malloc((net->param_floats + 1) * sizeof *e->params);
    e->values = calloc(nodes, sizeof *e->values);
    if (!e->sizes || !e->params || !e->values || cgv_net_shapes(net, shape.h, shape.w, e->sizes))
        goto fail;
    for (int i = 0; i < net->node_count; i++) {
        ref_shape s = ref_evaluation_shape(e, i);
        planes = (size_t)s.n * (size_t)s.c > planes ? (size_t)s.n * (size_t)s.c : planes;
        e->values[i] = malloc(ref_count(s) * sizeof **e->values);
        if (!e->values[i])
            goto fail;
    }
    e->stats = malloc(2 * planes * sizeof *e->stats);
    if (!e->stats)
        goto fail;
    for (size_t i = 0; i < net->param_floats; i++)
        e->params[i] = params[i];
    for (size_t i = 0; x && i < ref_count(shape); i++)
        e->values[0][i] = x[i];
    return true;
fail:
    ref_evaluation_destroy(e);
    return false;
}

void ref_evaluation_destroy(ref_evaluation *e) {
    for (int i = 0; e->values && i < e->net->node_count; i++)
        free(e->values[i]);
    free(e->values);
    free(e->stats);
    free(e->params);
    free(e->sizes);
    *e = (ref_evaluation){0};
}

const double *ref_evaluate(const ref_evaluation *e, int from) {
    for (int i = from; i < e->net->node_count; i++)
        evaluate(e, i);
    return e->values[e->net->node_count - 1];
}

float *ref_net(const cgv_net *net, const float *params, const float *x, ref_shape shape,
               ref_shape *out) {
    ref_evaluation e;
    if (!ref_evaluation_create(&e, net, params, x, shape))
        return NULL;
    *out = ref_evaluation_shape(&e, net->node_count - 1);
    float *result = malloc(ref_count(*out) * sizeof *result);
    const double *y = ref_evaluate(&e, 1);
    for (size_t i = 0; result && i < ref_count(*out); i++)
        result[i] = (float)y[i];
    ref_evaluation_destroy(&e);
    return result;
}
