// ResNet generator. The layers carry the indices that they have in the public PyTorch
// implementation's nn.Sequential, where padding, norm and activation count too.
//
// 1 is the first convolution, 4, 7 … those of stride 2, or 4, 8 … where a filter behind each, at 7,
// 11 …, halves. Behind D of these come the blocks, at 4 + 3 D or 4 + 4 D, and after B of them T is
// the first layer behind, and there follows, for each step up,
//
//     transpose   T ConvT, IN, ReLU
//     resize      T upsample, pad, T+2 conv, IN, ReLU
//     blur        T filter, T+1 conv, IN, ReLU
//
// and then a pad, the last conv and tanh: with 9 blocks and D = 2 the convolutions behind them are
// 19, 22, 26 or 21, 26, 30. An affine head changes the channels of the last one, and no index. A
// grid has T pad and T+1 its 3x3 convolution.
#include <stdio.h>

#include "base/log.h"
#include "nn/arch_layers.h"

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

cgv_resnet_indices cgv_resnet_find(const cgv_resnet_desc *desc) {
    // Layers of a step up, and before its convolution.
    static const struct {
        int layers, before;
    } steps[] = {
        [CGV_RESNET_TRANSPOSE] = {3, 0}, [CGV_RESNET_RESIZE] = {5, 2}, [CGV_RESNET_BLUR] = {4, 1}};
    cgv_resnet_indices at = {0};
    int next = 4;
    for (int i = 0; i < desc->downs; i++, next += desc->blur_down ? 4 : 3)
        at.down[i] = next;
    at.block = next;
    next += desc->blocks;
    for (int i = 0; i < desc->ups; i++, next += steps[desc->upsample].layers)
        at.up[i] = next + steps[desc->upsample].before;
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

static int relu(cgv_net *net, int x) {
    return cgv_net_activation(net, x, CGV_ACT_RELU, 0);
}

// 7x7 over a reflected border: the first and the last layer.
static cgv_conv_desc conv7(int channels) {
    return (cgv_conv_desc){
        .channels = channels, .kernel = 7, .pad = 3, .pad_mode = CGV_PAD_REFLECT};
}

static int stem(cgv_net *net, const cgv_resnet_desc *desc) {
    char name[64];
    cgv_conv_desc conv = conv7(desc->stem[0]);
    int x = desc->coord ? cgv_net_coord(net, 0) : 0;
    return relu(net, cgv_layer_conv_norm(net, x, layer(name, 1), &conv, false, desc->norm));
}

// Zeros around the picture tell a generator where its border is, and it learns to draw bands along
// it into even areas. Those of the paper's nets are part of their weights; with another head there
// is no such net but ours, and every border is a reflection.
static int down(cgv_net *net, int x, int index, int channels, const cgv_resnet_desc *desc) {
    char name[64];
    cgv_conv_desc conv = {
        .channels = channels,
        .kernel = 3,
        .stride = desc->blur_down ? 1 : 2,
        .pad = 1,
        .pad_mode = desc->head == CGV_RESNET_PLAIN ? CGV_PAD_ZERO : CGV_PAD_REFLECT,
    };
    x = relu(net, cgv_layer_conv_norm(net, x, layer(name, index), &conv, false, desc->norm));
    return desc->blur_down ? cgv_net_blur_down(net, x, layer(name, index + 3)) : x;
}

static int up(cgv_net *net, int x, int index, int channels, const cgv_resnet_desc *desc) {
    char name[64];
    cgv_conv_desc conv = {.channels = channels, .kernel = 3, .pad = 1};
    bool transposed = desc->upsample == CGV_RESNET_TRANSPOSE;
    switch (desc->upsample) {
    case CGV_RESNET_TRANSPOSE:
        conv.stride = 2;
        conv.output_pad = 1;
        break;
    case CGV_RESNET_RESIZE:
        conv.pad_mode = CGV_PAD_REFLECT;
        x = cgv_net_upsample(net, x, 2, CGV_UPSAMPLE_NEAREST);
        break;
    case CGV_RESNET_BLUR:
        conv.pad_mode = desc->head == CGV_RESNET_PLAIN ? CGV_PAD_ZERO : CGV_PAD_REFLECT;
        x = cgv_net_blur_up(net, x, layer(name, index - 1));
        break;
    }
    return relu(net,
                cgv_layer_conv_norm(net, x, layer(name, index), &conv, transposed, desc->norm));
}

// One 3x3 convolution of a block and its norm; mobile: depthwise 3x3, norm, pointwise 1x1, norm.
static int block_conv(cgv_net *net, int x, int at, int index, int channels,
                      const cgv_resnet_desc *desc) {
    char name[64];
    bool mobile = desc->mobile;
    int cin = net->nodes[x].channels;
    cgv_conv_desc conv3 = {.channels = mobile ? cin : channels,
                           .kernel = 3,
                           .pad = 1,
                           .groups = mobile ? cin : 1,
                           .pad_mode = CGV_PAD_REFLECT};
    cgv_conv_desc conv1 = {.channels = channels, .kernel = 1};
    x = cgv_layer_conv_norm(net, x, block_layer(name, at, index, mobile ? ".conv.0" : ""), &conv3,
                            false, desc->norm);
    return mobile ? cgv_layer_conv_norm(net, x, block_layer(name, at, index, ".conv.2"), &conv1,
                                        false, desc->norm)
                  : x;
}

// No ReLU follows the sum.
static int block(cgv_net *net, int x, int at, int inner, const cgv_resnet_desc *desc) {
    int channels = net->nodes[x].channels;
    int y = relu(net, block_conv(net, x, at, 1, inner, desc));
    y = block_conv(net, y, at, desc->dropout_slot ? 6 : 5, channels, desc);
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
    char name[64];
    bool affine = desc->head == CGV_RESNET_AFFINE;
    for (int i = 0; i < desc->ups; i++)
        x = up(net, x, at->up[i], desc->up[i], desc);
    cgv_conv_desc last = conv7(affine ? 2 * desc->output_channels : desc->output_channels);
    x = cgv_net_conv(net, x, layer(name, at->last), &last);
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
        snprintf(head, sizeof head, desc->coord ? "_grid_coord" : "_grid");
    else if (desc->ups < desc->downs)
        snprintf(head, sizeof head, "_affine%d", 1 << (desc->downs - desc->ups));
    bool blur_up = desc->upsample == CGV_RESNET_BLUR && !grid;
    bool resize = desc->upsample == CGV_RESNET_RESIZE && !grid;
    bool antialias = desc->blur_down && blur_up;
    snprintf(name, 64, "%sresnet_%dblocks%s%s%s%s%s", desc->mobile ? "mobile_" : "", desc->blocks,
             downs,
             antialias         ? "_antialias"
             : desc->blur_down ? "_blurdown"
                               : "",
             antialias ? ""
             : blur_up ? "_blurup"
             : resize  ? "_resize"
                       : "",
             head, desc->norm == CGV_NORM_FOLDED ? "_batch" : "");
}

cgv_status cgv_arch_resnet(cgv_net **out, const cgv_resnet_desc *desc) {
    *out = NULL;
    if (desc->downs < 1 || desc->downs > CGV_RESNET_MAX_DOWNS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "resnet: %d downs; there can be 1 to %d", desc->downs,
                        CGV_RESNET_MAX_DOWNS);
    if (desc->head == CGV_RESNET_GRID && (desc->ups || desc->output_channels != 3))
        return cgv_fail(CGV_ERROR_ARGUMENT, "resnet: a grid turns RGB into RGB, without a step up");
    if (desc->head != CGV_RESNET_GRID && desc->coord)
        return cgv_fail(CGV_ERROR_ARGUMENT, "resnet: only one with a grid takes coordinates");
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
    cgv_resnet_indices at = cgv_resnet_find(desc);
    int x = stem(net, desc);
    for (int i = 0; i < desc->downs; i++)
        x = down(net, x, at.down[i], desc->stem[i + 1], desc);
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
