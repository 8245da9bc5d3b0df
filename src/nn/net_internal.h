// What the builders of nets share (nn/net.c, nn/net_graph.c).
#ifndef CGV_NN_NET_INTERNAL_H
#define CGV_NN_NET_INTERNAL_H

#include "nn/net.h"

enum {
    CGV_NET_MAX_CHANNELS = 1 << 16,
    CGV_NET_MAX_KERNEL = 64,
    CGV_NET_MAX_SIDE = 1 << 18, // far beyond any picture; products of two fit in 64 bits
};

// Note that the net cannot have the layer `name`; returns 0, as the builders do then.
int cgv_net_refuse(cgv_net *net, const char *name, const char *why);

// Append a node; its index. Append a parameter called name.suffix; its index, or -1.
int cgv_net_add_node(cgv_net *net, const cgv_node *node);
int cgv_net_add_param(cgv_net *net, const char *name, const char *suffix, int dims,
                      const int64_t *shape);

// cgv_net_shape of the operations of imported graphs.
CGV_NODISCARD cgv_status cgv_net_graph_shape(const cgv_net *net, int index, cgv_size *sizes);

#endif
