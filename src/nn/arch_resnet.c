// ResNet generator. The layers carry the indices that they have in the public PyTorch
// implementation's nn.Sequential, where padding, norm and activation count too.
//
// The blocks start at 10; with B of them T = 10 + B is the first layer behind, and there follow
//
//     transpose   T ConvT, IN, ReLU; T+3 ConvT, IN, ReLU; T+6 pad, T+7 last conv, tanh
//     resize      T upsample, pad, T+2 conv, IN, ReLU; T+5 upsample, pad, T+7 conv, IN, ReLU;
//                 T+10 pad, T+11 last conv, tanh
//
// so that with 9 blocks the convolutions are 19, 22, 26 or 21, 26, 30. An affine head changes the
// channels of the last one, and no index.
#include <stdio.h>

#include "base/log.h"
#include "nn/arch.h"

enum { FIRST_BLOCK = 10 };

cgv_resnet_desc cgv_resnet_desc_default(int ngf, int blocks, bool mobile) {
    cgv_resnet_desc desc = {
        .input_channels = 3,
        .output_channels = 3,
        .stem = {ngf, 2 * ngf, 4 * ngf},
        .blocks = blocks,
        .up = {2 * ngf, ngf},
        .mobile = mobile,
        .dropout_slot = mobile, // the mobile block always keeps a place for dropout
    };
    for (int i = 0; i < CGV_RESNET_MAX_BLOCKS; i++)
        desc.inner[i] = 4 * ngf;
    return desc;
}

cgv_resnet_indices cgv_resnet_tail(int blocks, cgv_resnet_upsample upsample) {
    int t = FIRST_BLOCK + blocks;
    if (upsample == CGV_RESNET_RESIZE)
        return (cgv_resnet_indices){.up = {t + 2, t + 7}, .last = t + 11};
    return (cgv_resnet_indices){.up = {t, t + 3}, .last = t + 7};
}

static const char *layer(char name[64], int index) {
    snprintf(name, 64, "model.%d", index);
    return name;
}

static const char *block_layer(char name[64], int block, int index, const char *rest) {
    snprintf(name, 64, "model.%d.conv_block.%d%s", FIRST_BLOCK + block, index, rest);
    return name;
}

static int norm_relu(cgv_net *net, int x) {
    return cgv_net_activation(net, cgv_net_instance_norm(net, x, NULL), CGV_ACT_RELU, 0);
}

// 7x7 over a reflected border: the first and the last layer.
static int conv7(cgv_net *net, int x, int index, int channels) {
    char name[64];
    return cgv_net_conv(
        net, x, layer(name, index),
        &(cgv_conv_desc){.channels = channels, .kernel = 7, .pad = 3, .pad_mode = CGV_PAD_REFLECT});
}

static int down(cgv_net *net, int x, int index, int channels) {
    char name[64];
    x = cgv_net_conv(net, x, layer(name, index),
                     &(cgv_conv_desc){.channels = channels, .kernel = 3, .stride = 2, .pad = 1});
    return norm_relu(net, x);
}

static int up_transpose(cgv_net *net, int x, int index, int channels) {
    char name[64];
    x = cgv_net_conv_transpose(
        net, x, layer(name, index),
        &(cgv_conv_desc){
            .channels = channels, .kernel = 3, .stride = 2, .pad = 1, .output_pad = 1});
    return norm_relu(net, x);
}

static int up_resize(cgv_net *net, int x, int index, int channels) {
    char name[64];
    x = cgv_net_upsample(net, x, 2, CGV_UPSAMPLE_NEAREST);
    x = cgv_net_conv(
        net, x, layer(name, index),
        &(cgv_conv_desc){.channels = channels, .kernel = 3, .pad = 1, .pad_mode = CGV_PAD_REFLECT});
    return norm_relu(net, x);
}

// One 3x3 convolution of a block; mobile: depthwise 3x3, norm, pointwise 1x1.
static int block_conv(cgv_net *net, int x, int block, int index, int channels, bool mobile) {
    char name[64];
    int cin = net->nodes[x].channels;
    cgv_conv_desc conv3 = {.channels = mobile ? cin : channels,
                           .kernel = 3,
                           .pad = 1,
                           .groups = mobile ? cin : 1,
                           .pad_mode = CGV_PAD_REFLECT};
    x = cgv_net_conv(net, x, block_layer(name, block, index, mobile ? ".conv.0" : ""), &conv3);
    if (!mobile)
        return x;
    x = cgv_net_instance_norm(net, x, NULL);
    return cgv_net_conv(net, x, block_layer(name, block, index, ".conv.2"),
                        &(cgv_conv_desc){.channels = channels, .kernel = 1});
}

// No ReLU follows the sum.
static int block(cgv_net *net, int x, int index, const cgv_resnet_desc *desc) {
    int y = block_conv(net, x, index, 1, desc->inner[index], desc->mobile);
    y = norm_relu(net, y);
    y = block_conv(net, y, index, desc->dropout_slot ? 6 : 5, desc->stem[2], desc->mobile);
    y = cgv_net_instance_norm(net, y, NULL);
    return cgv_net_add(net, x, y);
}

// All behind the blocks.
static void tail(cgv_net *net, int x, const cgv_resnet_desc *desc) {
    cgv_resnet_indices at = cgv_resnet_tail(desc->blocks, desc->upsample);
    bool affine = desc->head == CGV_RESNET_AFFINE;
    for (int i = 0; i < 2; i++)
        x = desc->upsample == CGV_RESNET_RESIZE ? up_resize(net, x, at.up[i], desc->up[i])
                                                : up_transpose(net, x, at.up[i], desc->up[i]);
    x = conv7(net, x, at.last, affine ? 2 * desc->output_channels : desc->output_channels);
    if (affine)
        cgv_net_affine_head(net, x, 0);
    else
        cgv_net_activation(net, x, CGV_ACT_TANH, 0);
}

cgv_status cgv_arch_resnet(cgv_net **out, const cgv_resnet_desc *desc) {
    *out = NULL;
    if (desc->blocks < 0 || desc->blocks > CGV_RESNET_MAX_BLOCKS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "resnet: %d blocks, the limit is %d", desc->blocks,
                        CGV_RESNET_MAX_BLOCKS);
    char architecture[64];
    snprintf(architecture, sizeof architecture, "%sresnet_%dblocks%s%s",
             desc->mobile ? "mobile_" : "", desc->blocks,
             desc->upsample == CGV_RESNET_RESIZE ? "_resize" : "",
             desc->head == CGV_RESNET_AFFINE ? "_affine" : "");
    cgv_net *net;
    cgv_status status = cgv_net_create(&net, architecture, desc->input_channels);
    if (status)
        return status;
    net->multiple = 4; // two halvings must be undone exactly by two doublings
    int x = norm_relu(net, conv7(net, 0, 1, desc->stem[0]));
    x = down(net, x, 4, desc->stem[1]);
    x = down(net, x, 7, desc->stem[2]);
    for (int i = 0; i < desc->blocks; i++)
        x = block(net, x, i, desc);
    tail(net, x, desc);
    status = net->status;
    if (status)
        cgv_net_destroy(&net);
    *out = net;
    return status;
}
