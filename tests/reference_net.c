#include "reference_net.h"

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

static const float *param(const cgv_net *net, const float *params, int index) {
    return index < 0 ? NULL : params + net->params[index].offset;
}

static bool norm(double *y, const cgv_net *net, const cgv_node *node, const float *params,
                 const float *x, ref_shape in) {
    double *stats = malloc((size_t)in.n * (size_t)in.c * 2 * sizeof *stats);
    if (!stats)
        return false;
    ref_instance_stats(stats, x, in, (double)node->epsilon);
    ref_instance_norm(y, x, in, stats,
                      &(ref_norm_params){.scale = param(net, params, node->weight),
                                         .shift = param(net, params, node->bias)});
    free(stats);
    return true;
}

static bool evaluate(double *y, ref_shape out, const cgv_net *net, const cgv_node *node,
                     const float *params, const float *a, const float *b, ref_shape in) {
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
        return false;
    case CGV_OP_CONV:
    case CGV_OP_CONV_TRANSPOSE:
        ref_conv(y, a, in, param(net, params, node->weight), param(net, params, node->bias), &conv);
        break;
    case CGV_OP_INSTANCE_NORM:
        return norm(y, net, node, params, a, in);
    case CGV_OP_ACTIVATION:
        for (size_t i = 0; i < ref_count(out); i++)
            y[i] = ref_activate(a[i], node->activation, node->slope);
        break;
    case CGV_OP_ADD:
        for (size_t i = 0; i < ref_count(out); i++)
            y[i] = (double)a[i] + b[i];
        break;
    case CGV_OP_UPSAMPLE:
        ref_upsample(y, a, in, node->factor, node->upsample);
        break;
    case CGV_OP_AFFINE_HEAD:
        ref_affine_head(y, a, b, out);
        break;
    }
    return true;
}

static ref_shape shape_of(const cgv_net *net, const cgv_size *sizes, int n, int node) {
    return (ref_shape){n, net->nodes[node].channels, sizes[node].h, sizes[node].w};
}

// Computed in double, kept as float, as tensors are.
static float *node_value(const cgv_net *net, int index, const cgv_size *sizes, int n,
                         const float *params, float *const *values) {
    const cgv_node *node = &net->nodes[index];
    ref_shape out = shape_of(net, sizes, n, index);
    ref_shape in = shape_of(net, sizes, n, node->input[0]);
    double *y = malloc(ref_count(out) * sizeof *y);
    float *value = malloc(ref_count(out) * sizeof *value);
    const float *b = node->input[1] >= 0 ? values[node->input[1]] : NULL;
    if (!y || !value || !evaluate(y, out, net, node, params, values[node->input[0]], b, in)) {
        free(value);
        value = NULL;
    }
    for (size_t i = 0; value && i < ref_count(out); i++)
        value[i] = (float)y[i];
    free(y);
    return value;
}

float *ref_net(const cgv_net *net, const float *params, const float *x, ref_shape shape,
               ref_shape *out) {
    cgv_size *sizes = calloc((size_t)net->node_count, sizeof *sizes);
    float **values = calloc((size_t)net->node_count, sizeof *values);
    float *result = NULL;
    int last = net->node_count - 1;
    if (!sizes || !values || cgv_net_shapes(net, shape.h, shape.w, sizes))
        goto done;
    values[0] = malloc(ref_count(shape) * sizeof **values);
    if (values[0])
        memcpy(values[0], x, ref_count(shape) * sizeof *x);
    for (int i = 1; i < net->node_count && values[i - 1]; i++)
        values[i] = node_value(net, i, sizes, shape.n, params, values);
    *out = shape_of(net, sizes, shape.n, last);
    result = values[last];
    values[last] = NULL;
done:
    for (int i = 0; values && i < net->node_count; i++)
        free(values[i]);
    free(values);
    free(sizes);
    return result;
}
