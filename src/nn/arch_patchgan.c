// PatchGAN discriminator: each output number judges one patch (70x70 pixels with 3 layers).
#include <stdio.h>

#include "base/log.h"
#include "nn/arch.h"

static int conv4(cgv_net *net, int x, const char *family, int index, int channels, int stride) {
    char name[64];
    snprintf(name, sizeof name, "%s.%d", family, index);
    return cgv_net_conv(
        net, x, name,
        &(cgv_conv_desc){.channels = channels, .kernel = 4, .stride = stride, .pad = 1});
}

// One judge of the picture made smaller by `shrink`; its weights are called after `family`.
static int judge(cgv_net *net, int picture, const cgv_patchgan_desc *desc, const char *family,
                 int shrink, int layers, bool norm) {
    const float slope = 0.2f;
    if (shrink > 1) {
        picture = cgv_net_average_pool(net, picture, shrink);
        int least = net->multiple;
        while (net->multiple % shrink)
            net->multiple += least;
    }
    int x = cgv_net_activation(net, conv4(net, picture, family, 0, desc->ndf, 2),
                               CGV_ACT_LEAKY_RELU, slope);
    int index = 2; // in the nn.Sequential: a convolution, its norm and its activation take three
    for (int i = 1; i <= layers; i++, index += 3) {
        int channels = desc->ndf * (i < 3 ? 1 << i : 8);
        x = conv4(net, x, family, index, channels, i < layers ? 2 : 1);
        if (norm)
            x = cgv_net_instance_norm(net, x, NULL);
        x = cgv_net_activation(net, x, CGV_ACT_LEAKY_RELU, slope);
    }
    return conv4(net, x, family, index, 1, 1);
}

cgv_status cgv_arch_patchgan(cgv_net **out, const cgv_patchgan_desc *desc) {
    *out = NULL;
    if (desc->layers < 1 || desc->layers > CGV_PATCHGAN_MAX_LAYERS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "patchgan: %d layers, it has 1 to %d", desc->layers,
                        CGV_PATCHGAN_MAX_LAYERS);
    if (desc->ndf < 1 || desc->ndf > 4096)
        return cgv_fail(CGV_ERROR_ARGUMENT, "patchgan: a width of %d channels", desc->ndf);
    cgv_net *net;
    cgv_status status =
        cgv_net_create(&net, desc->no_norm ? "patchgan_nonorm" : "patchgan", desc->input_channels);
    if (status)
        return status;
    int picture = desc->coord ? cgv_net_coord(net, 0) : 0;
    int fine = judge(net, picture, desc, "model", desc->shrink, desc->layers, !desc->no_norm);
    if (desc->coarse > 1)
        cgv_net_join(net, fine, judge(net, picture, desc, "coarse", desc->coarse, 1, false));
    status = net->status;
    if (status)
        cgv_net_destroy(&net);
    *out = net;
    return status;
}
