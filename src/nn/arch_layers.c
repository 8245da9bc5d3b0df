#include "nn/arch_layers.h"

#include <stdio.h>

int cgv_layer_conv_norm(cgv_net *net, int x, const char *name, const cgv_conv_desc *desc,
                        bool transposed, cgv_norm_kind norm) {
    char folded[96];
    if (norm == CGV_NORM_FOLDED) {
        snprintf(folded, sizeof folded, "%s.folded", name);
        name = folded;
    }
    x = transposed ? cgv_net_conv_transpose(net, x, name, desc) : cgv_net_conv(net, x, name, desc);
    return norm == CGV_NORM_INSTANCE ? cgv_net_instance_norm(net, x, NULL) : x;
}
