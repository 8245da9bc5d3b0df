// Network architectures. Each builds its graph from a few numbers, and recognises itself in the
// names and shapes of a state_dict.
#ifndef CGV_NN_ARCH_H
#define CGV_NN_ARCH_H

#include "nn/net.h"

// ResNet generator (Johnson et al. 2016, as used by Zhu et al. 2017, arXiv:1703.10593): conv 7,
// two stride-2 convs, residual blocks, two transposed convs, conv 7, tanh.
#define CGV_RESNET_MAX_BLOCKS 64
typedef struct cgv_resnet_desc {
    int input_channels, output_channels;
    int stem[3]; // channels after the 7x7 and the two stride-2 convolutions
    int blocks;
    int up[2];         // channels after the two transposed convolutions
    bool mobile;       // depthwise-separable block convolutions (Li et al. 2020, GAN Compression)
    bool dropout_slot; // second convolution of a block is conv_block.6, not .5
    int inner[CGV_RESNET_MAX_BLOCKS]; // channels between a block's two convolutions
} cgv_resnet_desc;

// The paper's shape: ngf, 2 ngf, 4 ngf throughout.
cgv_resnet_desc cgv_resnet_desc_default(int ngf, int blocks, bool mobile);
CGV_NODISCARD cgv_status cgv_arch_resnet(cgv_net **out, const cgv_resnet_desc *desc);

// PatchGAN discriminator (Isola et al. 2017, arXiv:1611.07004).
#define CGV_PATCHGAN_MAX_LAYERS 6
typedef struct cgv_patchgan_desc {
    int input_channels, ndf, layers; // layers 3: 70x70
} cgv_patchgan_desc;
CGV_NODISCARD cgv_status cgv_arch_patchgan(cgv_net **out, const cgv_patchgan_desc *desc);

// Output = input, one activation node that does nothing. For testing everything around a network.
CGV_NODISCARD cgv_status cgv_arch_identity(cgv_net **out, int channels);

// Name and shape of a weight, all that recognition looks at.
typedef struct cgv_weight_shape {
    const char *name;
    int dims;
    int64_t shape[4];
} cgv_weight_shape;

// Build the net whose parameters these are. Every parameter of the net is in `shapes`, with the
// net's shape, and nothing in `shapes` is left over. CGV_ERROR_UNSUPPORTED (with a message that
// starts with `where`) when no architecture fits.
CGV_NODISCARD cgv_status cgv_arch_detect(cgv_net **out, const cgv_weight_shape *shapes, int count,
                                         const char *where);

// Build by name for training and benchmarks, RGB in: resnet_Nblocks, mobile_resnet_Nblocks (width:
// ngf), patchgan (width: ndf; `layers` is read for it alone), identity (width is not read).
CGV_NODISCARD cgv_status cgv_arch_by_name(cgv_net **out, const char *name, int width, int layers);

#endif
