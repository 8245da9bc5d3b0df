// PatchGAN discriminator: each output number judges one patch (70x70 pixels with 3 layers).
#include <stdio.h>

#include "base/log.h"
#include "nn/arch.h"

static int conv4(cgv_net *net, int x, int index, int channels, int stride) {
    char name[64];
    snprintf(name, sizeof name, "model.%d", index);
    return cgv_net_conv(
        net, x, name,
        &(cgv_conv_desc){.channels = channels, .kernel = 4, .stride = stride, .pad = 1});
}

cgv_status cgv_arch_patchgan(cgv_net **out, const cgv_patchgan_desc *desc) {
    *out = NULL;
    if (desc->layers < 1 || desc->layers > CGV_PATCHGAN_MAX_LAYERS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "patchgan: %d layers, it has 1 to %d", desc->layers,
                        CGV_PATCHGAN_MAX_LAYERS);
    if (desc->ndf < 1 || desc->ndf > 4096)
        return cgv_fail(CGV_ERROR_ARGUMENT, "patchgan: a width of %d channels", desc->ndf);
    cgv_net *net;
    cgv_status status = cgv_net_create(&net, "patchgan", desc->input_channels);
    if (status)
        return status;
    const float slope = 0.2f;
    int x = cgv_net_activation(net, conv4(net, 0, 0, desc->ndf, 2), CGV_ACT_LEAKY_RELU, slope);
    int index = 2; // in the nn.Sequential: a convolution, its norm and its activation take three
    for (int i = 1; i <= desc->layers; i++, index += 3) {
        int channels = desc->ndf * (i < 3 ? 1 << i : 8);
        x = conv4(net, x, index, channels, i < desc->layers ? 2 : 1);
        x = cgv_net_instance_norm(net, x, NULL);
        x = cgv_net_activation(net, x, CGV_ACT_LEAKY_RELU, slope);
    }
    conv4(net, x, index, 1, 1);
    status = net->status;
    if (status)
        cgv_net_destroy(&net);
    *out = net;
    return status;
}
