// What the architectures' graphs have in common.
#ifndef CGV_NN_ARCH_LAYERS_H
#define CGV_NN_ARCH_LAYERS_H

#include "nn/arch.h"

// A convolution, transposed or not, and the norm behind it. desc->no_bias is not for the caller.
int cgv_layer_conv_norm(cgv_net *net, int x, const char *name, const cgv_conv_desc *desc,
                        bool transposed, cgv_norm_kind norm);

#endif
