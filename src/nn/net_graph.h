// Builders for the operations of imported graphs (ops/graph.h), as those of nn/net.h. Plans run
// them, and do not train them.
#ifndef CGV_NN_NET_GRAPH_H
#define CGV_NN_NET_GRAPH_H

#include "nn/net.h"

typedef struct cgv_window_conv_desc {
    int channels, groups;
    bool transposed, no_bias;
    cgv_window window;
    int output_pad[2]; // transposed
} cgv_window_conv_desc;
int cgv_net_window_conv(cgv_net *net, int x, const char *name, const cgv_window_conv_desc *desc);

// Give a convolution without a bias one, called name.bias.
void cgv_net_add_bias(cgv_net *net, int node, const char *name);

// A kernel of 0 is a whole side. ceil: see cgv_node.
int cgv_net_pool(cgv_net *net, int x, cgv_pooling pool, const cgv_window *window, bool ceil);

int cgv_net_function(cgv_net *net, int x, cgv_function function, float p, float q);
// a binary b; channels and sides are the same, or 1 where one of them is repeated.
int cgv_net_binary(cgv_net *net, cgv_binary binary, int a, int b);
// x binary the parameter name.weight [count], or the parameter binary x; count is 1 or the number
// of channels, or x has 1 channel.
int cgv_net_binary_constant(cgv_net *net, cgv_binary binary, int x, const char *name, int count,
                            bool constant_first);

int cgv_net_pad(cgv_net *net, int x, const cgv_margin *margin);
int cgv_net_rearrange(cgv_net *net, int x, cgv_rearrangement how, int factor);

typedef struct cgv_resize_desc {
    cgv_centres centres;
    cgv_nearest nearest;
    float scale[2]; // of rows and columns; sides are rounded down
    int like;       // a node whose size is taken instead; -1: none
} cgv_resize_desc;
int cgv_net_resize(cgv_net *net, int x, const cgv_resize_desc *desc);

#endif
