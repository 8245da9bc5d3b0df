// What a plan is made of: shared by nn/plan.c, nn/plan_record.c (forward) and nn/backward.c.
#ifndef CGV_NN_PLAN_INTERNAL_H
#define CGV_NN_PLAN_INTERNAL_H

#include "nn/layout.h"
#include "nn/plan.h"
#include "ops/grad.h"
#include "ops/matrix.h"

// One op call: a node of the net with what was fused into it.
typedef struct plan_step {
    int node;     // the node that names it
    int out;      // the node whose tensor it writes: itself, or what was fused
    int residual; // instance norm: node whose tensor is added, or -1
    cgv_activation activation;
    float slope;
    cgv_conv_params conv;
    uint64_t packed;           // offset of its weights in the packed buffer
    cgv_conv_params data_grad; // training: the convolution that gives the data gradient
    uint64_t data_grad_packed;
    int stats, scratch; // storages: of an instance norm's statistics; of scratch memory
    bool matrix;        // its kernel works on pixels in half precision (nn/plan_half.c)
    int converted[3];   // storages of operands in the other format; -1: as they are
    uint64_t held;      // offset of those that are held over frames
    char label[96];
} plan_step;

struct cgv_plan {
    cgv_device *device;
    const cgv_net *net;
    int n;
    cgv_size *sizes; // of every node's tensor
    int *storage_of; // of every node's tensor; -1: it never exists, having been fused away
    // A tensor that is written right where a concatenation wants it: the node of the whole tensor,
    // else itself; and where in its storage, in bytes.
    int *whole_of;
    uint64_t *offset_of;
    bool *as_pixels; // every node's tensor: pixels in half precision, not planes
    plan_step *steps;
    int step_count;
    cgv_storage *storages;
    int storage_count;
    cgv_layout_plan layout;
    cgv_buffer packed;
    uint64_t held_bytes; // of the statistics of all instance norms
    bool train, external_input, half;
    cgv_storage *grad_storages; // training: of the backward pass
    cgv_buffer workspace;
};

// A node's tensor without, and with, its address on a tape.
cgv_tensor cgv_plan_shape(const cgv_plan *plan, int node);
cgv_tensor cgv_plan_tensor(const cgv_plan *plan, const cgv_tape *tape, int node);
uint64_t cgv_plan_storage(const cgv_plan *plan, const cgv_tape *tape, int storage);
// Address in `buffer`, which is laid out as the net's parameters; 0 for parameter -1.
uint64_t cgv_plan_param(const cgv_plan *plan, const cgv_buffer *buffer, int param);

// Where operand k of a concatenation begins in its result, in bytes of one picture; whether it is
// written right there.
uint64_t cgv_plan_part_offset(const cgv_plan *plan, int node, int k);
bool cgv_plan_part_in_place(const cgv_plan *plan, int concat, int k);

// ---- half precision (nn/plan_half.c) ----

// Decide which steps run on matrix units, and with them every tensor's format.
void cgv_plan_choose_formats(cgv_plan *plan);
uint64_t cgv_plan_node_bytes(const cgv_plan *plan, int node);
// Bytes of operand k (2: the residual) in the format that the step wants; 0: it has that.
uint64_t cgv_plan_conversion_bytes(const cgv_plan *plan, const plan_step *step, int k);
// Operand k in that format, converted if need be.
cgv_tensor cgv_plan_operand(const cgv_plan *plan, cgv_cmd *cmd, const cgv_tape *tape,
                            const plan_step *step, int k);
void cgv_plan_record_matrix(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                            const cgv_tape *tape, const plan_step *step);

// The kernels of those that do not, and to train of the convolutions that give data gradients
// (nn/plan_kernels.c).
CGV_NODISCARD cgv_status cgv_plan_choose_kernels(cgv_plan *plan, cgv_kernels kernels);

// Lay out the backward pass and allocate its workspace.
CGV_NODISCARD cgv_status cgv_plan_create_backward(cgv_plan *plan);

#endif
