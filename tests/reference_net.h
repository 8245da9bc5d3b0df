// A whole network through the references in C, node by node: nothing fused, no memory shared.
#ifndef CGV_TESTS_REFERENCE_NET_H
#define CGV_TESTS_REFERENCE_NET_H

#include "base/rng.h"
#include "nn/net.h"
#include "reference.h"

// Weights that keep activations near 1, in the arena's order; free() them.
float *ref_random_params(const cgv_net *net, cgv_rng *rng);

// The output for x [shape], free() it; *out is its shape. NULL when out of memory or when the net
// refuses the size.
float *ref_net(const cgv_net *net, const float *params, const float *x, ref_shape shape,
               ref_shape *out);

#endif
