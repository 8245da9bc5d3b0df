// Which steps run in half precision on matrix units, how their operands get there, and their
// commands. A tensor is kept in the format that its step writes: planes in single precision, or
// pixels in half. A step that wants the other format has its operand converted into scratch memory.
#include "base/log.h"
#include "nn/plan_internal.h"

cgv_status cgv_plan_wants_half(bool *half, const cgv_device *device, cgv_precision precision) {
    const cgv_limits *limits = cgv_device_limits(device);
    bool units = limits->matrix.m != 0;
    *half = precision == CGV_PRECISION_FP16 ||
            (precision == CGV_PRECISION_AUTO && units && !limits->cpu);
    return *half && !units ? cgv_fail(CGV_ERROR_UNSUPPORTED,
                                      "%s has no matrix units for half precision "
                                      "(VK_KHR_cooperative_matrix); -precision fp32 runs there",
                                      cgv_device_get_info(device)->name)
                           : CGV_OK;
}

static bool is_conv(const cgv_node *node) {
    return node->op == CGV_OP_CONV || node->op == CGV_OP_CONV_TRANSPOSE;
}

static bool wants_pixels(const cgv_plan *plan, const plan_step *step) {
    return step->matrix &&
           !(is_conv(&plan->net->nodes[step->node]) && cgv_matrix_conv_takes_planes(&step->conv));
}

// The node that operand k of a step is; the residual comes last. -1: none.
static int operand_node(const cgv_plan *plan, const plan_step *step, int k) {
    return k < 2 ? plan->net->nodes[step->node].input[k] : step->residual;
}

void cgv_plan_choose_formats(cgv_plan *plan) {
    const cgv_net *net = plan->net;
    const cgv_limits *limits = cgv_device_limits(plan->device);
    for (int s = 0; s < plan->step_count && plan->half; s++) {
        plan_step *step = &plan->steps[s];
        const cgv_node *node = &net->nodes[step->node];
        bool pixels_in = plan->as_pixels[node->input[0]], pixels_out = true;
        switch (node->op) {
        case CGV_OP_CONV:
        case CGV_OP_CONV_TRANSPOSE:
            step->matrix =
                cgv_matrix_conv_fits(limits, cgv_plan_shape(plan, node->input[0]), &step->conv);
            pixels_out = !cgv_matrix_conv_gives_planes(&step->conv);
            break;
        case CGV_OP_INSTANCE_NORM:
        case CGV_OP_ACTIVATION:
        case CGV_OP_ADD:
            step->matrix = pixels_in;
            break;
        default:
            break;
        }
        if (step->out == net->node_count - 1 && pixels_out)
            step->matrix = false; // results are planes
        plan->as_pixels[step->out] = step->matrix && pixels_out;
    }
}

uint64_t cgv_plan_node_bytes(const cgv_plan *plan, int node) {
    cgv_tensor shape = cgv_plan_shape(plan, node);
    return plan->as_pixels[node]
               ? cgv_pixels_bytes((cgv_pixels){0, shape.n, shape.c, shape.h, shape.w})
               : cgv_tensor_bytes(shape);
}

// Bytes of operand k in the format that the step wants, when its tensor has the other one; else 0.
uint64_t cgv_plan_conversion_bytes(const cgv_plan *plan, const plan_step *step, int k) {
    int node = operand_node(plan, step, k);
    if (node < 0 || plan->as_pixels[node] == wants_pixels(plan, step))
        return 0;
    cgv_tensor shape = cgv_plan_shape(plan, node);
    return plan->as_pixels[node]
               ? cgv_tensor_bytes(shape)
               : cgv_pixels_bytes((cgv_pixels){0, shape.n, shape.c, shape.h, shape.w});
}

static cgv_pixels as_pixels(cgv_tensor t) {
    return (cgv_pixels){t.address, t.n, t.c, t.h, t.w};
}

cgv_tensor cgv_plan_operand(const cgv_plan *plan, cgv_cmd *cmd, const cgv_tape *tape,
                            const plan_step *step, int k) {
    int node = operand_node(plan, step, k);
    if (node < 0)
        return (cgv_tensor){0};
    cgv_tensor own = cgv_plan_tensor(plan, tape, node), other = own;
    if (step->converted[k] < 0)
        return own;
    other.address = cgv_plan_storage(plan, tape, step->converted[k]);
    if (plan->as_pixels[node])
        cgv_pixels_to_planes(cmd, other, as_pixels(own));
    else
        cgv_pixels_from_planes(cmd, as_pixels(other), own);
    return other;
}

static void record_norm(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                        const cgv_tape *tape, const plan_step *step, cgv_pixels y, cgv_pixels x,
                        cgv_pixels residual) {
    const cgv_node *node = &plan->net->nodes[step->node];
    uint64_t stats =
        tape->keep ? tape->held + step->held : cgv_plan_storage(plan, tape, step->stats);
    cgv_pixels_norm_stats(cmd, stats, x, cgv_plan_storage(plan, tape, step->scratch), tape->keep,
                          node->epsilon);
    cgv_pixels_norm(cmd, y, x, stats, residual,
                    &(cgv_norm_params){.scale = cgv_plan_param(plan, &params->values, node->weight),
                                       .shift = cgv_plan_param(plan, &params->values, node->bias),
                                       .activation = step->activation,
                                       .slope = step->slope});
}

void cgv_plan_record_matrix(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                            const cgv_tape *tape, const plan_step *step) {
    const cgv_node *node = &plan->net->nodes[step->node];
    cgv_tensor x = cgv_plan_operand(plan, cmd, tape, step, 0);
    cgv_tensor second = cgv_plan_operand(plan, cmd, tape, step, 1);
    cgv_tensor residual = cgv_plan_operand(plan, cmd, tape, step, 2);
    cgv_tensor y = cgv_plan_tensor(plan, tape, step->out);
    switch (node->op) {
    case CGV_OP_INSTANCE_NORM:
        record_norm(plan, cmd, params, tape, step, as_pixels(y), as_pixels(x), as_pixels(residual));
        break;
    case CGV_OP_ACTIVATION:
        cgv_pixels_norm(cmd, as_pixels(y), as_pixels(x), 0, (cgv_pixels){0},
                        &(cgv_norm_params){.activation = step->activation, .slope = step->slope});
        break;
    case CGV_OP_ADD:
        cgv_pixels_norm(cmd, as_pixels(y), as_pixels(x), 0, as_pixels(second),
                        &(cgv_norm_params){0});
        break;
    default:
        cgv_matrix_conv(
            cmd, (cgv_matrix_operand){as_pixels(y), y}, (cgv_matrix_operand){as_pixels(x), x},
            plan->packed.address + step->packed, cgv_plan_param(plan, &params->values, node->bias),
            step->scratch < 0 ? 0 : cgv_plan_storage(plan, tape, step->scratch), &step->conv);
    }
}
