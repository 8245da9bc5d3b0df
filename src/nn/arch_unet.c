// U-Net generator. In the public PyTorch implementation it is a block within a block: each has its
// step down, the block within, and its step up, as layers of an nn.Sequential where activations and
// norms count too.
//
//     outermost   0 conv, 1 block, 2 ReLU, 3 ConvT, 4 tanh
//     others      0 leaky ReLU, 1 conv, 2 norm, 3 block, 4 ReLU, 5 ConvT, 6 norm
//     innermost   0 leaky ReLU, 1 conv, 2 ReLU, 3 ConvT, 4 norm
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "nn/arch_layers.h"

cgv_unet_desc cgv_unet_desc_default(int ngf, int downs) {
    cgv_unet_desc desc = {.input_channels = 3, .output_channels = 3, .downs = downs};
    for (int i = 0; i < CGV_UNET_MAX_DOWNS; i++)
        desc.channels[i] = ngf * (i < 3 ? 1 << i : 8);
    return desc;
}

const char *cgv_unet_path(char path[96], int level) {
    int length = snprintf(path, 96, "model");
    for (int i = 0; i < level; i++)
        length += snprintf(path + length, 96 - (size_t)length, i ? ".model.3" : ".model.1");
    return path;
}

cgv_unet_indices cgv_unet_find(int level, int downs) {
    if (level == 0)
        return (cgv_unet_indices){.down = 0, .up = 3};
    return (cgv_unet_indices){.down = 1, .up = level == downs - 1 ? 3 : 5};
}

static const char *layer(char name[128], int level, int index) {
    char path[96];
    snprintf(name, 128, "%s.model.%d", cgv_unet_path(path, level), index);
    return name;
}

static cgv_conv_desc conv4(int channels) {
    return (cgv_conv_desc){.channels = channels, .kernel = 4, .stride = 2, .pad = 1};
}

// The first convolution and the innermost have no norm; where it is a batch norm no bias either,
// out of habit: a norm would cancel it.
static int down(cgv_net *net, int x, const cgv_unet_desc *desc, int level) {
    char name[128];
    cgv_conv_desc conv = conv4(desc->channels[level]);
    layer(name, level, cgv_unet_find(level, desc->downs).down);
    if (level > 0 && level < desc->downs - 1)
        return cgv_layer_conv_norm(net, x, name, &conv, false, desc->norm);
    conv.no_bias = desc->norm == CGV_NORM_FOLDED;
    return cgv_net_conv(net, x, name, &conv);
}

static int up(cgv_net *net, int x, const cgv_unet_desc *desc, int level) {
    char name[128];
    cgv_conv_desc conv = conv4(level ? desc->channels[level - 1] : desc->output_channels);
    layer(name, level, cgv_unet_find(level, desc->downs).up);
    if (level)
        return cgv_layer_conv_norm(net, x, name, &conv, true, desc->norm);
    return cgv_net_activation(net, cgv_net_conv_transpose(net, x, name, &conv), CGV_ACT_TANH, 0);
}

// Every step up sees max(0, d) of what step down d handed across. The step down below sees the
// leaky d, and max(0, leaky d) is the same: so d itself need not exist.
static void build(cgv_net *net, const cgv_unet_desc *desc) {
    int found[CGV_UNET_MAX_DOWNS];
    int x = 0, last = desc->downs - 1;
    for (int i = 0; i < last; i++)
        x = found[i] = cgv_net_activation(net, down(net, x, desc, i), CGV_ACT_LEAKY_RELU, 0.2f);
    x = cgv_net_activation(net, down(net, x, desc, last), CGV_ACT_RELU, 0);
    for (int i = last; i > 0; i--) {
        x = cgv_net_activation(net, up(net, x, desc, i), CGV_ACT_RELU, 0);
        x = cgv_net_concat(net, cgv_net_activation(net, found[i - 1], CGV_ACT_RELU, 0), x);
    }
    up(net, x, desc, 0);
}

cgv_status cgv_arch_unet(cgv_net **out, const cgv_unet_desc *desc) {
    *out = NULL;
    if (desc->downs < 2 || desc->downs > CGV_UNET_MAX_DOWNS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "unet: %d steps down; there can be 2 to %d",
                        desc->downs, CGV_UNET_MAX_DOWNS);
    char architecture[64];
    snprintf(architecture, sizeof architecture, "unet_%d%s", 1 << desc->downs,
             desc->norm == CGV_NORM_FOLDED ? "_batch" : "");
    cgv_net *net;
    cgv_status status = cgv_net_create(&net, architecture, desc->input_channels);
    if (status)
        return status;
    net->multiple = 1 << desc->downs;
    build(net, desc);
    status = net->status;
    if (status)
        cgv_net_destroy(&net);
    *out = net;
    return status;
}
