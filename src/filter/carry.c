#include "filter/carry.h"

#include <math.h>

#include "base/log.h"
#include "filter/steady.h"
#include "model/model.h"
#include "ops/graph.h"

// In units of [-1, 1]: small pixels of another colour than that hardly count.
static const float colour_sigma = 0.15f;

// The window of the fit, in small pixels, and the variance that counts as flat (a tenth of
// contrast).
enum { FIT_RADIUS = 2 };
static const float fit_epsilon = 4e-4f;

// At least two, so that the deepest layers have something to reflect, and no more than fit into
// `most`.
static int nearest_multiple(double size, int multiple, int most) {
    int count = (int)lround(size / multiple);
    count = count < 2 ? 2 : count;
    return (count > most / multiple ? most / multiple : count) * multiple;
}

// Does the net end in a head that says what to do with the picture?
static bool has_head(const cgv_net *net) {
    const cgv_node *last = &net->nodes[net->node_count - 1];
    return (last->op == CGV_OP_AFFINE_HEAD || last->op == CGV_OP_BILATERAL_SLICE) &&
           last->input[0] == net->node_count - 2 && last->input[1] == 0;
}

bool cgv_carry_has_grid(const cgv_net *net) {
    return has_head(net) && net->nodes[net->node_count - 1].op == CGV_OP_BILATERAL_SLICE;
}

int cgv_carry_height(const cgv_model *model, int width, int height) {
    const cgv_model_info *info = &model->info;
    if (!info->train_width || !has_head(model->net))
        return 0;
    double pixels = (double)info->train_width * info->train_height;
    return (int)lround(sqrt(pixels * height / width));
}

// The factor that an affine head's coefficients would have been enlarged by.
static int drop_head(cgv_net *net) {
    if (net->nodes[--net->node_count].op == CGV_OP_BILATERAL_SLICE)
        return 1;
    const cgv_node *last = &net->nodes[net->node_count - 1];
    if (last->op != CGV_OP_UPSAMPLE)
        return 1;
    net->node_count--;
    return last->factor;
}

static uint64_t room(cgv_tensor tensor) {
    return (cgv_tensor_bytes(tensor) + 255) / 256 * 256;
}

cgv_status cgv_carry_create(cgv_carry *out, cgv_device *device, cgv_net *net, cgv_plan_params *plan,
                            int width, int height, bool keep_picture) {
    *out = (cgv_carry){0};
    plan->h = nearest_multiple(plan->h, net->multiple, height);
    plan->w = nearest_multiple((double)width * plan->h / height, net->multiple, width);
    bool head = has_head(net);
    out->grid = cgv_carry_has_grid(net);
    int factor = head ? drop_head(net) : 1;
    out->picture = out->result = (cgv_tensor){.n = 1, .c = 3, .h = height, .w = width};
    out->coefficients = (cgv_tensor){.n = 1, .c = 6, .h = plan->h, .w = plan->w};
    out->guide = (cgv_tensor){.n = 1, .c = 3, .h = plan->h / factor, .w = plan->w / factor};
    out->back = (cgv_tensor){.n = 1, .c = 3, .h = plan->h, .w = plan->w};
    uint64_t result_at = room(out->picture) * (keep_picture || !head); // fitted: carried twice
    uint64_t coefficients_at = room(out->picture) + result_at;
    uint64_t back_at = coefficients_at + room(out->coefficients) * !head;
    uint64_t guide_at = back_at + room(out->back) * !head;
    uint64_t bytes = guide_at + room(out->guide) * (factor > 1);
    cgv_status status =
        cgv_buffer_create(&out->memory, device, bytes, CGV_MEMORY_DEVICE, "full-size picture");
    if (status)
        return status;
    out->picture.address = out->memory.address;
    out->result.address = out->memory.address + result_at;
    out->coefficients.address = head ? 0 : out->memory.address + coefficients_at;
    out->back.address = head ? 0 : out->memory.address + back_at;
    out->guide.address = factor > 1 ? out->memory.address + guide_at : 0;
    cgv_log(CGV_LOG_VERBOSE, "the network runs at %dx%d, %s carried to %dx%d", plan->w, plan->h,
            head ? "its gains and offsets are" : "a local colour model of its change is", width,
            height);
    return CGV_OK;
}

void cgv_carry_destroy(cgv_carry *carry) {
    cgv_buffer_destroy(&carry->memory);
}

// What the result, made small again, lacks of the network's picture joins the offsets: interpolated
// along the edges, as they are, it makes up for what their interpolation lost, without halos.
// (Back-projection: Irani and Peleg 1991, Improving Resolution by Image Registration.)
static void record_correction(const cgv_carry *carry, cgv_cmd *cmd, cgv_tensor output) {
    cgv_tensor back = carry->back, offsets = back;
    offsets.address = carry->coefficients.address + cgv_tensor_bytes(back);
    cgv_shrink(cmd, back, carry->result);
    cgv_elementwise(cmd, back, output, back, &(cgv_elementwise_params){.binary = CGV_BINARY_SUB});
    cgv_add(cmd, offsets, offsets, back);
}

void cgv_carry_record(const cgv_carry *carry, cgv_cmd *cmd, cgv_tensor output, cgv_tensor small,
                      const cgv_past *past) {
    if (carry->grid) {
        cgv_cmd_label(cmd, "slice at full size");
        if (past)
            cgv_steady_slice(cmd, carry->result, output, carry->picture, past);
        else
            cgv_bilateral_slice(cmd, carry->result, output, carry->picture);
        cgv_cmd_label(cmd, NULL);
        return;
    }
    bool fitted = carry->coefficients.address;
    cgv_tensor coefficients = fitted ? carry->coefficients : output;
    cgv_tensor guide = carry->guide.address ? carry->guide : small;
    cgv_cmd_label(cmd, "carry to full size");
    if (carry->guide.address)
        cgv_shrink(cmd, guide, small);
    if (fitted) {
        cgv_affine_fit(cmd, coefficients, output, small, FIT_RADIUS, fit_epsilon);
        cgv_affine_carry(cmd, carry->result, carry->picture, coefficients, guide, colour_sigma,
                         CGV_ACT_NONE);
        record_correction(carry, cmd, output);
    }
    cgv_affine_carry(cmd, carry->result, carry->picture, coefficients, guide, colour_sigma,
                     fitted ? CGV_ACT_NONE : CGV_ACT_TANH);
    cgv_cmd_label(cmd, NULL);
    cgv_steady_record_result(cmd, carry->result, carry->picture, past);
}
