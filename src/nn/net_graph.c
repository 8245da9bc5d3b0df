#include "nn/net_graph.h"

#include "base/log.h"
#include "nn/net_internal.h"

static int channels_of(const cgv_net *net, int x) {
    return net->nodes[x].channels;
}

static const char *check_window(const cgv_window *w, bool whole_allowed) {
    for (int axis = 0; axis < 2; axis++) {
        if (w->kernel[axis] < (whole_allowed ? 0 : 1) || w->kernel[axis] > CGV_NET_MAX_KERNEL)
            return "the kernel size is out of range";
        if (w->stride[axis] < 1 || w->stride[axis] > CGV_NET_MAX_KERNEL)
            return "the stride is out of range";
        if (w->dilation[axis] < 1 || w->dilation[axis] > CGV_NET_MAX_KERNEL)
            return "the dilation is out of range";
    }
    for (int side = 0; side < 4; side++)
        if (w->pad[side] < 0 || w->pad[side] > 64 * CGV_NET_MAX_KERNEL)
            return "the padding is out of range";
    return NULL;
}

int cgv_net_window_conv(cgv_net *net, int x, const char *name, const cgv_window_conv_desc *desc) {
    if (net->status)
        return 0;
    int cin = channels_of(net, x), cout = desc->channels, groups = desc->groups;
    const char *wrong = check_window(&desc->window, false);
    if (wrong)
        return cgv_net_refuse(net, name, wrong);
    if (cout < 1 || cout > CGV_NET_MAX_CHANNELS)
        return cgv_net_refuse(net, name, "the number of channels is out of range");
    if (groups < 1 || cin % groups || cout % groups)
        return cgv_net_refuse(net, name, "the groups do not divide the channels");
    for (int axis = 0; axis < 2; axis++)
        if (desc->output_pad[axis] < 0 || desc->output_pad[axis] > CGV_NET_MAX_KERNEL)
            return cgv_net_refuse(net, name, "the output padding is out of range");
    int64_t shape[4] = {desc->transposed ? cin : cout, (desc->transposed ? cout : cin) / groups,
                        desc->window.kernel[0], desc->window.kernel[1]};
    cgv_node node = {.op = CGV_OP_WINDOW_CONV,
                     .input = {x, -1},
                     .channels = cout,
                     .weight = cgv_net_add_param(net, name, "weight", 4, shape),
                     .bias = -1,
                     .groups = groups,
                     .transposed = desc->transposed,
                     .window = desc->window,
                     .window_output_pad = {desc->output_pad[0], desc->output_pad[1]}};
    if (!net->status && !desc->no_bias)
        node.bias = cgv_net_add_param(net, name, "bias", 1, &(int64_t){cout});
    return net->status ? 0 : cgv_net_add_node(net, &node);
}

void cgv_net_add_bias(cgv_net *net, int node, const char *name) {
    int64_t channels = channels_of(net, node);
    if (!net->status)
        net->nodes[node].bias = cgv_net_add_param(net, name, "bias", 1, &channels);
}

static int add_unary(cgv_net *net, int x, cgv_node node) {
    node.input[0] = x;
    node.input[1] = node.weight = node.bias = -1;
    if (!node.channels)
        node.channels = channels_of(net, x);
    return cgv_net_add_node(net, &node);
}

int cgv_net_pool(cgv_net *net, int x, cgv_pooling pool, const cgv_window *window, bool ceil) {
    if (net->status)
        return 0;
    const char *wrong = check_window(window, true);
    for (int side = 0; side < 4 && !wrong; side++)
        if (window->pad[side] && window->pad[side] >= window->kernel[side % 2])
            wrong = "a padding as large as the kernel";
    if (wrong)
        return cgv_net_refuse(net, "pooling", wrong);
    return add_unary(net, x,
                     (cgv_node){.op = CGV_OP_POOL, .pool = pool, .window = *window, .ceil = ceil});
}

int cgv_net_function(cgv_net *net, int x, cgv_function function, float p, float q) {
    if (net->status)
        return 0;
    return add_unary(net, x,
                     (cgv_node){.op = CGV_OP_ELEMENTWISE, .function = function, .p = p, .q = q});
}

int cgv_net_binary(cgv_net *net, cgv_binary binary, int a, int b) {
    if (net->status)
        return 0;
    int ca = channels_of(net, a), cb = channels_of(net, b);
    if (ca != cb && ca != 1 && cb != 1)
        return cgv_net_refuse(net, "element by element", "the channels of the two inputs differ");
    cgv_node node = {.op = CGV_OP_ELEMENTWISE,
                     .input = {a, b},
                     .channels = ca > cb ? ca : cb,
                     .weight = -1,
                     .bias = -1,
                     .binary = binary};
    return cgv_net_add_node(net, &node);
}

int cgv_net_binary_constant(cgv_net *net, cgv_binary binary, int x, const char *name, int count,
                            bool constant_first) {
    if (net->status)
        return 0;
    int channels = channels_of(net, x);
    if (count < 1 || count > CGV_NET_MAX_CHANNELS ||
        (count != 1 && channels != 1 && count != channels))
        return cgv_net_refuse(net, name, "the constants do not fit the channels");
    cgv_node node = {.op = CGV_OP_ELEMENTWISE,
                     .input = {x, -1},
                     .channels = count > channels ? count : channels,
                     .weight = cgv_net_add_param(net, name, "weight", 1, &(int64_t){count}),
                     .bias = -1,
                     .binary = binary,
                     .constant_first = constant_first};
    return net->status ? 0 : cgv_net_add_node(net, &node);
}

int cgv_net_pad(cgv_net *net, int x, const cgv_margin *margin) {
    if (net->status)
        return 0;
    for (int axis = 0; axis < 3; axis++)
        if (margin->before[axis] < -CGV_NET_MAX_SIDE || margin->before[axis] > CGV_NET_MAX_SIDE ||
            margin->after[axis] < -CGV_NET_MAX_SIDE || margin->after[axis] > CGV_NET_MAX_SIDE)
            return cgv_net_refuse(net, "padding", "the margin is out of range");
    int channels = channels_of(net, x) + margin->before[0] + margin->after[0];
    if (channels < 1 || channels > CGV_NET_MAX_CHANNELS)
        return cgv_net_refuse(net, "padding", "the number of channels is out of range");
    return add_unary(net, x, (cgv_node){.op = CGV_OP_PAD, .channels = channels, .margin = *margin});
}

int cgv_net_rearrange(cgv_net *net, int x, cgv_rearrangement how, int factor) {
    if (net->status)
        return 0;
    bool spread = how == CGV_DEPTH_TO_SPACE || how == CGV_PIXEL_SHUFFLE;
    int channels = channels_of(net, x);
    if (factor < 1 || factor > CGV_NET_MAX_KERNEL)
        return cgv_net_refuse(net, "depth and space", "the block size is out of range");
    int places = factor * factor;
    if (spread ? channels % places : channels > CGV_NET_MAX_CHANNELS / places)
        return cgv_net_refuse(net, "depth and space", "the blocks do not fit the channels");
    return add_unary(net, x,
                     (cgv_node){.op = CGV_OP_REARRANGE,
                                .channels = spread ? channels / places : channels * places,
                                .rearrangement = how,
                                .factor = factor});
}

int cgv_net_resize(cgv_net *net, int x, const cgv_resize_desc *desc) {
    if (net->status)
        return 0;
    for (int axis = 0; axis < 2; axis++)
        if (desc->like < 0 && !(desc->scale[axis] > 1e-3f && desc->scale[axis] < 1e3f))
            return cgv_net_refuse(net, "resizing", "the scale is out of range");
    return add_unary(net, x,
                     (cgv_node){.op = CGV_OP_RESIZE,
                                .centres = desc->centres,
                                .nearest = desc->nearest,
                                .scale = {desc->scale[0], desc->scale[1]},
                                .like = desc->like});
}

// ---- shapes ----

static int64_t window_span(const cgv_node *n, int axis) {
    return (int64_t)n->window.dilation[axis] * (n->window.kernel[axis] - 1) + 1;
}

static int64_t window_side(const cgv_node *n, int axis, int64_t side) {
    int64_t pads = n->window.pad[axis] + n->window.pad[axis + 2], stride = n->window.stride[axis];
    if (n->transposed)
        return (side - 1) * stride - pads + window_span(n, axis) + n->window_output_pad[axis];
    if (!n->window.kernel[axis])
        return 1;
    int64_t rest = side + pads - window_span(n, axis);
    if (rest < 0)
        return 0;
    int64_t count = (n->ceil ? (rest + stride - 1) / stride : rest / stride) + 1;
    // The last window of a pool begins in the picture or the padding before it.
    return n->ceil && (count - 1) * stride >= side + n->window.pad[axis] ? count - 1 : count;
}

static int64_t resized_side(const cgv_node *n, int axis, int64_t side) {
    return (int64_t)((double)side * (double)n->scale[axis] + 1e-4); // 0.3333333 of 6 is 2
}

static int64_t margin_side(const cgv_node *n, int axis, int64_t side) {
    int before = n->margin.before[axis], after = n->margin.after[axis];
    if (n->margin.mode == CGV_PAD_REFLECT && (before >= side || after >= side))
        return 0;
    return side + before + after;
}

static int64_t side_of(const cgv_node *n, int axis, int64_t side) {
    bool spread = n->rearrangement == CGV_DEPTH_TO_SPACE || n->rearrangement == CGV_PIXEL_SHUFFLE;
    switch (n->op) {
    case CGV_OP_WINDOW_CONV:
    case CGV_OP_POOL:
        return window_side(n, axis, side);
    case CGV_OP_PAD:
        return margin_side(n, axis + 1, side);
    case CGV_OP_REARRANGE:
        return spread ? side * n->factor : side % n->factor ? 0 : side / n->factor;
    case CGV_OP_RESIZE:
        return resized_side(n, axis, side);
    default:
        return side;
    }
}

// The larger of two sides that are the same, or one of them 1; 0: they do not fit.
static int together(int a, int b) {
    return a == b || b == 1 ? a : a == 1 ? b : 0;
}

cgv_status cgv_net_graph_shape(const cgv_net *net, int index, cgv_size *sizes) {
    static const char *const words[] = {
        [CGV_OP_WINDOW_CONV] = "a convolution",
        [CGV_OP_POOL] = "a pooling",
        [CGV_OP_ELEMENTWISE] = "an operation element by element",
        [CGV_OP_PAD] = "a padding",
        [CGV_OP_REARRANGE] = "depth to space",
        [CGV_OP_RESIZE] = "a resizing",
    };
    const cgv_node *n = &net->nodes[index];
    cgv_size in = sizes[n->input[0]];
    int64_t h = side_of(n, 0, in.h), w = side_of(n, 1, in.w);
    if (n->op == CGV_OP_RESIZE && n->like >= 0) {
        h = sizes[n->like].h;
        w = sizes[n->like].w;
    }
    if (n->input[1] >= 0) {
        cgv_size other = sizes[n->input[1]];
        h = together(in.h, other.h);
        w = together(in.w, other.w);
        if (!h || !w)
            return cgv_fail(CGV_ERROR_ARGUMENT, "%s: %s meets %dx%d and %dx%d", net->architecture,
                            words[n->op], in.w, in.h, other.w, other.h);
    }
    if (h < 1 || w < 1)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: an input of %dx%d does not fit: %dx%d is left at %s",
                        net->architecture, sizes[0].w, sizes[0].h, in.w, in.h, words[n->op]);
    if (h > CGV_NET_MAX_SIDE || w > CGV_NET_MAX_SIDE)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: an input of %dx%d is too large", net->architecture,
                        sizes[0].w, sizes[0].h);
    sizes[index] = (cgv_size){(int)h, (int)w};
    return CGV_OK;
}
