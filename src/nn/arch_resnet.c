// ResNet generator. The layers carry the indices that they have in the public PyTorch
// implementation's nn.Sequential, where padding, norm and activation count too.
//
// 1 is the first convolution, 4, 7 … those of stride 2. With D of these the blocks start at 4 + 3
// D; with B blocks T = 4 + 3 D + B is the first layer behind, and there follows, for each step up,
//
//     transpose   T ConvT, IN, ReLU
//     resize      T upsample, pad, T+2 conv, IN, ReLU
//
// and then a pad, the last conv and tanh: with 9 blocks and D = 2 the convolutions behind them are
// 19, 22, 26 or 21, 26, 30. An affine head changes the channels of the last one, and no index. A
// grid has T pad and T+1 its 3x3 convolution.
#include <stdio.h>

#include "base/log.h"
#include "nn/arch.h"

cgv_resnet_desc cgv_resnet_desc_default(int ngf, int downs, int blocks, bool mobile) {
    cgv_resnet_desc desc = {
        .input_channels = 3,
        .output_channels = 3,
        .downs = downs,
        .ups = downs,
        .blocks = blocks,
        .mobile = mobile,
        .dropout_slot = mobile, // the mobile block always keeps a place for dropout
    };
    for (int i = 0; i < CGV_RESNET_MAX_BLOCKS; i++)
        desc.inner[i] = ngf << downs;
    for (int i = 0; i <= downs; i++)
        desc.stem[i] = ngf << i;
    for (int i = 0; i < downs; i++)
        desc.up[i] = ngf << (downs - 1 - i);
    return desc;
}

cgv_resnet_indices cgv_resnet_find(int downs, int blocks, int ups, cgv_resnet_upsample upsample) {
    bool resize = upsample == CGV_RESNET_RESIZE;
    cgv_resnet_indices at = {.block = 4 + 3 * downs};
    int next = at.block + blocks;
    for (int i = 0; i < ups; i++, next += resize ? 5 : 3)
        at.up[i] = resize ? next + 2 : next;
    at.last = next + 1;
    return at;
}

static const char *layer(char name[64], int index) {
    snprintf(name, 64, "model.%d", index);
    return name;
}

// `at`: of the block.
static const char *block_layer(char name[64], int at, int index, const char *rest) {
    snprintf(name, 64, "model.%d.conv_block.%d%s", at, index, rest);
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

// Zeros around the picture tell a generator where its border is, and it learns to draw bands along
// it into even areas. Those of the paper's nets are part of their weights; with another head there
// is no such net but ours, and every border is a reflection.
static int down(cgv_net *net, int x, int index, int channels, cgv_resnet_head head) {
    char name[64];
    cgv_pad_mode mode = head == CGV_RESNET_PLAIN ? CGV_PAD_ZERO : CGV_PAD_REFLECT;
    x = cgv_net_conv(
        net, x, layer(name, index),
        &(cgv_conv_desc){
            .channels = channels, .kernel = 3, .stride = 2, .pad = 1, .pad_mode = mode});
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
static int block_conv(cgv_net *net, int x, int at, int index, int channels, bool mobile) {
    char name[64];
    int cin = net->nodes[x].channels;
    cgv_conv_desc conv3 = {.channels = mobile ? cin : channels,
                           .kernel = 3,
                           .pad = 1,
                           .groups = mobile ? cin : 1,
                           .pad_mode = CGV_PAD_REFLECT};
    x = cgv_net_conv(net, x, block_layer(name, at, index, mobile ? ".conv.0" : ""), &conv3);
    if (!mobile)
        return x;
    x = cgv_net_instance_norm(net, x, NULL);
    return cgv_net_conv(net, x, block_layer(name, at, index, ".conv.2"),
                        &(cgv_conv_desc){.channels = channels, .kernel = 1});
}

// No ReLU follows the sum.
static int block(cgv_net *net, int x, int at, int inner, const cgv_resnet_desc *desc) {
    int channels = net->nodes[x].channels;
    int y = norm_relu(net, block_conv(net, x, at, 1, inner, desc->mobile));
    y = block_conv(net, y, at, desc->dropout_slot ? 6 : 5, channels, desc->mobile);
    y = cgv_net_instance_norm(net, y, NULL);
    return cgv_net_add(net, x, y);
}

static void grid_tail(cgv_net *net, int x, int index) {
    char name[64];
    x = cgv_net_conv(
        net, x, layer(name, index),
        &(cgv_conv_desc){
            .channels = CGV_GRID_CHANNELS, .kernel = 3, .pad = 1, .pad_mode = CGV_PAD_REFLECT});
    cgv_net_bilateral_slice(net, x, 0);
}

// All behind the blocks.
static void tail(cgv_net *net, int x, const cgv_resnet_desc *desc, const cgv_resnet_indices *at) {
    bool affine = desc->head == CGV_RESNET_AFFINE;
    for (int i = 0; i < desc->ups; i++)
        x = desc->upsample == CGV_RESNET_RESIZE ? up_resize(net, x, at->up[i], desc->up[i])
                                                : up_transpose(net, x, at->up[i], desc->up[i]);
    x = conv7(net, x, at->last, affine ? 2 * desc->output_channels : desc->output_channels);
    if (desc->ups < desc->downs)
        x = cgv_net_upsample(net, x, 1 << (desc->downs - desc->ups), CGV_UPSAMPLE_BILINEAR);
    if (affine)
        cgv_net_affine_head(net, x, 0);
    else
        cgv_net_activation(net, x, CGV_ACT_TANH, 0);
}

// resnet_9blocks for the paper's; what differs from it is said.
static void write_name(char name[64], const cgv_resnet_desc *desc) {
    bool grid = desc->head == CGV_RESNET_GRID;
    char downs[16] = "", head[16] = "";
    if (desc->downs != 2)
        snprintf(downs, sizeof downs, "_%ddowns", desc->downs);
    if (desc->head == CGV_RESNET_AFFINE)
        snprintf(head, sizeof head, "_affine");
    if (grid)
        snprintf(head, sizeof head, "_grid");
    else if (desc->ups < desc->downs)
        snprintf(head, sizeof head, "_affine%d", 1 << (desc->downs - desc->ups));
    snprintf(name, 64, "%sresnet_%dblocks%s%s%s", desc->mobile ? "mobile_" : "", desc->blocks,
             downs, desc->upsample == CGV_RESNET_RESIZE && !grid ? "_resize" : "", head);
}

cgv_status cgv_arch_resnet(cgv_net **out, const cgv_resnet_desc *desc) {
    *out = NULL;
    if (desc->downs < 1 || desc->downs > CGV_RESNET_MAX_DOWNS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "resnet: %d downs; there can be 1 to %d", desc->downs,
                        CGV_RESNET_MAX_DOWNS);
    if (desc->head == CGV_RESNET_GRID && (desc->ups || desc->output_channels != 3))
        return cgv_fail(CGV_ERROR_ARGUMENT, "resnet: a grid turns RGB into RGB, without a step up");
    if (desc->head != CGV_RESNET_GRID && desc->ups != desc->downs &&
        (desc->head != CGV_RESNET_AFFINE || desc->ups < 1 || desc->ups > desc->downs))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "resnet: %d steps up after %d down: only an affine head can do with fewer, "
                        "from 1",
                        desc->ups, desc->downs);
    if (desc->blocks < 0 || desc->blocks > CGV_RESNET_MAX_BLOCKS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "resnet: %d blocks, the limit is %d", desc->blocks,
                        CGV_RESNET_MAX_BLOCKS);
    char architecture[64];
    write_name(architecture, desc);
    cgv_net *net;
    cgv_status status = cgv_net_create(&net, architecture, desc->input_channels);
    if (status)
        return status;
    net->multiple = 1 << desc->downs; // halvings must be undone exactly by as many doublings
    cgv_resnet_indices at = cgv_resnet_find(desc->downs, desc->blocks, desc->ups, desc->upsample);
    int x = norm_relu(net, conv7(net, 0, 1, desc->stem[0]));
    for (int i = 1; i <= desc->downs; i++)
        x = down(net, x, 1 + 3 * i, desc->stem[i], desc->head);
    for (int i = 0; i < desc->blocks; i++)
        x = block(net, x, at.block + i, desc->inner[i], desc);
    if (desc->head == CGV_RESNET_GRID)
        grid_tail(net, x, at.last);
    else
        tail(net, x, desc, &at);
    status = net->status;
    if (status)
        cgv_net_destroy(&net);
    *out = net;
    return status;
}
