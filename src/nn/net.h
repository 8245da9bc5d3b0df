// A network as an immutable graph of operations on tensors, with the table of its parameters.
// Nothing here knows Vulkan: a plan (nn/plan.h) turns a net into GPU work.
#ifndef CGV_NN_NET_H
#define CGV_NN_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgvideo/status.h"
#include "ops/types.h"

typedef enum cgv_op {
    CGV_OP_INPUT,
    CGV_OP_CONV,           // y = w * x + b; weight [cout, cin/groups, k, k]
    CGV_OP_CONV_TRANSPOSE, // weight [cin, cout/groups, k, k]; stride 2
    CGV_OP_INSTANCE_NORM,  // optional scale, shift [c]
    CGV_OP_ACTIVATION,
    CGV_OP_ADD,          // two inputs of one shape
    CGV_OP_CONCAT,       // two inputs of one size: the channels of the first, then the second's
    CGV_OP_UPSAMPLE,     // by an integer factor
    CGV_OP_AVERAGE_POOL, // means of squares of factor x factor
    CGV_OP_AFFINE_HEAD,  // tanh(x * (1 + gain) + offset); inputs: gains and offsets [2c], x [c]
    CGV_OP_JOIN,         // the numbers of two inputs of one batch behind each other: [1, 1, count]
    CGV_OP_COORD,        // the input's channels and one more, of row coordinates: cgv_coord
    CGV_OP_BILATERAL_SLICE, // cgv_bilateral_slice; inputs: grid, of any size, x [3]
    // Of imported graphs, forward only (ops/graph.h, nn/net_graph.h).
    CGV_OP_WINDOW_CONV,
    CGV_OP_POOL,
    CGV_OP_ELEMENTWISE,
    CGV_OP_PAD,
    CGV_OP_REARRANGE,
    CGV_OP_RESIZE,
} cgv_op;

// A node is named by its index; its inputs have smaller indices. Its output is its tensor.
typedef struct cgv_node {
    cgv_op op;
    int input[2];     // -1: none
    int channels;     // of the output
    int weight, bias; // parameter indices, -1: none. Instance norm: scale and shift.
    int kernel, stride, pad, output_pad, groups;
    cgv_pad_mode pad_mode;
    cgv_activation activation;
    float slope;   // leaky ReLU
    float epsilon; // instance norm
    int factor;    // upsample, average pool, rearrange
    cgv_upsample_mode upsample;
    cgv_window window; // window convolution, pool
    int window_output_pad[2];
    bool transposed; // window convolution
    bool ceil; // pool: a window that begins in the picture counts even if it does not end there
    cgv_pooling pool;
    cgv_binary binary;     // elementwise: of the inputs, or of the one and the parameter `weight`
    bool constant_first;   // the parameter is the first operand
    cgv_function function; // of what they give, with two constants
    float p, q;
    cgv_margin margin; // pad
    cgv_rearrangement rearrangement;
    cgv_centres centres; // resize
    cgv_nearest nearest;
    float scale[2];
    int like; // resize: to the size of that node's tensor; -1: by `scale`
} cgv_node;

// Filters that networks keep among their weights but do not learn.
typedef enum cgv_filter {
    CGV_FILTER_NONE,
    CGV_FILTER_1_2_1,   // 1 2 1 across and down, their sum 1
    CGV_FILTER_1_3_3_1, // the same with 1 3 3 1, their sum 4: what enlarging to twice the size
                        // takes
} cgv_filter;

// Name as in the PyTorch state_dict; PyTorch's shape; offset in floats into the parameter arena.
typedef struct cgv_param {
    char name[96];
    cgv_filter filter; // else learned
    int dims;
    int64_t shape[4];
    size_t count, offset;
} cgv_param;

typedef struct cgv_net {
    char architecture[64];
    cgv_node *nodes;
    int node_count, node_capacity;
    cgv_param *params;
    int param_count, param_capacity;
    size_t param_floats; // size of the arena
    int input_channels;
    int multiple;      // sides of the input must be multiples of this
    cgv_status status; // sticky error of the builders below
} cgv_net;

// Node 0 is the input, made by cgv_net_create; the last node is the output.
// Builders: append a node and return its index. After a failure (out of memory, channels or groups
// that do not fit) they return 0 and do nothing; cgv_net_create's caller checks net->status once.
// Weight names get ".weight" and ".bias" after `name`; an instance norm's name may be NULL (not
// affine). Offsets of parameters are multiples of 4 floats.
CGV_NODISCARD cgv_status cgv_net_create(cgv_net **out, const char *architecture,
                                        int input_channels);
void cgv_net_destroy(cgv_net **net);

typedef struct cgv_conv_desc {
    int channels, kernel, stride, pad, output_pad, groups; // groups 0 means 1, stride 0 means 1
    cgv_pad_mode pad_mode;
    bool no_bias;
} cgv_conv_desc;

int cgv_net_conv(cgv_net *net, int x, const char *name, const cgv_conv_desc *desc);
// Stride 2; nn/net_graph.h has others.
int cgv_net_conv_transpose(cgv_net *net, int x, const char *name, const cgv_conv_desc *desc);
int cgv_net_instance_norm(cgv_net *net, int x, const char *name);
// Half the size by a fixed filter, 1 2 1 over a reflected border; twice the size by 1 3 3 1 over a
// repeated one, which is a bilinear enlargement. Their filters are parameters, NAME.filt [c, 1, k,
// k], for files to hold.
int cgv_net_blur_down(cgv_net *net, int x, const char *name);
int cgv_net_blur_up(cgv_net *net, int x, const char *name);
int cgv_net_activation(cgv_net *net, int x, cgv_activation activation, float slope);
int cgv_net_add(cgv_net *net, int x, int y);
int cgv_net_concat(cgv_net *net, int x, int y);
int cgv_net_upsample(cgv_net *net, int x, int factor, cgv_upsample_mode mode);
// The sides of x must be multiples of factor: see net->multiple.
int cgv_net_average_pool(cgv_net *net, int x, int factor);
int cgv_net_join(cgv_net *net, int x, int y);
int cgv_net_coord(cgv_net *net, int x);
int cgv_net_affine_head(cgv_net *net, int coefficients, int x);
int cgv_net_bilateral_slice(cgv_net *net, int grid, int x);

// For training: let a net that ends in a bilateral slice see its input made smaller by `factor`,
// and slice it as it is. Its picture is then as fine as where the grid is carried to a full-size
// one, and costs little more (Gharbi et al. 2017, §3.4, train on full-size pictures).
// CGV_ERROR_ARGUMENT for other nets; a factor of 1 changes nothing.
CGV_NODISCARD cgv_status cgv_net_shrink_input(cgv_net *net, int factor);
// The factor; 1: it sees its input as it is.
int cgv_net_input_factor(const cgv_net *net);

// The one node that reads a node's tensor, once; -1: none, or more.
int cgv_net_only_reader(const cgv_net *net, int node);

// Whether two nets do the same with parameters of the same shapes, whatever these are called.
bool cgv_net_same(const cgv_net *a, const cgv_net *b); // net_same.c

// The numbers of a parameter that is a filter.
void cgv_param_fill_filter(const cgv_param *param, float *values);
// Whether the plan can run this operation backward.
bool cgv_op_trains(cgv_op op);

// Height and width of every node's tensor for one input size; `sizes` has node_count entries.
// CGV_ERROR_ARGUMENT when the sides are no multiples of net->multiple, or too small for a layer.
typedef struct cgv_size {
    int h, w;
} cgv_size;
CGV_NODISCARD cgv_status cgv_net_shapes(const cgv_net *net, int h, int w, cgv_size *sizes);

// The same of one node, whose inputs' sizes are known.
CGV_NODISCARD cgv_status cgv_net_shape(const cgv_net *net, int node, cgv_size *sizes);

// Multiply-adds of one node for one input; 0 unless it is a convolution. sizes: of all nodes.
double cgv_node_macs(const cgv_net *net, int node, const cgv_size *sizes);

// Multiply-adds of the convolutions for one input of this size; transposed ones counted as four
// phases. 0 for a size that cgv_net_shapes refuses.
double cgv_net_macs(const cgv_net *net, int h, int w);

#endif
