// A net made ready for one input shape on one device: fused steps, a memory layout, and packed
// weights. It records itself into a command list.
//
//     cgv_params_create(&params, device, net, weights);
//     cgv_plan_create(&plan, device, net, &(cgv_plan_params){.n = 1, .h = 256, .w = 256});
//     cgv_tape_create(&tape, plan);
//     cgv_plan_pack(plan, cmd, params);         // once, and after every change of the weights
//     cgv_plan_record(plan, cmd, params, tape); // tape's input -> tape's output
#ifndef CGV_NN_PLAN_H
#define CGV_NN_PLAN_H

#include "cgvideo/translator.h"
#include "nn/layout.h"
#include "nn/net.h"
#include "ops/choose.h"
#include "ops/ops.h"

// The weights of a net on the device, in PyTorch's layouts at the net's offsets.
typedef struct cgv_params {
    cgv_buffer values; // net->param_floats floats
} cgv_params;

// values: net->param_floats floats in host memory.
CGV_NODISCARD cgv_status cgv_params_create(cgv_params *out, cgv_device *device, const cgv_net *net,
                                           const float *values);
void cgv_params_destroy(cgv_params *params);

typedef struct cgv_plan cgv_plan;

typedef struct cgv_plan_params {
    int n, h, w;         // of the input; h and w multiples of net->multiple
    bool keep_input;     // the input survives the run: its memory is not reused
    bool external_input; // tapes own no input: cgv_tape_bind gives them one
    bool train;          // all activations survive it, for cgv_plan_record_backward
    bool half;           // in half precision, where the device has matrix units; not to train
    cgv_kernels kernels; // of convolutions in single precision; to train all are direct sums
} cgv_plan_params;

// Whether a plan of this precision runs in half.
CGV_NODISCARD cgv_status cgv_plan_wants_half(bool *half, const cgv_device *device,
                                             cgv_precision precision);

// device and net must outlive the plan.
CGV_NODISCARD cgv_status cgv_plan_create(cgv_plan **out, cgv_device *device, const cgv_net *net,
                                         const cgv_plan_params *params);
void cgv_plan_destroy(cgv_plan **plan);

// The activations of one application of a plan. Applying a net several times within one step takes
// several tapes. Destroyed before its plan.
typedef struct cgv_tape {
    cgv_buffer blocks[CGV_MAX_BLOCKS];
    int block_count;
    cgv_tensor input, output;
    uint64_t held, keep; // of cgv_tape_hold; 0: none
    uint64_t given;      // of cgv_tape_give; 0: none
} cgv_tape;
CGV_NODISCARD cgv_status cgv_tape_create(cgv_tape *out, const cgv_plan *plan);
void cgv_tape_destroy(cgv_tape *tape);
// The input of a plan with external_input, of the plan's shape. Before recording.
void cgv_tape_bind(cgv_tape *tape, cgv_tensor input);
// For the frames of a video, before recording: the statistics of instance norms become averages
// over frames, held at `stats`, cgv_plan_held_bytes of them (0: the net has no instance norm), with
// the weight at `keep` for what is there from the frame before (ops/steady.h). Not with `train`.
void cgv_tape_hold(cgv_tape *tape, uint64_t stats, uint64_t keep);
uint64_t cgv_plan_held_bytes(const cgv_plan *plan);
// Before recording: the statistics of instance norms are there already, laid out as held ones, and
// are not taken from this input. Not with `train`, nor in half precision.
void cgv_tape_give(cgv_tape *tape, uint64_t stats);
uint64_t cgv_tape_bytes(const cgv_tape *tape);

// Put the weights into the order that the chosen kernels want; the plan holds the result.
void cgv_plan_pack(cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params);

// Reverse mode: from doutput, the gradient of the tape's output, to dinput, that of its input
// (address 0: not wanted), adding the parameters' gradients to `grads`, which is laid out as the
// parameters (NULL: they are frozen). doutput is overwritten; dinput lies apart from it, for which
// of the two is done with first depends on the net. Needs `train`; the tape is of a finished
// cgv_plan_record with the same weights. The plan's workspace serves one backward pass at a time.
void cgv_plan_record_backward(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                              const cgv_buffer *grads, const cgv_tape *tape, cgv_tensor doutput,
                              cgv_tensor dinput);

// Device memory of the plan itself: packed weights and the backward pass's workspace.
uint64_t cgv_plan_bytes(const cgv_plan *plan);

// The steps in order, for reports. The label is also that of the step's commands in a profile, as
// the same pointer.
typedef struct cgv_plan_step_info {
    const char *label;
    double macs;                  // multiply-adds of a convolution, else 0
    double bytes;                 // that it must move: operands, weights, result, each of them once
    bool matrix;                  // its products are of matrix units, in half precision
    char kernel[CGV_CHOICE_NAME]; // of a convolution, else empty
} cgv_plan_step_info;
int cgv_plan_step_count(const cgv_plan *plan);
cgv_plan_step_info cgv_plan_step(const cgv_plan *plan, int step);

// The instance norms, in the order of their steps: their input on a tape, and where their
// statistics are among held ones.
typedef struct cgv_plan_norm {
    int step;
    cgv_tensor input;
    uint64_t held;
    float epsilon;
} cgv_plan_norm;
int cgv_plan_norm_count(const cgv_plan *plan);
cgv_plan_norm cgv_plan_norm_at(const cgv_plan *plan, const cgv_tape *tape, int k);

// The steps before step `end`. Errors stick in cmd.
void cgv_plan_record_until(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                           const cgv_tape *tape, int end);
void cgv_plan_record(const cgv_plan *plan, cgv_cmd *cmd, const cgv_params *params,
                     const cgv_tape *tape);

#endif
