// Network architectures. Each builds its graph from a few numbers, and recognises itself in the
// names and shapes of a state_dict.
#ifndef CGV_NN_ARCH_H
#define CGV_NN_ARCH_H

#include "nn/net.h"

// The widest layer of a network that is built by name or recognised.
#define CGV_ARCH_MAX_CHANNELS 4096

// What keeps the numbers of a layer in range.
typedef enum cgv_norm_kind {
    CGV_NORM_INSTANCE,
    // A batch norm's running statistics, which are part of the convolution before it: its
    // parameters are called NAME.folded.weight and .bias, so that nobody takes them for those of a
    // convolution whose norm is still to come.
    CGV_NORM_FOLDED,
} cgv_norm_kind;

// ResNet generator (Johnson et al. 2016, as used by Zhu et al. 2017, arXiv:1703.10593): conv 7,
// stride-2 convs (two in the paper; a third lets it see more of the picture for the same price),
// residual blocks, as many steps up, conv 7, tanh.
#define CGV_RESNET_MAX_BLOCKS 64
#define CGV_RESNET_MAX_DOWNS  4

// How it comes back to the picture's size: transposed convolutions, or nearest enlargement and a
// 3x3 convolution, which leaves no checkerboard (Odena et al. 2016, Distill), or an enlargement by
// the filter 1 3 3 1 and a 3x3 convolution (Zhang 2019, arXiv:1904.11486; Park et al. 2020, CUT).
typedef enum cgv_resnet_upsample {
    CGV_RESNET_TRANSPOSE,
    CGV_RESNET_RESIZE,
    CGV_RESNET_BLUR,
} cgv_resnet_upsample;

// What the last convolution gives: the picture before the tanh; or, for every pixel and channel, a
// gain g and an offset o: y = tanh(x (1 + g) + o), which keeps the edges of the input x. With fewer
// steps up than down an affine head's gains and offsets are found at a fraction of the size and
// interpolated linearly: they relight smoothly, cannot draw patterns, and cost less. Or, with no
// step up at all, a bilateral grid of affine colour transforms, which tells a bright sky from the
// dark branches before it at full size however small the grid is.
typedef enum cgv_resnet_head {
    CGV_RESNET_PLAIN,
    CGV_RESNET_AFFINE,
    CGV_RESNET_GRID,
} cgv_resnet_head;

typedef struct cgv_resnet_desc {
    int input_channels, output_channels; // of pictures: the same with an affine head
    int downs, ups;                      // stride-2 convolutions; steps up, 1 to downs; grid: 0
    int stem[CGV_RESNET_MAX_DOWNS + 1];  // channels after the 7x7 and each stride-2 convolution
    int blocks;
    int up[CGV_RESNET_MAX_DOWNS]; // channels after each step up
    cgv_resnet_upsample upsample;
    cgv_resnet_head head;
    cgv_norm_kind norm;
    bool coord;        // knows how high in the picture it looks (cgv_coord); of a grid's net
    bool blur_down;    // halves behind a convolution of stride 1, by the filter 1 2 1 (as above)
    bool mobile;       // depthwise-separable block convolutions (Li et al. 2020, GAN Compression)
    bool dropout_slot; // second convolution of a block is conv_block.6, not .5
    int inner[CGV_RESNET_MAX_BLOCKS]; // channels between a block's two convolutions
} cgv_resnet_desc;

// The paper's shape: ngf channels, twice as many after each stride-2 convolution (the paper's 2),
// and those throughout the blocks.
cgv_resnet_desc cgv_resnet_desc_default(int ngf, int downs, int blocks, bool mobile);
CGV_NODISCARD cgv_status cgv_arch_resnet(cgv_net **out, const cgv_resnet_desc *desc);

// Where the blocks begin and the convolutions after them sit: N of "model.N.weight".
typedef struct cgv_resnet_indices {
    int down[CGV_RESNET_MAX_DOWNS], block, up[CGV_RESNET_MAX_DOWNS], last;
} cgv_resnet_indices;
// Of desc: downs, blur_down, blocks, ups, upsample.
cgv_resnet_indices cgv_resnet_find(const cgv_resnet_desc *desc);

// U-Net generator (Ronneberger et al. 2015; Isola et al. 2017, arXiv:1611.07004): 4x4 convolutions
// of stride 2 down to a few pixels, as many transposed ones back, and what each step down found is
// handed across to the step up of its size. unet_256 has 8 steps, which turn 256x256 into one
// pixel.
#define CGV_UNET_MAX_DOWNS 9
typedef struct cgv_unet_desc {
    int input_channels, output_channels;
    int downs;                        // 2 to CGV_UNET_MAX_DOWNS
    int channels[CGV_UNET_MAX_DOWNS]; // after each step down
    cgv_norm_kind norm;
} cgv_unet_desc;

// The paper's shape: ngf channels, twice as many after each step, at most 8 ngf.
cgv_unet_desc cgv_unet_desc_default(int ngf, int downs);
CGV_NODISCARD cgv_status cgv_arch_unet(cgv_net **out, const cgv_unet_desc *desc);

// The path of the block of step `level` in a state_dict ("model.model.1.model.3"), 0 the outermost,
// and where its convolutions are: N of "PATH.model.N.weight".
const char *cgv_unet_path(char path[96], int level);
typedef struct cgv_unet_indices {
    int down, up;
} cgv_unet_indices;
cgv_unet_indices cgv_unet_find(int level, int downs);

// PatchGAN discriminator (Isola et al. 2017, arXiv:1611.07004).
#define CGV_PATCHGAN_MAX_LAYERS 6
typedef struct cgv_patchgan_desc {
    int input_channels, ndf, layers; // layers 3: 70x70
    // Instance norm takes a picture's mean and contrast away before a judgement sees them; without
    // it a discriminator knows how dark a picture is.
    bool no_norm;
    // It judges the picture made smaller by this factor (0: 1), of which it sees more, and cannot
    // be fooled by fine patterns.
    int shrink;
    // Above 1: a second judge beside it, of one layer and without norm, which sees the picture made
    // smaller by this factor: layout, brightness and tint. Its judgements are joined to the
    // first's. Source: Wang et al. 2018, arXiv:1711.11585 (judges at several scales).
    int coarse;
    bool coord; // knows how high in the picture it looks (cgv_coord)
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
// channels of its input has an affine head; one that is 3x3, behind the blocks, gives a grid.
CGV_NODISCARD cgv_status cgv_arch_detect(cgv_net **out, const cgv_weight_shape *shapes, int count,
                                         const char *where);

// Networks by name, for training and benchmarks: RGB in, and RGB or judgements out.
typedef struct cgv_arch_options {
    // resnet_Nblocks, mobile_resnet_Nblocks, unet_N, patchgan, patchgan_nonorm, identity. A
    // resnet's name may also say what the two strings below say, as net->architecture does, and how
    // often it goes down if not twice: resnet_6blocks_3downs_resize_affine. A U-Net's says the
    // picture that it takes to one pixel: 2 to the power of its steps down.
    const char *name;
    int ngf;              // channels of a generator's first layer; 0: 64
    int ndf, layers;      // of a patchgan; 0: 64 and 3
    int judged;           // of a patchgan: channels of what it judges; 0: 3
    int shrink;           // of a patchgan: its picture made smaller by this factor; 0: 1
    int coarse;           // of a patchgan: see cgv_patchgan_desc
    bool coord;           // of a patchgan, the same
    const char *upsample; // of a resnet: "transpose", "resize" or "blur"; NULL: as in its name
    const char *head;     // of a resnet: "plain", "affine", "affine2" (half size), "affine4",
                          // "grid"; NULL: as in its name
} cgv_arch_options;

// CGV_ERROR_ARGUMENT, and a message that says what there is, for names and numbers that are none.
CGV_NODISCARD cgv_status cgv_arch_by_name(cgv_net **out, const cgv_arch_options *options);

// Weights to start a training from, the same for the same seed: convolutions from N(0, 0.02),
// scales of norms from N(1, 0.02), biases and shifts 0. The convolution before an affine head or a
// grid draws from N(0, 0.002): gains and offsets start near zero, and the generator near tanh of
// its input. A net without any norm, and a coarse judge, draw from N(0, 2 / fan-in) (He et al.
// 2015), for nothing else keeps its numbers from fading from layer to layer. params:
// net->param_floats, at the offsets of the parameter table.
void cgv_arch_init(const cgv_net *net, float *params, uint64_t seed);

#endif
