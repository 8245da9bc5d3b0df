// What the importer of ONNX graphs is made of (see model/onnx.h).
//
// Sizes. A graph computes shapes with the operations that it computes pictures with. So that these
// can be followed, the importer walks through the graph with a few made-up sizes of the input at
// once: every number that depends on the size has a value in each lane, and is a constant of the
// net exactly if all of them agree. A graph of a fixed size has that size in every lane.
#ifndef CGV_MODEL_ONNX_INTERNAL_H
#define CGV_MODEL_ONNX_INTERNAL_H

#include <search.h>
#include <stdlib.h>

#include "base/log.h"
#include "model/onnx.h"
#include "model/onnx.pb-c.h"
#include "nn/net_graph.h"

enum { ONNX_LANES = 3, ONNX_MAX_RANK = 8, ONNX_MAX_ATOMS = 12 };

// Element types of the format that need a name.
enum {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_HALF = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12,
    ONNX_UINT64 = 13,
    ONNX_BFLOAT16 = 16,
};

// A piece of one axis (1 channels, 2 rows, 3 columns) of a tensor of the net: index / inner % size.
typedef struct onnx_atom {
    int axis;
    int64_t size[ONNX_LANES], inner[ONNX_LANES];
} onnx_atom;

// How the graph sees a tensor of the net, whose axes it may have turned, split and joined: axis i
// of the graph's tensor is made of atoms first[i] to first[i + 1], the last varying fastest. There
// are none of the batch, which is 1.
typedef struct onnx_view {
    int rank;
    int first[ONNX_MAX_RANK + 1];
    onnx_atom atoms[ONNX_MAX_ATOMS];
} onnx_view;

typedef enum onnx_kind {
    ONNX_UNKNOWN, // nothing has computed it yet
    ONNX_CONSTANT,
    ONNX_PICTURE, // depends on what is in the picture: a tensor of the net
} onnx_kind;

typedef struct onnx_value {
    const char *name;
    onnx_kind kind;
    int producer; // node of the graph, -1: none
    int readers;  // inputs of needed nodes, and the graph's output
    // A constant: `count` numbers, in each lane if it `varies`.
    const Cgv__Onnx__Tensor *tensor; // not decoded yet
    int rank;
    int64_t shape[ONNX_MAX_RANK];
    size_t count;
    bool varies, integer;
    double *data;
    // A tensor of the net.
    int node;
    bool alone; // it is a convolution's, and nothing else stands for that node
    onnx_view view;
} onnx_value;

typedef struct onnx_import {
    const char *where;
    const Cgv__Onnx__Graph *graph;
    int64_t opset;
    onnx_value *values;
    int value_count;
    struct hsearch_data table; // of values by name
    bool *needed;              // nodes of the graph
    cgv_net *net;
    cgv_size *sizes[ONNX_LANES]; // of the net's tensors
    int size_capacity;
    float *params; // as net->params say
    size_t param_capacity;
    size_t room; // bytes that may still be allocated
    // Why an operation failed, where it is not that cgvideo lacks something: what gives a pointer
    // or a number says only that it failed, which its caller takes for CGV_ERROR_UNSUPPORTED.
    cgv_status cause;
} onnx_import;

// A node of the graph with its operands.
typedef struct onnx_node {
    const Cgv__Onnx__Node *proto;
    int index;
    const char *op;
} onnx_node;

// ---- onnx_node.c ----

// "WHERE: unsupported: node 'NAME' (OP) …", in one line.
cgv_status cgv_onnx_refuse(const onnx_import *im, const onnx_node *n, const char *format, ...)
    CGV_PRINTF(3, 4);
#ifdef __clang_analyzer__ // as cgv_fail
#define cgv_onnx_refuse(...) (cgv_onnx_refuse(__VA_ARGS__), CGV_ERROR_UNSUPPORTED)
#endif

int64_t cgv_onnx_int(const onnx_node *n, const char *name, int64_t otherwise);
float cgv_onnx_float(const onnx_node *n, const char *name, float otherwise);
// Is the text of an attribute, or where it is missing `otherwise`, this one?
bool cgv_onnx_text_is(const onnx_node *n, const char *name, const char *otherwise,
                      const char *text);
// Their count, at most `most`, or -1 where the attribute is missing or longer.
int cgv_onnx_ints(const onnx_node *n, const char *name, int64_t *out, int most);
const Cgv__Onnx__Attribute *cgv_onnx_attribute(const onnx_node *n, const char *name);

// Operand i, NULL where it is left out; result i, NULL where nobody wants it.
onnx_value *cgv_onnx_input(const onnx_import *im, const onnx_node *n, size_t i);
onnx_value *cgv_onnx_output(const onnx_import *im, const onnx_node *n, size_t i);
// Operand i, which must be there: NULL after a message.
onnx_value *cgv_onnx_operand(const onnx_import *im, const onnx_node *n, size_t i);

// ---- onnx_value.c ----

CGV_NODISCARD cgv_status cgv_onnx_values_create(onnx_import *im);
void cgv_onnx_values_destroy(onnx_import *im);
onnx_value *cgv_onnx_find(const onnx_import *im, const char *name);

// Memory for `count` items of `size` bytes within im->room; NULL, after a message, beyond it.
void *cgv_onnx_allocate(onnx_import *im, size_t count, size_t size);

// Make v a constant of this shape, numbers zero.
CGV_NODISCARD cgv_status cgv_onnx_constant(onnx_import *im, onnx_value *v, int rank,
                                           const int64_t *shape, bool varies, bool integer);
CGV_NODISCARD cgv_status cgv_onnx_decode(onnx_import *im, onnx_value *v,
                                         const Cgv__Onnx__Tensor *tensor);
// The numbers of a constant in a lane; NULL, after a message, if they cannot be had.
const double *cgv_onnx_numbers(onnx_import *im, onnx_value *v, int lane);
static inline int cgv_onnx_lanes(const onnx_value *v) {
    return v->varies ? ONNX_LANES : 1;
}
// The same of one that is decoded, to be written to.
static inline double *cgv_onnx_lane(onnx_value *v, int lane) {
    return v->data + (v->varies ? (size_t)lane * v->count : 0);
}
// Make y what x is, constant or picture.
CGV_NODISCARD cgv_status cgv_onnx_copy(onnx_import *im, onnx_value *y, onnx_value *x);
// Of the extents from axis `from` to before `to`.
int64_t cgv_onnx_product(const int64_t *shape, int from, int to);
// The numbers of a constant that does not vary, as integers. -1 after a message; `most` as above.
int cgv_onnx_integers(onnx_import *im, const onnx_node *n, onnx_value *v, int64_t *out, int most);

// Make v the tensor of a node of the net: its axes in the order N, C, H, W.
void cgv_onnx_picture(onnx_import *im, onnx_value *v, int node);
// The same, the axes in the order that they have in `like`, whose sizes are another node's.
void cgv_onnx_picture_like(onnx_import *im, onnx_value *v, int node, const onnx_value *like);
int64_t cgv_onnx_extent(const onnx_value *v, int axis, int lane);
// Axis 1 to 3 of the net's tensor that axis i of the graph's is; 0: none (1 element), -1: no whole
// one.
int cgv_onnx_axis(const onnx_import *im, const onnx_value *v, int i);
// Axis i of the graph's tensor may be counted from behind. -1: it has none.
int cgv_onnx_wrap(int64_t axis, int rank);
CGV_NODISCARD cgv_status cgv_onnx_reshape(onnx_import *im, const onnx_node *n, onnx_value *y,
                                          const onnx_value *x, int rank,
                                          int64_t shape[][ONNX_LANES]);
CGV_NODISCARD cgv_status cgv_onnx_transpose(onnx_value *y, const onnx_value *x, const int *order);
// Is each axis of the graph's tensor an axis of the net's, in any order?
bool cgv_onnx_is_turned(const onnx_import *im, const onnx_value *v);
bool cgv_onnx_same_view(const onnx_value *a, const onnx_value *b);
// The node of a tensor that lies as the graph sees it, [N, C, H, W]. -1 after a message.
int cgv_onnx_plain(onnx_import *im, const onnx_node *n, onnx_value *v);

// ---- onnx_net.c ----

// Without the nodes that nothing reads any more, and their parameters.
CGV_NODISCARD cgv_status cgv_onnx_sweep(onnx_import *im);
// net->multiple: sides of which every layer gets whole ones.
CGV_NODISCARD cgv_status cgv_onnx_find_multiple(onnx_import *im);

// ---- onnx_import.c ----

// After each new node of the net: its status and sizes, and memory for its parameters.
CGV_NODISCARD cgv_status cgv_onnx_added(onnx_import *im, int node);
// Numbers of a parameter of the net.
float *cgv_onnx_param(const onnx_import *im, int param);
// A name for the layer that a node of the graph becomes.
const char *cgv_onnx_layer(char name[32], const onnx_node *n);

// x * scale + shift, each number for a channel: within the convolution that x is the result of, if
// it is of one and nobody else reads it. false: it is not.
bool cgv_onnx_fold_affine(onnx_import *im, const onnx_node *n, onnx_value *x, const double *scale,
                          const double *shift); // onnx_conv.c
// The numbers of a constant that x meets: one, or one a channel. Their count, or -1 after a
// message.
int cgv_onnx_channel_constant(onnx_import *im, const onnx_node *n, const onnx_value *x,
                              onnx_value *constant); // onnx_element.c
// Padding of a window for auto_pad and pads; window has the rest. sides: of a tensor to be seen.
CGV_NODISCARD cgv_status cgv_onnx_window(onnx_import *im, const onnx_node *n, cgv_window *window,
                                         int x, bool transposed); // onnx_conv.c

// ---- the operations ----

typedef cgv_status onnx_operation(onnx_import *im, const onnx_node *n);
onnx_operation cgv_onnx_conv, cgv_onnx_conv_transpose, cgv_onnx_batch_norm,
    cgv_onnx_instance_norm; // onnx_conv.c
onnx_operation cgv_onnx_pad, cgv_onnx_slice, cgv_onnx_split, cgv_onnx_concat, cgv_onnx_resize,
    cgv_onnx_pool, cgv_onnx_global_pool, cgv_onnx_reduce_mean, cgv_onnx_depth_to_space,
    cgv_onnx_space_to_depth;                                                   // onnx_space.c
onnx_operation cgv_onnx_binary, cgv_onnx_unary, cgv_onnx_clip, cgv_onnx_prelu; // onnx_element.c
onnx_operation cgv_onnx_shape, cgv_onnx_cast, cgv_onnx_identity, cgv_onnx_reshape_op,
    cgv_onnx_squeeze, cgv_onnx_transpose_op; // onnx_shape.c
onnx_operation cgv_onnx_constant_op, cgv_onnx_gather, cgv_onnx_constant_of_shape,
    cgv_onnx_expand; // onnx_fold.c
// One axis of a slice in the manner of NumPy: where it begins and ends in each lane, as the graph
// has it, and by which steps, never 0.
typedef struct onnx_slice {
    int axis;
    int64_t begin[ONNX_LANES], end[ONNX_LANES], step;
} onnx_slice;
// The slices of a Slice of x. Their count, or -1 after a message.
int cgv_onnx_slices(onnx_import *im, const onnx_node *n, const onnx_value *x,
                    onnx_slice slices[ONNX_MAX_RANK]);
// How many elements of `extent` a slice takes; the first one into *begin.
int64_t cgv_onnx_slice_count(int64_t *begin, int64_t end, int64_t step, int64_t extent);
// Axes of Squeeze, ReduceMean and the like: operand `i`, before some opset an attribute. Their
// count, -1 where none are given, -2 after a message.
int cgv_onnx_axes(onnx_import *im, const onnx_node *n, size_t i, int64_t axes[ONNX_MAX_RANK]);
// Expand of a picture, whose operand is `wanted`.
CGV_NODISCARD cgv_status cgv_onnx_expand_picture(onnx_import *im, const onnx_node *n, onnx_value *x,
                                                 onnx_value *wanted, onnx_value *y); // onnx_space.c
// With constants alone.
onnx_operation cgv_onnx_fold_binary, cgv_onnx_fold_unary, cgv_onnx_fold_slice, cgv_onnx_fold_concat;

// ---- onnx_range.c ----

// What 0..1 of a picture is in numbers of the graph, at its input or output.
typedef struct onnx_range {
    float low, high;
    bool known;
} onnx_range;
typedef struct onnx_meaning {
    onnx_range in, out;
    bool bgr;
} onnx_meaning;
// From metadata, else from the net: its ends are at nodes 1 and `last`.
void cgv_onnx_infer(onnx_meaning *out, const onnx_import *im, const Cgv__Onnx__Model *model,
                    int last);

#endif
