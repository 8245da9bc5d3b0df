// The net that a graph became, made ready: what is not read goes, and the sides it takes are found.
#include <math.h>
#include <string.h>

#include "model/onnx_internal.h"

static int64_t divisor(int64_t a, int64_t b) {
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

typedef struct fraction {
    int64_t over, under;
} fraction;

static fraction times(fraction f, int64_t over, int64_t under) {
    int64_t common;
    f.over *= over;
    f.under *= under;
    common = divisor(f.over, f.under);
    return (fraction){f.over / common, f.under / common};
}

// A scale as a fraction of small numbers; {1, 1}: it is none.
static fraction as_fraction(float scale) {
    for (int under = 1; under <= 64; under++) {
        double over = (double)scale * under;
        if (fabs(over - round(over)) < 1e-4 * under && round(over) >= 1 && over < 4096)
            return (fraction){(int64_t)round(over), under};
    }
    return (fraction){1, 1};
}

// The size of a node's tensor over that of the input, along one axis.
static fraction scale_of(const cgv_net *net, int i, const fraction *scales, int axis) {
    const cgv_node *n = &net->nodes[i];
    fraction in = scales[n->input[0]];
    bool spread = n->rearrangement == CGV_DEPTH_TO_SPACE || n->rearrangement == CGV_PIXEL_SHUFFLE;
    int stride = n->window.stride[axis];
    switch (n->op) {
    case CGV_OP_CONV:
        return times(in, 1, n->stride);
    case CGV_OP_CONV_TRANSPOSE:
        return times(in, n->stride, 1);
    case CGV_OP_UPSAMPLE:
        return times(in, n->factor, 1);
    case CGV_OP_WINDOW_CONV:
        return n->transposed ? times(in, stride, 1) : times(in, 1, stride);
    case CGV_OP_POOL:
        return times(in, 1, stride);
    case CGV_OP_REARRANGE:
        return spread ? times(in, n->factor, 1) : times(in, 1, n->factor);
    case CGV_OP_RESIZE:
        if (n->like >= 0)
            return scales[n->like];
        fraction scale = as_fraction(n->scale[axis]);
        return times(in, scale.over, scale.under);
    default:
        return in;
    }
}

cgv_status cgv_onnx_find_multiple(onnx_import *im) {
    enum { MOST = 1024 };
    cgv_net *net = im->net;
    int64_t multiple = 1;
    fraction *scales = cgv_onnx_allocate(im, (size_t)net->node_count, sizeof *scales);
    if (!scales)
        return CGV_ERROR_UNSUPPORTED;
    for (int axis = 0; axis < 2; axis++) {
        scales[0] = (fraction){1, 1};
        for (int i = 1; i < net->node_count && multiple <= MOST; i++) {
            scales[i] = scale_of(net, i, scales, axis);
            if (scales[i].under > MOST || scales[i].over > MOST) // of something else than pictures
                scales[i] = (fraction){1, 1};
            multiple = multiple / divisor(multiple, scales[i].under) * scales[i].under;
        }
    }
    free(scales);
    if (multiple > MOST)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: unsupported: it needs pictures whose sides are multiples of %lld",
                        im->where, (long long)multiple);
    net->multiple = (int)multiple;
    return CGV_OK;
}

// Mark with 1 the nodes that the last one comes from, and their parameters.
static void mark_used(const cgv_net *net, int *nodes, int *params) {
    nodes[0] = nodes[net->node_count - 1] = 1;
    for (int i = net->node_count - 1; i > 0; i--) {
        const cgv_node *n = &net->nodes[i];
        if (!nodes[i])
            continue;
        for (int k = 0; k < 2; k++)
            if (n->input[k] >= 0)
                nodes[n->input[k]] = 1;
        if (n->op == CGV_OP_RESIZE && n->like >= 0)
            nodes[n->like] = 1;
        if (n->weight >= 0)
            params[n->weight] = 1;
        if (n->bias >= 0)
            params[n->bias] = 1;
    }
}

// Move the marked ones together; what was their mark becomes their new number.
static void move_params(onnx_import *im, int *params) {
    cgv_net *net = im->net;
    size_t floats = 0;
    int count = 0;
    for (int p = 0; p < net->param_count; p++) {
        cgv_param param = net->params[p];
        if (!params[p])
            continue;
        memmove(im->params + floats, im->params + param.offset, param.count * sizeof(float));
        param.offset = floats;
        floats += (param.count + 3) / 4 * 4;
        params[p] = count;
        net->params[count++] = param;
    }
    net->param_count = count;
    net->param_floats = floats;
}

static void move_nodes(cgv_net *net, int *nodes, const int *params) {
    int count = 0;
    for (int i = 0; i < net->node_count; i++) {
        cgv_node n = net->nodes[i];
        if (!nodes[i])
            continue;
        for (int k = 0; k < 2; k++)
            n.input[k] = n.input[k] >= 0 ? nodes[n.input[k]] : -1;
        if (n.op == CGV_OP_RESIZE && n.like >= 0)
            n.like = nodes[n.like];
        n.weight = n.weight >= 0 ? params[n.weight] : -1;
        n.bias = n.bias >= 0 ? params[n.bias] : -1;
        nodes[i] = count;
        net->nodes[count++] = n;
    }
    net->node_count = count;
}

cgv_status cgv_onnx_sweep(onnx_import *im) {
    cgv_net *net = im->net;
    int *nodes = cgv_onnx_allocate(im, (size_t)net->node_count, sizeof *nodes);
    int *params =
        nodes ? cgv_onnx_allocate(im, (size_t)net->param_count + 1, sizeof *params) : NULL;
    cgv_status status = params ? CGV_OK : CGV_ERROR_UNSUPPORTED;
    if (!status) {
        mark_used(net, nodes, params);
        move_params(im, params);
        move_nodes(net, nodes, params);
    }
    free(nodes);
    free(params);
    return status;
}
