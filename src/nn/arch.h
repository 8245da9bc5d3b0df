// Network architectures. Each builds its graph from a few numbers, and recognises itself in the
// names and shapes of a state_dict.
#ifndef CGV_NN_ARCH_H
#define CGV_NN_ARCH_H

#include "nn/net.h"

// The widest layer of a network that is built by name or recognised.
#define CGV_ARCH_MAX_CHANNELS 4096

// ResNet generator (Johnson et al. 2016, as used by Zhu et al. 2017, arXiv:1703.10593): conv 7,
// two stride-2 convs, residual blocks, two steps up, conv 7, tanh.
#define CGV_RESNET_MAX_BLOCKS 64

// How it comes back to the picture's size: transposed convolutions, or nearest enlargement and a
// 3x3 convolution, which leaves no checkerboard (Odena et al. 2016, Distill).
typedef enum cgv_resnet_upsample {
    CGV_RESNET_TRANSPOSE,
    CGV_RESNET_RESIZE,
} cgv_resnet_upsample;

// What the last convolution gives: the picture before the tanh; or, for every pixel and channel, a
// gain g and an offset o: y = tanh(x (1 + g) + o), which keeps the edges of the input x.
typedef enum cgv_resnet_head {
    CGV_RESNET_PLAIN,
    CGV_RESNET_AFFINE,
} cgv_resnet_head;

typedef struct cgv_resnet_desc {
    int input_channels, output_channels; // of pictures: the same with an affine head
    int stem[3];                         // channels after the 7x7 and the two stride-2 convolutions
    int blocks;
    int up[2]; // channels after the two steps up
    cgv_resnet_upsample upsample;
    cgv_resnet_head head;
    bool mobile;       // depthwise-separable block convolutions (Li et al. 2020, GAN Compression)
    bool dropout_slot; // second convolution of a block is conv_block.6, not .5
    int inner[CGV_RESNET_MAX_BLOCKS]; // channels between a block's two convolutions
} cgv_resnet_desc;

// The paper's shape: ngf, 2 ngf, 4 ngf throughout.
cgv_resnet_desc cgv_resnet_desc_default(int ngf, int blocks, bool mobile);
CGV_NODISCARD cgv_status cgv_arch_resnet(cgv_net **out, const cgv_resnet_desc *desc);

// Where the convolutions after the blocks sit: N of "model.N.weight".
typedef struct cgv_resnet_indices {
    int up[2], last;
} cgv_resnet_indices;
cgv_resnet_indices cgv_resnet_tail(int blocks, cgv_resnet_upsample upsample);

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
// starts with `where`) when no architecture fits. A generator whose last convolution has twice the
// channels of its input has an affine head.
CGV_NODISCARD cgv_status cgv_arch_detect(cgv_net **out, const cgv_weight_shape *shapes, int count,
                                         const char *where);

// Networks by name, for training and benchmarks: RGB in, and RGB or judgements out.
typedef struct cgv_arch_options {
    // resnet_Nblocks, mobile_resnet_Nblocks, patchgan, identity. A generator's name may also say
    // what the two strings below say, as net->architecture does: resnet_6blocks_resize_affine.
    const char *name;
    int ngf;              // channels of a generator's first layer; 0: 64
    int ndf, layers;      // of a patchgan; 0: 64 and 3
    const char *upsample; // of a generator: "transpose" or "resize"; NULL: as in its name
    const char *head;     // of a generator: "plain" or "affine"; NULL: as in its name
} cgv_arch_options;

// CGV_ERROR_ARGUMENT, and a message that says what there is, for names and numbers that are none.
CGV_NODISCARD cgv_status cgv_arch_by_name(cgv_net **out, const cgv_arch_options *options);

// Weights to start a training from, the same for the same seed: convolutions from N(0, 0.02),
// scales of norms from N(1, 0.02), biases and shifts 0. The convolution before an affine head draws
// from N(0, 0.002): gains and offsets start near zero, and the generator near tanh of its input.
// params: net->param_floats, at the offsets of the parameter table.
void cgv_arch_init(const cgv_net *net, float *params, uint64_t seed);

#endif
