#include "nn/tiling.h"

#include <stdlib.h>

#include "base/log.h"

static cgv_status out_of_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "cutting the network: out of memory");
}

// ---- parts ----

cgv_status cgv_net_part(cgv_net *out, const cgv_net *net, int first, int last) {
    *out = *net;
    out->node_count = out->node_capacity = last - first + 1;
    out->nodes = calloc((size_t)out->node_count, sizeof *out->nodes);
    if (!out->nodes)
        return out_of_memory();
    out->multiple = 1; // what the whole net asked for, its input had
    out->input_channels = net->nodes[first].channels;
    out->nodes[0] = (cgv_node){.op = CGV_OP_INPUT,
                               .input = {-1, -1},
                               .channels = out->input_channels,
                               .weight = -1,
                               .bias = -1};
    for (int i = 1; i < out->node_count; i++) {
        cgv_node *node = &out->nodes[i];
        *node = net->nodes[first + i];
        for (int k = 0; k < 2; k++)
            node->input[k] -= node->input[k] >= 0 ? first : 0;
        if (node->op == CGV_OP_RESIZE && node->like >= 0)
            node->like -= first;
    }
    return CGV_OK;
}

void cgv_net_part_destroy(cgv_net *part) {
    free(part->nodes);
    *part = (cgv_net){0};
}

// ---- cuts ----

static int64_t area(cgv_size size) {
    return (int64_t)size.h * size.w;
}

// Does a node read what is before node i?
static bool reads_before(const cgv_node *node, int i) {
    for (int k = 0; k < 2; k++)
        if (node->input[k] >= 0 && node->input[k] < i)
            return true;
    return node->op == CGV_OP_RESIZE && node->like >= 0 && node->like < i;
}

static bool is_cut(const cgv_net *net, int i) {
    for (int j = i + 1; j < net->node_count; j++)
        if (reads_before(&net->nodes[j], i))
            return false;
    return true;
}

int cgv_tiling_begin(const cgv_net *net) {
    return net->node_count > 2 && net->nodes[1].op == CGV_OP_COORD && is_cut(net, 1);
}

void cgv_tiling_narrow(int *first, int *last, const cgv_net *net, const cgv_size *sizes) {
    int end = net->node_count - 1;
    *first = *last = -1;
    for (int i = 1; i < end; i++) {
        const int64_t own = area(sizes[i]), least = area(sizes[*first < 0 ? 0 : *first]);
        bool narrow = *first < 0 ? own < least : own <= least;
        if (!narrow || !is_cut(net, i))
            continue;
        if (*first < 0 || own < least)
            *first = i;
        *last = i;
    }
    if (*first < 0)
        *first = end;
    if (area(sizes[end]) <= area(sizes[*first]))
        *last = end; // a net without its head may end there
}

// ---- margins ----

// Elements [from, to) of a node's tensor along one axis.
typedef struct span {
    int64_t from, to;
} span;

static int64_t floor_divide(int64_t a, int64_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static bool window_span(span *in, span out, const cgv_window *window, int axis) {
    in->from = out.from * window->stride[axis] - window->pad[axis];
    in->to = (out.to - 1) * window->stride[axis] - window->pad[axis] +
             (int64_t)(window->kernel[axis] - 1) * window->dilation[axis] + 1;
    return true;
}

// What of its inputs a node needs for these elements of its own tensor; false: perhaps all of them.
static bool needed(span *in, span out, const cgv_node *node, int axis) {
    *in = out;
    switch (node->op) {
    case CGV_OP_INSTANCE_NORM: // its statistics are taken elsewhere
    case CGV_OP_ACTIVATION:
    case CGV_OP_ADD:
    case CGV_OP_CONCAT:
    case CGV_OP_AFFINE_HEAD:
    case CGV_OP_ELEMENTWISE:
        return true;
    case CGV_OP_CONV:
        in->from = out.from * node->stride - node->pad;
        in->to = (out.to - 1) * node->stride - node->pad + node->kernel;
        return true;
    case CGV_OP_CONV_TRANSPOSE:
        in->from = floor_divide(out.from + node->pad - node->kernel + 1, node->stride);
        in->to = floor_divide(out.to - 1 + node->pad, node->stride) + 1;
        return true;
    case CGV_OP_UPSAMPLE: // bilinear reads one more on each side
        in->from = floor_divide(out.from, node->factor) - 1;
        in->to = floor_divide(out.to - 1, node->factor) + 2;
        return true;
    case CGV_OP_AVERAGE_POOL:
        in->from = out.from * node->factor;
        in->to = out.to * node->factor;
        return true;
    case CGV_OP_WINDOW_CONV:
        return !node->transposed && window_span(in, out, &node->window, axis);
    case CGV_OP_POOL:
        return window_span(in, out, &node->window, axis);
    default:
        return false;
    }
}

static int side(cgv_size size, int axis) {
    return axis ? size.w : size.h;
}

static bool makes_whole(const cgv_net *net, const cgv_size *sizes, int axis, int elements) {
    for (int i = 1; i < net->node_count; i++)
        if ((int64_t)elements * side(sizes[i], axis) % side(sizes[0], axis))
            return false;
    return true;
}

// The fewest elements of the input that make whole elements in every tensor.
static int grain(const cgv_net *net, const cgv_size *sizes, int axis) {
    int in = side(sizes[0], axis), unit = 1;
    while (unit < in && !makes_whole(net, sizes, axis, unit))
        unit++;
    return unit;
}

static cgv_status not_local(const cgv_net *net) {
    return cgv_fail(CGV_ERROR_UNSUPPORTED,
                    "%s cannot be worked on in tiles: it has layers that need the whole picture",
                    net->architecture);
}

// What a tile needs beside its own elements, on the side where that is more.
static cgv_status find_margin(int *margin, const cgv_net *net, const cgv_size *sizes, int axis,
                              int unit) {
    int count = net->node_count;
    const int64_t in = side(sizes[0], axis);
    const int64_t from = (int64_t)unit * 4096; // some place far from both ends
    span *need = calloc((size_t)count, sizeof *need);
    bool local = true;
    if (!need)
        return out_of_memory();
    for (int i = 0; i < count; i++) {
        const int64_t own = side(sizes[i], axis);
        need[i] = (span){from * own / in, (from + unit) * own / in};
    }
    for (int i = count - 1; i > 0 && local; i--) {
        const cgv_node *node = &net->nodes[i];
        span in_span;
        local = needed(&in_span, need[i], node, axis);
        for (int k = 0; k < 2 && local; k++) {
            if (node->input[k] < 0)
                continue;
            span *input = &need[node->input[k]];
            input->from = in_span.from < input->from ? in_span.from : input->from;
            input->to = in_span.to > input->to ? in_span.to : input->to;
        }
    }
    const int64_t before = from - need[0].from, behind = need[0].to - (from + unit);
    free(need);
    if (!local)
        return not_local(net);
    const int64_t most = before > behind ? before : behind;
    *margin = (int)((most + unit - 1) / unit * unit);
    return CGV_OK;
}

static cgv_status make_axis(cgv_tile_axis *out, const cgv_net *net, const cgv_size *sizes, int axis,
                            int own) {
    int unit = grain(net, sizes, axis);
    *out = (cgv_tile_axis){.size = side(sizes[0], axis)};
    out->own = (own + unit - 1) / unit * unit;
    cgv_status status = find_margin(&out->margin, net, sizes, axis, unit);
    if (status)
        return status;
    const int64_t wanted = (int64_t)out->own + 2 * (int64_t)out->margin;
    out->tile = wanted < out->size ? (int)wanted : out->size;
    out->count = out->tile == out->size ? 1 : (out->size + out->own - 1) / out->own;
    if (out->count == 1)
        out->own = out->size;
    return CGV_OK;
}

// In a tile every tensor must be what the same tensor of the picture is, cut out.
static cgv_status check_tile(const cgv_net *net, const cgv_size *sizes, const cgv_tiling *tiling) {
    cgv_size *tile = calloc((size_t)net->node_count, sizeof *tile);
    if (!tile)
        return out_of_memory();
    cgv_status status = cgv_net_shapes(net, tiling->down.tile, tiling->across.tile, tile);
    for (int i = 1; i < net->node_count && !status; i++)
        for (int axis = 0; axis < 2 && !status; axis++)
            if ((int64_t)side(tile[i], axis) * side(sizes[0], axis) !=
                (int64_t)side(sizes[i], axis) * side(tile[0], axis))
                status = not_local(net);
    free(tile);
    return status;
}

cgv_status cgv_tiling_make(cgv_tiling *out, const cgv_net *net, const cgv_size *sizes, int side_) {
    cgv_status status = make_axis(&out->down, net, sizes, 0, side_);
    if (!status)
        status = make_axis(&out->across, net, sizes, 1, side_);
    return status ? status : check_tile(net, sizes, out);
}

bool cgv_tiling_is_whole(const cgv_tiling *tiling) {
    return tiling->down.count == 1 && tiling->across.count == 1;
}

cgv_tile_span cgv_tile_at(const cgv_tile_axis *axis, int i) {
    int own = i * axis->own;
    int begin = own - axis->margin;
    int latest = axis->size - axis->tile;
    begin = begin > latest ? latest : begin;
    return (cgv_tile_span){
        .begin = begin < 0 ? 0 : begin,
        .own = own,
        .end = i + 1 < axis->count ? own + axis->own : axis->size,
    };
}
