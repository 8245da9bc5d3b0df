// Which kernel every convolution of a plan takes.
#include "base/log.h"
#include "nn/plan_internal.h"
#include "ops/choose.h"

static cgv_status choose(cgv_chooser *chooser, cgv_kernels kernels, cgv_tensor y, cgv_tensor x,
                         cgv_conv_params *conv) {
    bool winograd =
        kernels == CGV_KERNELS_WINOGRAD && !conv->exact && cgv_conv_fits(CGV_CONV_WINOGRAD, conv);
    switch (kernels) {
    case CGV_KERNELS_RULES:
        conv->choice = cgv_conv_rule(chooser->device, y, x, conv);
        break;
    case CGV_KERNELS_AUTO:
        return cgv_conv_choose(chooser, &conv->choice, y, x, conv);
    case CGV_KERNELS_DIRECT:
    case CGV_KERNELS_WINOGRAD:
        conv->choice = winograd ? cgv_conv_rule_winograd(chooser->device, conv)
                                : cgv_conv_rule_direct(chooser->device, y, x, conv);
        break;
    }
    return CGV_OK;
}

// Of a convolution and, in training, of the one that gives its data gradient.
static cgv_status choose_step(const cgv_plan *plan, cgv_chooser *chooser, cgv_kernels kernels,
                              plan_step *step) {
    cgv_tensor y = cgv_plan_shape(plan, step->out);
    cgv_tensor x = cgv_plan_shape(plan, plan->net->nodes[step->node].input[0]);
    cgv_status status = choose(chooser, kernels, y, x, &step->conv);
    if (status || !plan->train)
        return status;
    if (step->conv.pad_mode != CGV_PAD_ZERO) { // it is that of the padded picture
        x.h += 2 * step->conv.pad;
        x.w += 2 * step->conv.pad;
    }
    step->data_grad = cgv_conv_data_grad(&step->conv);
    return choose(chooser, kernels, x, y, &step->data_grad);
}

cgv_status cgv_plan_choose_kernels(cgv_plan *plan, cgv_kernels kernels) {
    cgv_chooser chooser = {.device = plan->device};
    cgv_status status = CGV_OK;
    int on_matrix_units = 0;
    for (int s = 0; s < plan->step_count && !status; s++) {
        if (plan->steps[s].matrix)
            on_matrix_units++;
        else if (plan->steps[s].conv.cin)
            status = choose_step(plan, &chooser, kernels, &plan->steps[s]);
    }
    cgv_chooser_end(&chooser);
    if (on_matrix_units && (kernels == CGV_KERNELS_DIRECT || kernels == CGV_KERNELS_WINOGRAD))
        cgv_log(CGV_LOG_WARNING,
                "%d layers run on matrix units, which have one kernel: -kernels is for the others; "
                "-precision fp32 has none of these",
                on_matrix_units);
    return status;
}
