#include "nn/plan_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define BLOCK_LIMIT (1ull << 30) // drivers dislike larger single allocations

cgv_status cgv_params_create(cgv_params *out, cgv_device *device, const cgv_net *net,
                             const float *values) {
    *out = (cgv_params){0};
    uint64_t bytes = net->param_floats * sizeof(float);
    cgv_status status =
        cgv_buffer_create(&out->values, device, bytes, CGV_MEMORY_DEVICE, "network weights");
    if (!status && bytes)
        status = cgv_buffer_write(&out->values, 0, values, bytes);
    if (status)
        cgv_params_destroy(out);
    return status;
}

void cgv_params_destroy(cgv_params *params) {
    cgv_buffer_destroy(&params->values);
}

// ---- fusion ----

// Let a step take over the node that alone reads its result: an activation behind a convolution
// or a norm, and the addition behind a norm, when its other operand exists by then.
static void fuse(const cgv_net *net, plan_step *step) {
    int next = cgv_net_only_reader(net, step->node);
    if (next < 0)
        return;
    const cgv_node *reader = &net->nodes[next];
    cgv_op op = net->nodes[step->node].op;
    if (reader->op == CGV_OP_ACTIVATION) {
        step->activation = reader->activation;
        step->slope = reader->slope;
        step->out = next;
    } else if (reader->op == CGV_OP_ADD && op == CGV_OP_INSTANCE_NORM) {
        int other = reader->input[reader->input[0] == step->node];
        if (other < step->node) {
            step->residual = other;
            step->out = next;
        }
    }
}

enum { NAME_WIDTH = 26 };

// Of a name that is too long for the column of a report, as those of a U-Net's layers, the end.
static void node_name(const cgv_net *net, const cgv_node *node, char buffer[NAME_WIDTH + 1]) {
    const char *name = node->weight >= 0 ? net->params[node->weight].name : "";
    const char *end = strrchr(name, '.');
    int length = end ? (int)(end - name) : 0;
    int skipped = length > NAME_WIDTH ? length - NAME_WIDTH : 0;
    snprintf(buffer, NAME_WIDTH + 1, "%.*s", length - skipped, name + skipped);
}

static void label_step(const cgv_plan *plan, plan_step *step) {
    static const char *const words[] = {
        [CGV_OP_CONV] = "conv",
        [CGV_OP_CONV_TRANSPOSE] = "conv transposed",
        [CGV_OP_INSTANCE_NORM] = "instance norm",
        [CGV_OP_ACTIVATION] = "activation",
        [CGV_OP_ADD] = "add",
        [CGV_OP_CONCAT] = "concat",
        [CGV_OP_UPSAMPLE] = "upsample",
        [CGV_OP_AVERAGE_POOL] = "average pool",
        [CGV_OP_AFFINE_HEAD] = "affine head",
        [CGV_OP_JOIN] = "join",
        [CGV_OP_COORD] = "coordinate",
        [CGV_OP_BILATERAL_SLICE] = "bilateral slice",
        [CGV_OP_WINDOW_CONV] = "conv of any window",
        [CGV_OP_POOL] = "pool",
        [CGV_OP_ELEMENTWISE] = "elementwise",
        [CGV_OP_PAD] = "pad",
        [CGV_OP_REARRANGE] = "rearrange",
        [CGV_OP_RESIZE] = "resize",
    };
    const cgv_node *node = &plan->net->nodes[step->node];
    int channels = plan->net->nodes[node->input[0]].channels;
    cgv_size size = plan->sizes[step->out];
    char name[NAME_WIDTH + 1];
    node_name(plan->net, node, name);
    if (step->conv.cin)
        snprintf(step->label, sizeof step->label, "%-*s %s %d %d>%d %dx%d", NAME_WIDTH, name,
                 words[node->op], node->kernel, channels, node->channels, size.w, size.h);
    else
        snprintf(step->label, sizeof step->label, "%-*s %s %d %dx%d", NAME_WIDTH, "",
                 words[node->op], channels, size.w, size.h);
}

static cgv_status build_steps(cgv_plan *plan) {
    const cgv_net *net = plan->net;
    bool *done = calloc((size_t)net->node_count, sizeof *done);
    plan->steps = calloc((size_t)net->node_count, sizeof *plan->steps);
    if (!done || !plan->steps) {
        free(done);
        return cgv_fail(CGV_ERROR_MEMORY, "planning the network: out of memory");
    }
    for (int i = 1; i < net->node_count; i++) {
        const cgv_node *node = &net->nodes[i];
        if (done[i])
            continue;
        plan_step *step = &plan->steps[plan->step_count++];
        *step = (plan_step){.node = i,
                            .out = i,
                            .residual = -1,
                            .stats = -1,
                            .scratch = -1,
                            .converted = {-1, -1, -1}};
        if (node->op == CGV_OP_CONV || node->op == CGV_OP_CONV_TRANSPOSE ||
            node->op == CGV_OP_INSTANCE_NORM)
            fuse(net, step);
        if (node->op == CGV_OP_ACTIVATION) {
            step->activation = node->activation;
            step->slope = node->slope;
        }
        done[step->out] = true;
        if (node->op == CGV_OP_CONV || node->op == CGV_OP_CONV_TRANSPOSE)
            step->conv = (cgv_conv_params){
                .cin = net->nodes[node->input[0]].channels,
                .cout = node->channels,
                .kernel = node->kernel,
                .stride = node->stride,
                .pad = node->pad,
                .output_pad = node->output_pad,
                .groups = node->groups,
                .pad_mode = node->pad_mode,
                .transposed = node->op == CGV_OP_CONV_TRANSPOSE,
                .activation = step->activation,
                .slope = step->slope,
                .exact = plan->train,
            };
        label_step(plan, step);
    }
    free(done);
    return CGV_OK;
}

// ---- memory ----

cgv_tensor cgv_plan_shape(const cgv_plan *plan, int node) {
    return (cgv_tensor){.n = plan->n,
                        .c = plan->net->nodes[node].channels,
                        .h = plan->sizes[node].h,
                        .w = plan->sizes[node].w};
}

static int add_storage(cgv_plan *plan, uint64_t bytes, int step) {
    plan->storages[plan->storage_count] = (cgv_storage){bytes, step, step, 0, 0};
    return plan->storage_count++;
}

static void use_tensor(cgv_plan *plan, int node, int step) {
    if (node >= 0)
        plan->storages[plan->storage_of[node]].last = step;
}

// An instance norm may write over its input when nobody reads that afterwards. Parts of a
// concatenation have other readers, and its own parts have a place.
static bool in_place(const cgv_plan *plan, const plan_step *step) {
    const cgv_node *node = &plan->net->nodes[step->node];
    return !plan->train && node->op == CGV_OP_INSTANCE_NORM && node->input[0] != 0 &&
           plan->as_pixels[node->input[0]] == plan->as_pixels[step->out] &&
           plan->net->nodes[node->input[0]].op != CGV_OP_CONCAT &&
           plan->whole_of[step->out] == step->out &&
           cgv_net_only_reader(plan->net, node->input[0]) == step->node;
}

// Where the k-th operand of a concatenation lies in its result, of one picture.
uint64_t cgv_plan_part_offset(const cgv_plan *plan, int node, int k) {
    return k ? cgv_tensor_bytes(cgv_plan_shape(plan, plan->net->nodes[node].input[0])) : 0;
}

// Let what goes into concatenations be written where they want it. (With several pictures the parts
// are no tensors.) A tensor has one place: further concatenations copy it; so they do the input,
// and parts that would not begin at a multiple of 8 or are no planes.
static void find_parts(cgv_plan *plan) {
    for (int i = 0; i < plan->net->node_count; i++)
        plan->whole_of[i] = i;
    for (int i = plan->net->node_count - 1; i > 0 && plan->n == 1; i--) {
        const cgv_node *node = &plan->net->nodes[i];
        for (int k = 0; k < 2 && node->op == CGV_OP_CONCAT; k++) {
            int x = node->input[k];
            uint64_t offset = plan->offset_of[i] + cgv_plan_part_offset(plan, i, k);
            if (x == 0 || plan->whole_of[x] != x || offset % 8 || plan->as_pixels[x])
                continue;
            plan->whole_of[x] = plan->whole_of[i];
            plan->offset_of[x] = offset;
        }
    }
}

bool cgv_plan_part_in_place(const cgv_plan *plan, int concat, int k) {
    int x = plan->net->nodes[concat].input[k];
    return plan->whole_of[x] == plan->whole_of[concat] && x != plan->whole_of[x] &&
           plan->offset_of[x] == plan->offset_of[concat] + cgv_plan_part_offset(plan, concat, k);
}

// A storage for the tensor that a step writes, or the one that it is a part of.
static void place_output(cgv_plan *plan, int node, int step) {
    int whole = plan->whole_of[node];
    if (plan->storage_of[whole] < 0)
        plan->storage_of[whole] = add_storage(plan, cgv_plan_node_bytes(plan, whole), step);
    plan->storage_of[node] = plan->storage_of[whole];
    use_tensor(plan, node, step);
}

// The backward pass reads all tensors and statistics, but no scratch memory.
static void keep_for_backward(cgv_plan *plan) {
    for (int i = 0; i < plan->net->node_count; i++)
        if (plan->storage_of[i] >= 0)
            use_tensor(plan, i, plan->step_count);
    for (int s = 0; s < plan->step_count; s++)
        if (plan->steps[s].stats >= 0)
            plan->storages[plan->steps[s].stats].last = plan->step_count;
}

// What step s needs beside its operands and its result.
static void add_scratch(cgv_plan *plan, int s) {
    plan_step *step = &plan->steps[s];
    const cgv_node *node = &plan->net->nodes[step->node];
    cgv_tensor x = cgv_plan_shape(plan, node->input[0]);
    cgv_pixels pixels = {0, x.n, x.c, x.h, x.w};
    if (node->op == CGV_OP_INSTANCE_NORM) {
        const uint64_t bytes = step->matrix ? cgv_pixels_stats_bytes(pixels)
                                            : (uint64_t)x.n * (uint64_t)x.c * 2 * sizeof(float);
        step->stats = add_storage(plan, bytes, s);
        step->held = plan->held_bytes;
        plan->held_bytes += bytes;
        if (step->matrix)
            step->scratch = add_storage(plan, cgv_pixels_norm_scratch(pixels), s);
        else if (!cgv_instance_norm_at_once(plan->device, x))
            step->scratch = add_storage(plan, cgv_instance_norm_scratch(x), s);
    }
    if (step->conv.choice.kernel == CGV_CONV_WINOGRAD)
        step->scratch = add_storage(plan, cgv_conv_scratch(plan->device, x, &step->conv), s);
    if (step->conv.cin && step->matrix && cgv_matrix_conv_scratch(x, &step->conv))
        step->scratch = add_storage(plan, cgv_matrix_conv_scratch(x, &step->conv), s);
    for (int k = 0; k < 3; k++) {
        uint64_t bytes = cgv_plan_conversion_bytes(plan, step, k);
        if (bytes)
            step->converted[k] = add_storage(plan, bytes, s);
    }
}

static cgv_status lay_out(cgv_plan *plan, bool keep_input) {
    const cgv_net *net = plan->net;
    size_t nodes = (size_t)net->node_count;
    plan->storages = calloc(nodes * 6, sizeof *plan->storages);
    plan->storage_of = calloc(nodes, sizeof *plan->storage_of);
    plan->whole_of = calloc(nodes, sizeof *plan->whole_of);
    plan->offset_of = calloc(nodes, sizeof *plan->offset_of);
    if (!plan->storages || !plan->storage_of || !plan->whole_of || !plan->offset_of)
        return cgv_fail(CGV_ERROR_MEMORY, "planning the network: out of memory");
    for (size_t i = 0; i < nodes; i++)
        plan->storage_of[i] = -1;
    find_parts(plan);

    uint64_t input_bytes = plan->external_input ? 0 : cgv_tensor_bytes(cgv_plan_shape(plan, 0));
    plan->storage_of[0] = add_storage(plan, input_bytes, -1);
    for (int s = 0; s < plan->step_count; s++) {
        plan_step *step = &plan->steps[s];
        const cgv_node *node = &net->nodes[step->node];
        use_tensor(plan, node->input[0], s);
        use_tensor(plan, node->input[1], s);
        use_tensor(plan, step->residual, s);
        add_scratch(plan, s);
        if (in_place(plan, step))
            plan->storage_of[step->out] = plan->storage_of[node->input[0]];
        else
            place_output(plan, step->out, s);
    }
    use_tensor(plan, net->node_count - 1, plan->step_count);
    if (plan->train)
        keep_for_backward(plan);
    if (keep_input)
        use_tensor(plan, 0, plan->step_count);

    uint64_t limit = cgv_device_limits(plan->device)->allocation;
    uint64_t total = 0, largest = 0, used = 0;
    for (int i = 0; i < plan->storage_count; i++) {
        total += plan->storages[i].bytes;
        if (plan->storages[i].bytes > largest)
            largest = plan->storages[i].bytes;
    }
    uint64_t block = largest > BLOCK_LIMIT ? largest : BLOCK_LIMIT;
    cgv_status status = cgv_layout_place(&plan->layout, plan->storages, plan->storage_count,
                                         block < limit ? block : limit);
    for (int i = 0; i < plan->layout.blocks; i++)
        used += plan->layout.block_bytes[i];
    if (!status)
        cgv_log(CGV_LOG_VERBOSE,
                "%s at %dx%d: activations %.1f MiB in %d block%s (%.1f without "
                "reuse), %d steps",
                net->architecture, plan->sizes[0].w, plan->sizes[0].h, (double)used / (1 << 20),
                plan->layout.blocks, plan->layout.blocks == 1 ? "" : "s", (double)total / (1 << 20),
                plan->step_count);
    return status;
}

static cgv_status create_packed(cgv_plan *plan) {
    uint64_t bytes = 0;
    for (int s = 0; s < plan->step_count; s++) {
        plan_step *step = &plan->steps[s];
        if (!step->conv.cin)
            continue;
        step->packed = bytes;
        bytes += ((step->matrix ? cgv_matrix_conv_packed_bytes(&step->conv)
                                : cgv_conv_packed_bytes(&step->conv)) +
                  255) /
                 256 * 256;
        if (!plan->train)
            continue;
        step->data_grad_packed = bytes;
        bytes += (cgv_conv_packed_bytes(&step->data_grad) + 255) / 256 * 256;
    }
    return cgv_buffer_create(&plan->packed, plan->device, bytes, CGV_MEMORY_DEVICE,
                             "packed weights");
}

// Shaders index the elements of a tensor with 32 bits.
static cgv_status check_sizes(const cgv_plan *plan) {
    for (int i = 0; i < plan->net->node_count; i++)
        if (cgv_tensor_bytes(cgv_plan_shape(plan, i)) / sizeof(float) > INT32_MAX)
            return cgv_fail(
                CGV_ERROR_UNSUPPORTED,
                "%s at %dx%d: a tensor of more than 2^31 elements; use smaller pictures",
                plan->net->architecture, plan->sizes[0].w, plan->sizes[0].h);
    return CGV_OK;
}

static cgv_status check_trains(const cgv_net *net) {
    for (int i = 0; i < net->node_count; i++)
        if (!cgv_op_trains(net->nodes[i].op))
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "%s: it has operations that cgvideo runs but does not train",
                            net->architecture);
    return CGV_OK;
}

cgv_status cgv_plan_create(cgv_plan **out, cgv_device *device, const cgv_net *net,
                           const cgv_plan_params *params) {
    cgv_plan *plan = *out = calloc(1, sizeof *plan);
    if (plan) {
        plan->sizes = calloc((size_t)net->node_count, sizeof *plan->sizes);
        plan->as_pixels = calloc((size_t)net->node_count, sizeof *plan->as_pixels);
    }
    if (!plan || !plan->sizes || !plan->as_pixels) {
        cgv_plan_destroy(out);
        return cgv_fail(CGV_ERROR_MEMORY, "planning the network: out of memory");
    }
    plan->device = device;
    plan->net = net;
    plan->n = params->n;
    plan->train = params->train;
    plan->half = params->half && !params->train;
    plan->external_input = params->external_input;
    cgv_status status = params->train ? check_trains(net) : CGV_OK;
    if (!status)
        status = cgv_net_shapes(net, params->h, params->w, plan->sizes);
    if (!status)
        status = check_sizes(plan);
    if (!status)
        status = build_steps(plan);
    if (!status)
        cgv_plan_choose_formats(plan);
    if (!status)
        status = cgv_plan_choose_kernels(plan, params->kernels);
    if (!status)
        status = lay_out(plan, params->keep_input);
    if (!status)
        status = create_packed(plan);
    if (!status && plan->train)
        status = cgv_plan_create_backward(plan);
    if (status)
        cgv_plan_destroy(out);
    return status;
}

void cgv_plan_destroy(cgv_plan **out) {
    if (!out || !*out)
        return;
    cgv_plan *plan = *out;
    *out = NULL;
    cgv_buffer_destroy(&plan->packed);
    cgv_buffer_destroy(&plan->workspace);
    free(plan->grad_storages);
    free(plan->sizes);
    free(plan->as_pixels);
    free(plan->storage_of);
    free(plan->whole_of);
    free(plan->offset_of);
    free(plan->steps);
    free(plan->storages);
    free(plan);
}

uint64_t cgv_plan_storage(const cgv_plan *plan, const cgv_tape *tape, int storage) {
    const cgv_storage *s = &plan->storages[storage];
    return tape->blocks[s->block].address + s->offset;
}

cgv_tensor cgv_plan_tensor(const cgv_plan *plan, const cgv_tape *tape, int node) {
    if (node == 0 && plan->external_input)
        return tape->input;
    cgv_tensor tensor = cgv_plan_shape(plan, node);
    tensor.address = cgv_plan_storage(plan, tape, plan->storage_of[node]) + plan->offset_of[node];
    return tensor;
}

cgv_status cgv_tape_create(cgv_tape *out, const cgv_plan *plan) {
    *out = (cgv_tape){0};
    cgv_status status = CGV_OK;
    while (!status && out->block_count < plan->layout.blocks) {
        status = cgv_buffer_create(&out->blocks[out->block_count], plan->device,
                                   plan->layout.block_bytes[out->block_count], CGV_MEMORY_DEVICE,
                                   "network activations");
        out->block_count++;
    }
    if (status) {
        cgv_tape_destroy(out);
        return status;
    }
    out->input = cgv_plan_tensor(plan, out, 0);
    out->output = cgv_plan_tensor(plan, out, plan->net->node_count - 1);
    return CGV_OK;
}

void cgv_tape_bind(cgv_tape *tape, cgv_tensor input) {
    tape->input = input;
}

void cgv_tape_hold(cgv_tape *tape, uint64_t stats, uint64_t keep) {
    tape->held = stats;
    tape->keep = keep;
}

uint64_t cgv_plan_held_bytes(const cgv_plan *plan) {
    return plan->held_bytes;
}

void cgv_tape_give(cgv_tape *tape, uint64_t stats) {
    tape->given = stats;
}

void cgv_tape_destroy(cgv_tape *tape) {
    for (int i = 0; i < tape->block_count; i++)
        cgv_buffer_destroy(&tape->blocks[i]);
    *tape = (cgv_tape){0};
}

uint64_t cgv_tape_bytes(const cgv_tape *tape) {
    uint64_t bytes = 0;
    for (int i = 0; i < tape->block_count; i++)
        bytes += tape->blocks[i].size;
    return bytes;
}

uint64_t cgv_plan_bytes(const cgv_plan *plan) {
    return plan->packed.size + plan->workspace.size;
}

static bool is_norm(const cgv_plan *plan, int step) {
    return plan->net->nodes[plan->steps[step].node].op == CGV_OP_INSTANCE_NORM;
}

int cgv_plan_norm_count(const cgv_plan *plan) {
    int count = 0;
    for (int s = 0; s < plan->step_count; s++)
        count += is_norm(plan, s);
    return count;
}

cgv_plan_norm cgv_plan_norm_at(const cgv_plan *plan, const cgv_tape *tape, int k) {
    int s = 0;
    while (!is_norm(plan, s) || k-- > 0)
        s++;
    const cgv_node *node = &plan->net->nodes[plan->steps[s].node];
    return (cgv_plan_norm){.step = s,
                           .input = cgv_plan_tensor(plan, tape, node->input[0]),
                           .held = plan->steps[s].held,
                           .epsilon = node->epsilon};
}
