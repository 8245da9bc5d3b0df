// A plan becomes commands: weights in the order that kernels want, then its steps.
#include "nn/plan_internal.h"
#include "ops/graph.h"

uint64_t cgv_plan_param(const cgv_plan *plan, const cgv_buffer *buffer, int param) {
    return param < 0 ? 0 : buffer->address + plan->net->params[param].offset * sizeof(float);
}

void cgv_plan_pack(cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params) {
    for (int s = 0; s < plan->step_count; s++) {
        const plan_step *step = &plan->steps[s];
        if (!step->conv.cin)
            continue;
        uint64_t weights =
            cgv_plan_param(plan, &params->values, plan->net->nodes[step->node].weight);
        uint64_t packed = plan->packed.address + step->packed;
        if (step->matrix)
            cgv_matrix_conv_pack(cmd, packed, weights, &step->conv);
        else
            cgv_conv_pack(cmd, packed, weights, &step->conv);
        if (plan->train)
            cgv_conv_pack(cmd, plan->packed.address + step->data_grad_packed, weights,
                          &step->data_grad);
    }
}

static void record_norm(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                        const cgv_tape *tape, const plan_step *step, cgv_tensor y, cgv_tensor x) {
    const cgv_node *node = &plan->net->nodes[step->node];
    uint64_t stats =
        tape->keep ? tape->held + step->held : cgv_plan_storage(plan, tape, step->stats);
    cgv_tensor residual = cgv_plan_operand(plan, cmd, tape, step, 2);
    const cgv_norm_params norm = {.scale = cgv_plan_param(plan, &params->values, node->weight),
                                  .shift = cgv_plan_param(plan, &params->values, node->bias),
                                  .activation = step->activation,
                                  .slope = step->slope};
    if (tape->given) {
        cgv_instance_norm(cmd, y, x, tape->given + step->held, residual, &norm);
        return;
    }
    if (cgv_instance_norm_at_once(plan->device, x)) {
        cgv_instance_norm_whole(cmd, y, x, stats, tape->keep, node->epsilon, residual, &norm);
        return;
    }
    cgv_instance_norm_stats(cmd, stats, x, cgv_plan_storage(plan, tape, step->scratch), tape->keep,
                            node->epsilon);
    cgv_instance_norm(cmd, y, x, stats, residual, &norm);
}

static void record_elementwise(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                               const cgv_node *node, cgv_tensor y, cgv_tensor x, cgv_tensor other) {
    if (node->weight >= 0)
        other = (cgv_tensor){.address = cgv_plan_param(plan, &params->values, node->weight),
                             .n = 1,
                             .c = (int)plan->net->params[node->weight].count,
                             .h = 1,
                             .w = 1};
    cgv_elementwise(
        cmd, y, node->constant_first ? other : x, node->constant_first ? x : other,
        &(cgv_elementwise_params){
            .binary = node->binary, .function = node->function, .p = node->p, .q = node->q});
}

static void record_resize(cgv_cmd *cmd, const cgv_node *node, cgv_tensor y, cgv_tensor x) {
    cgv_resize_params params = {node->centres, node->nearest, {node->scale[0], node->scale[1]}};
    if (node->like >= 0) { // the scale of these sizes, whatever they are
        params.scale[0] = (float)y.h / (float)x.h;
        params.scale[1] = (float)y.w / (float)x.w;
    }
    cgv_resize(cmd, y, x, &params);
}

static void record_concat(const cgv_plan *plan, cgv_cmd *cmd, int node, cgv_tensor y,
                          const cgv_tensor x[2]) {
    if (plan->n > 1) {
        cgv_join(cmd, y, x[0], x[1]);
        return;
    }
    for (int k = 0; k < 2; k++) {
        cgv_tensor part = x[k];
        part.address = y.address + cgv_plan_part_offset(plan, node, k);
        if (!cgv_plan_part_in_place(plan, node, k))
            cgv_activation_apply(cmd, part, x[k], CGV_ACT_NONE, 0);
    }
}

void cgv_plan_record_until(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                           const cgv_tape *tape, int end) {
    for (int s = 0; s < end; s++) {
        const plan_step *step = &plan->steps[s];
        const cgv_node *node = &plan->net->nodes[step->node];
        cgv_cmd_label(cmd, step->label);
        if (step->matrix) {
            cgv_plan_record_matrix(plan, cmd, params, tape, step);
            continue;
        }
        cgv_tensor y = cgv_plan_tensor(plan, tape, step->out);
        cgv_tensor x = cgv_plan_operand(plan, cmd, tape, step, 0);
        cgv_tensor second = cgv_plan_operand(plan, cmd, tape, step, 1);
        switch (node->op) {
        case CGV_OP_INPUT:
            break;
        case CGV_OP_CONV:
        case CGV_OP_CONV_TRANSPOSE:
            cgv_conv(cmd, y, x, plan->packed.address + step->packed,
                     cgv_plan_param(plan, &params->values, node->bias),
                     step->scratch < 0 ? 0 : cgv_plan_storage(plan, tape, step->scratch),
                     &step->conv);
            break;
        case CGV_OP_INSTANCE_NORM:
            record_norm(plan, cmd, params, tape, step, y, x);
            break;
        case CGV_OP_ACTIVATION:
            cgv_activation_apply(cmd, y, x, step->activation, step->slope);
            break;
        case CGV_OP_ADD:
            cgv_add(cmd, y, x, second);
            break;
        case CGV_OP_UPSAMPLE:
            cgv_upsample(cmd, y, x, node->factor, node->upsample);
            break;
        case CGV_OP_AVERAGE_POOL:
            cgv_shrink(cmd, y, x);
            break;
        case CGV_OP_AFFINE_HEAD:
            cgv_affine_head(cmd, y, x, second);
            break;
        case CGV_OP_CONCAT:
            record_concat(plan, cmd, step->node, y, (cgv_tensor[2]){x, second});
            break;
        case CGV_OP_JOIN:
            cgv_join(cmd, y, x, second);
            break;
        case CGV_OP_COORD:
            cgv_coord(cmd, y, x);
            break;
        case CGV_OP_BILATERAL_SLICE:
            cgv_bilateral_slice(cmd, y, x, second);
            break;
        case CGV_OP_WINDOW_CONV:
            cgv_window_conv(cmd, y, x, cgv_plan_param(plan, &params->values, node->weight),
                            cgv_plan_param(plan, &params->values, node->bias),
                            &(cgv_window_conv_params){.window = node->window,
                                                      .groups = node->groups,
                                                      .transposed = node->transposed});
            break;
        case CGV_OP_POOL:
            cgv_pool_apply(cmd, y, x, node->pool, &node->window);
            break;
        case CGV_OP_ELEMENTWISE:
            record_elementwise(plan, cmd, params, node, y, x, second);
            break;
        case CGV_OP_PAD:
            cgv_pad_apply(cmd, y, x, &node->margin);
            break;
        case CGV_OP_REARRANGE:
            cgv_rearrange(cmd, y, x, node->rearrangement, node->factor);
            break;
        case CGV_OP_RESIZE:
            record_resize(cmd, node, y, x);
            break;
        }
    }
    cgv_cmd_label(cmd, NULL);
}

void cgv_plan_record(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                     const cgv_tape *tape) {
    cgv_plan_record_until(plan, cmd, params, tape, plan->step_count);
}
