// A whole network through the references in C, node by node: nothing fused, no memory shared.
#ifndef CGV_TESTS_REFERENCE_NET_H
#define CGV_TESTS_REFERENCE_NET_H

#include <stdbool.h>

#include "base/rng.h"
#include "nn/net.h"
#include "reference.h"

// Weights that keep activations near 1, in the arena's order; free() them.
float *ref_random_params(const cgv_net *net, cgv_rng *rng);

// The output for x [shape], free() it; *out is its shape. NULL when out of memory or when the net
// refuses the size.
float *ref_net(const cgv_net *net, const float *params, const float *x, ref_shape shape,
               ref_shape *out);

// The same with all that is between, in double: change params or the input, values[0], and evaluate
// again.
typedef struct ref_evaluation {
    const cgv_net *net;
    int n;
    cgv_size *sizes; // of every node
    double *params;  // net->param_floats
    double **values; // of every node
    double *stats;
} ref_evaluation;

// x NULL: values[0] is left for the caller to fill. False when out of memory or when the net
// refuses the size.
bool ref_evaluation_create(ref_evaluation *e, const cgv_net *net, const float *params,
                           const float *x, ref_shape shape);
void ref_evaluation_destroy(ref_evaluation *e);
ref_shape ref_evaluation_shape(const ref_evaluation *e, int node);

// Compute the nodes from this one on (1: all); the output.
const double *ref_evaluate(const ref_evaluation *e, int from);

#endif
