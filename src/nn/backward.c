// Reverse mode over a plan's steps.
//
// One walk serves twice: first without a command list, to find which gradients are alive when and
// lay them out in the workspace; later with one, to record. Both take the same turns, so the k-th
// piece of memory asked for is the same one.
#include <stdlib.h>

#include "base/log.h"
#include "nn/plan_internal.h"

// Where a gradient lies: a storage of the workspace, or the caller's memory.
enum { NOWHERE = -1, OUTPUT = -2, INPUT = -3 };

typedef struct walk {
    const cgv_plan *plan;
    cgv_storage *storages;
    int next;      // the next piece of memory to hand out
    int time;      // steps walked
    int *gradient; // of every node's tensor: where; NOWHERE until something contributes

    // Recording only.
    cgv_cmd *cmd;
    const cgv_params *params;
    const cgv_buffer *grads;
    const cgv_tape *tape;
    uint64_t doutput, dinput;
} walk;

static int take(walk *w, uint64_t bytes) {
    if (!w->cmd)
        w->storages[w->next] = (cgv_storage){bytes, w->time, w->time, 0, 0};
    return w->next++;
}

static void use(walk *w, int where) {
    if (!w->cmd && where >= 0)
        w->storages[where].last = w->time;
}

static uint64_t address(const walk *w, int where) {
    if (where == OUTPUT)
        return w->doutput;
    if (where == INPUT)
        return w->dinput;
    return w->plan->workspace.address + w->storages[where].offset;
}

static cgv_tensor gradient_tensor(const walk *w, int node, int where) {
    cgv_tensor tensor = cgv_plan_shape(w->plan, node);
    if (w->cmd)
        tensor.address = address(w, where);
    return tensor;
}

// Whether the gradient of this tensor is wanted at all.
static bool wanted(const walk *w, int node) {
    return node != 0 || !w->cmd || w->dinput;
}

// Memory for one contribution to a tensor's gradient; pass it to contribute() once it is written.
static int contribution(walk *w, int node) {
    if (node == 0 && w->gradient[0] == NOWHERE)
        return INPUT;
    return take(w, cgv_tensor_bytes(cgv_plan_shape(w->plan, node)));
}

// The first contribution becomes the gradient; further ones are added to it.
static void contribute(walk *w, int node, int where) {
    if (w->gradient[node] == NOWHERE) {
        w->gradient[node] = where;
        return;
    }
    use(w, w->gradient[node]);
    use(w, where);
    if (w->cmd && wanted(w, node)) {
        cgv_tensor sum = gradient_tensor(w, node, w->gradient[node]);
        cgv_add(w->cmd, sum, sum, gradient_tensor(w, node, where));
    }
}

// Hand the gradient of an output on to an operand unchanged; its memory is free to take.
static void pass_on(walk *w, int node, int where) {
    if (node == 0 && w->gradient[0] == NOWHERE) {
        w->gradient[0] = INPUT;
        if (w->cmd && wanted(w, 0))
            cgv_activation_apply(w->cmd, gradient_tensor(w, 0, INPUT), gradient_tensor(w, 0, where),
                                 CGV_ACT_NONE, 0);
        return;
    }
    contribute(w, node, where);
}

static uint64_t grad_address(const walk *w, int param) {
    return w->grads ? cgv_plan_param(w->plan, w->grads, param) : 0;
}

// An instance norm takes off the mean, and with it a constant that was added to a plane before.
static bool only_normalised(const cgv_net *net, int node) {
    int readers = 0;
    for (int i = node + 1; i < net->node_count; i++)
        for (int k = 0; k < 2; k++)
            if (net->nodes[i].input[k] == node) {
                if (net->nodes[i].op != CGV_OP_INSTANCE_NORM || k > 0)
                    return false;
                readers++;
            }
    return readers > 0;
}

static void walk_conv(walk *w, const plan_step *step, int dy_where) {
    const cgv_plan *plan = w->plan;
    const cgv_node *node = &plan->net->nodes[step->node];
    int source = node->input[0];
    cgv_tensor dy = gradient_tensor(w, step->out, dy_where);
    cgv_tensor x = cgv_plan_shape(plan, source);
    int scratch = take(w, cgv_conv_param_grad_scratch(plan->device, dy, x, &step->conv));
    if (w->cmd) {
        x = cgv_plan_tensor(plan, w->tape, source);
        if (step->activation != CGV_ACT_NONE)
            cgv_activation_grad(w->cmd, dy, dy, cgv_plan_tensor(plan, w->tape, step->out),
                                step->activation, step->slope);
        // Where the bias is taken off again its gradient is zero, of which only rounding remained.
        bool no_bias = step->out == step->node && only_normalised(plan->net, step->node);
        if (w->grads && !plan->net->params[node->weight].filter)
            cgv_conv_param_grad(w->cmd, grad_address(w, node->weight),
                                no_bias ? 0 : grad_address(w, node->bias), dy, x,
                                address(w, scratch), &step->conv);
    }
    // Padding that repeats the picture: the gradient of the padded picture, then folded.
    bool fold = step->conv.pad_mode != CGV_PAD_ZERO && step->conv.pad > 0;
    cgv_tensor padded = cgv_plan_shape(plan, source);
    int padded_where = NOWHERE;
    if (fold) {
        padded.h += 2 * step->conv.pad;
        padded.w += 2 * step->conv.pad;
        padded_where = take(w, cgv_tensor_bytes(padded));
    }
    int dx_where = contribution(w, source);
    if (w->cmd && wanted(w, source)) {
        cgv_tensor dx = gradient_tensor(w, source, dx_where);
        uint64_t packed = plan->packed.address + step->data_grad_packed;
        if (fold) {
            padded.address = address(w, padded_where);
            cgv_conv(w->cmd, padded, dy, packed, 0, 0, &step->data_grad);
            cgv_pad_fold(w->cmd, dx, padded, step->conv.pad, step->conv.pad_mode);
        } else {
            cgv_conv(w->cmd, dx, dy, packed, 0, 0, &step->data_grad);
        }
    }
    contribute(w, source, dx_where);
}

static void walk_norm(walk *w, const plan_step *step, int dy_where) {
    const cgv_plan *plan = w->plan;
    const cgv_node *node = &plan->net->nodes[step->node];
    int source = node->input[0];
    int scratch = take(w, cgv_instance_norm_grad_scratch(cgv_plan_shape(plan, source)));
    int dx_where = take(w, cgv_tensor_bytes(cgv_plan_shape(plan, source)));
    if (w->cmd)
        cgv_instance_norm_grad(
            w->cmd, gradient_tensor(w, source, dx_where), gradient_tensor(w, step->out, dy_where),
            cgv_plan_tensor(plan, w->tape, step->out), cgv_plan_tensor(plan, w->tape, source),
            cgv_plan_storage(plan, w->tape, step->stats), grad_address(w, node->weight),
            grad_address(w, node->bias), address(w, scratch),
            &(cgv_norm_params){.scale = cgv_plan_param(plan, &w->params->values, node->weight),
                               .activation = step->activation,
                               .slope = step->slope});
    pass_on(w, source, dx_where);
    if (step->residual >= 0)
        pass_on(w, step->residual, dy_where);
}

static void walk_activation(walk *w, const plan_step *step, int dy_where) {
    if (w->cmd) {
        cgv_tensor dy = gradient_tensor(w, step->out, dy_where);
        cgv_activation_grad(w->cmd, dy, dy, cgv_plan_tensor(w->plan, w->tape, step->out),
                            step->activation, step->slope);
    }
    pass_on(w, w->plan->net->nodes[step->node].input[0], dy_where);
}

static void walk_add(walk *w, const plan_step *step, int dy_where) {
    const cgv_node *node = &w->plan->net->nodes[step->node];
    // The first operand gets a copy, for the second takes the memory itself.
    int copy = contribution(w, node->input[0]);
    if (w->cmd && wanted(w, node->input[0]))
        cgv_activation_apply(w->cmd, gradient_tensor(w, node->input[0], copy),
                             gradient_tensor(w, step->out, dy_where), CGV_ACT_NONE, 0);
    contribute(w, node->input[0], copy);
    pass_on(w, node->input[1], dy_where);
}

static void walk_average_pool(walk *w, const plan_step *step, int dy_where) {
    const cgv_node *node = &w->plan->net->nodes[step->node];
    int dx_where = contribution(w, node->input[0]);
    if (w->cmd && wanted(w, node->input[0]))
        cgv_shrink_grad(w->cmd, gradient_tensor(w, node->input[0], dx_where),
                        gradient_tensor(w, step->out, dy_where), node->factor);
    contribute(w, node->input[0], dx_where);
}

static void walk_upsample(walk *w, const plan_step *step, int dy_where) {
    const cgv_node *node = &w->plan->net->nodes[step->node];
    int dx_where = contribution(w, node->input[0]);
    if (w->cmd && wanted(w, node->input[0]))
        cgv_upsample_grad(w->cmd, gradient_tensor(w, node->input[0], dx_where),
                          gradient_tensor(w, step->out, dy_where), node->factor, node->upsample);
    contribute(w, node->input[0], dx_where);
}

// Concatenation and join: the numbers of each picture come apart where they were put together.
static void walk_join(walk *w, const plan_step *step, int dy_where) {
    const int *x = w->plan->net->nodes[step->node].input;
    for (int k = 0; k < 2; k++) { // one by one, for both may be the same tensor
        int dx_where = contribution(w, x[k]);
        if (w->cmd && wanted(w, x[k])) {
            cgv_tensor dx[2] = {cgv_plan_shape(w->plan, x[0]), cgv_plan_shape(w->plan, x[1])};
            dx[k] = gradient_tensor(w, x[k], dx_where);
            cgv_split(w->cmd, dx[0], dx[1], gradient_tensor(w, step->out, dy_where));
        }
        contribute(w, x[k], dx_where);
    }
}

// The coordinate has no gradient.
static void walk_coord(walk *w, const plan_step *step, int dy_where) {
    int x = w->plan->net->nodes[step->node].input[0];
    int dx_where = contribution(w, x);
    if (w->cmd && wanted(w, x)) {
        cgv_tensor dx = gradient_tensor(w, x, dx_where);
        cgv_split(w->cmd, dx, (cgv_tensor){0}, gradient_tensor(w, step->out, dy_where));
    }
    contribute(w, x, dx_where);
}

// Affine head and bilateral slice: their gradients take the same operands.
static void walk_head(walk *w, const plan_step *step, int dy_where) {
    const cgv_node *node = &w->plan->net->nodes[step->node];
    int coefficients = node->input[0], x = node->input[1];
    bool sliced = node->op == CGV_OP_BILATERAL_SLICE;
    int dcoefficients_where = contribution(w, coefficients), dx_where = contribution(w, x);
    if (w->cmd) {
        cgv_tensor dx = {0};
        if (wanted(w, x))
            dx = gradient_tensor(w, x, dx_where);
        (sliced ? cgv_bilateral_slice_grad : cgv_affine_head_grad)(
            w->cmd, gradient_tensor(w, coefficients, dcoefficients_where), dx,
            gradient_tensor(w, step->out, dy_where), cgv_plan_tensor(w->plan, w->tape, step->out),
            cgv_plan_tensor(w->plan, w->tape, coefficients), cgv_plan_tensor(w->plan, w->tape, x));
    }
    contribute(w, coefficients, dcoefficients_where);
    contribute(w, x, dx_where);
}

static void walk_back(walk *w) {
    const cgv_plan *plan = w->plan;
    for (int i = 0; i < plan->net->node_count; i++)
        w->gradient[i] = NOWHERE;
    w->gradient[plan->net->node_count - 1] = OUTPUT;
    for (int s = plan->step_count - 1; s >= 0; s--, w->time++) {
        const plan_step *step = &plan->steps[s];
        int dy_where = w->gradient[step->out];
        if (dy_where == NOWHERE)
            continue; // nothing that reaches the output reads it
        use(w, dy_where);
        if (w->cmd)
            cgv_cmd_label(w->cmd, step->label);
        switch (plan->net->nodes[step->node].op) {
        case CGV_OP_INPUT:
            break;
        case CGV_OP_CONV:
        case CGV_OP_CONV_TRANSPOSE:
            walk_conv(w, step, dy_where);
            break;
        case CGV_OP_INSTANCE_NORM:
            walk_norm(w, step, dy_where);
            break;
        case CGV_OP_ACTIVATION:
            walk_activation(w, step, dy_where);
            break;
        case CGV_OP_ADD:
            walk_add(w, step, dy_where);
            break;
        case CGV_OP_UPSAMPLE:
            walk_upsample(w, step, dy_where);
            break;
        case CGV_OP_AVERAGE_POOL:
            walk_average_pool(w, step, dy_where);
            break;
        case CGV_OP_CONCAT:
        case CGV_OP_JOIN:
            walk_join(w, step, dy_where);
            break;
        case CGV_OP_COORD:
            walk_coord(w, step, dy_where);
            break;
        case CGV_OP_AFFINE_HEAD:
        case CGV_OP_BILATERAL_SLICE:
            walk_head(w, step, dy_where);
            break;
        case CGV_OP_WINDOW_CONV: // cgv_plan_create refuses to train them
        case CGV_OP_POOL:
        case CGV_OP_ELEMENTWISE:
        case CGV_OP_PAD:
        case CGV_OP_REARRANGE:
        case CGV_OP_RESIZE:
            break;
        }
    }
    if (w->cmd)
        cgv_cmd_label(w->cmd, NULL);
}

#define PIECES_PER_STEP 3 // the most that one step takes

cgv_status cgv_plan_create_backward(cgv_plan *plan) {
    walk w = {.plan = plan};
    cgv_layout_plan layout;
    size_t pieces = (size_t)plan->step_count * PIECES_PER_STEP + 1;
    plan->grad_storages = w.storages = calloc(pieces, sizeof *w.storages);
    w.gradient = calloc((size_t)plan->net->node_count, sizeof *w.gradient);
    cgv_status status = CGV_OK;
    if (!w.storages || !w.gradient)
        status = cgv_fail(CGV_ERROR_MEMORY, "planning the backward pass: out of memory");
    if (!status) {
        walk_back(&w);
        status = cgv_layout_place(&layout, plan->grad_storages, w.next,
                                  cgv_device_limits(plan->device)->allocation);
    }
    if (!status && layout.blocks > 1)
        status = cgv_fail(CGV_ERROR_DEVICE_MEMORY,
                          "the gradients of %s do not fit one allocation: use smaller pictures",
                          plan->net->architecture);
    if (!status)
        status = cgv_buffer_create(&plan->workspace, plan->device, layout.block_bytes[0],
                                   CGV_MEMORY_DEVICE, "network gradients");
    free(w.gradient);
    return status;
}

void cgv_plan_record_backward(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                              const cgv_buffer *grads, const cgv_tape *tape, cgv_tensor doutput,
                              cgv_tensor dinput) {
    walk w = {
        .plan = plan,
        .storages = plan->grad_storages,
        .cmd = cmd,
        .params = params,
        .grads = grads,
        .tape = tape,
        .doutput = doutput.address,
        .dinput = dinput.address,
        .gradient = calloc((size_t)plan->net->node_count, sizeof *w.gradient),
    };
    if (!w.gradient) {
        cgv_cmd_fail(cmd, cgv_fail(CGV_ERROR_MEMORY, "the backward pass: out of memory"));
        return;
    }
    walk_back(&w);
    free(w.gradient);
}
