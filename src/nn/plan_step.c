// What a plan tells of its steps, for reports.
#include <stdio.h>

#include "nn/plan_internal.h"

static double param_bytes(const cgv_plan *plan, int param, size_t each) {
    return param < 0 ? 0 : (double)plan->net->params[param].count * (double)each;
}

// Parts that are written right where a concatenation wants them are not moved.
static double concat_bytes(const cgv_plan *plan, int concat) {
    double bytes = 0;
    for (int k = 0; k < 2; k++)
        if (plan->n > 1 || !cgv_plan_part_in_place(plan, concat, k))
            bytes += 2 * (double)cgv_plan_node_bytes(plan, plan->net->nodes[concat].input[k]);
    return bytes;
}

static double least_bytes(const cgv_plan *plan, const plan_step *step) {
    const cgv_node *node = &plan->net->nodes[step->node];
    if (node->op == CGV_OP_CONCAT)
        return concat_bytes(plan, step->node);
    const int read[] = {node->input[0], node->input[1], step->residual};
    size_t weight = step->conv.cin && step->matrix ? sizeof(float) / 2 : sizeof(float);
    double bytes = (double)cgv_plan_node_bytes(plan, step->out) +
                   param_bytes(plan, node->weight, weight) +
                   param_bytes(plan, node->bias, sizeof(float));
    for (int k = 0; k < 3; k++) {
        bool again = k && (read[k] == read[0] || (k == 2 && read[k] == read[1]));
        if (read[k] >= 0 && !again)
            bytes += (double)cgv_plan_node_bytes(plan, read[k]);
    }
    return bytes;
}

int cgv_plan_step_count(const cgv_plan *plan) {
    return plan->step_count;
}

cgv_plan_step_info cgv_plan_step(const cgv_plan *plan, int index) {
    const plan_step *step = &plan->steps[index];
    cgv_plan_step_info info = {
        .label = step->label,
        .macs = plan->n * cgv_node_macs(plan->net, step->node, plan->sizes),
        .bytes = least_bytes(plan, step),
        .matrix = step->conv.cin && step->matrix,
    };
    if (info.matrix)
        snprintf(info.kernel, sizeof info.kernel, "matrix");
    else if (step->conv.cin)
        cgv_conv_choice_name(info.kernel, step->conv.choice);
    return info;
}
