// Enumerations shared by networks, ops and shaders (shaders/include/common.glsl has their values).
#ifndef CGV_OPS_TYPES_H
#define CGV_OPS_TYPES_H

typedef enum cgv_pad_mode {
    CGV_PAD_ZERO,
    CGV_PAD_REFLECT,   // without repeating the edge
    CGV_PAD_REPLICATE, // repeating the edge
} cgv_pad_mode;

typedef enum cgv_activation {
    CGV_ACT_NONE,
    CGV_ACT_RELU,
    CGV_ACT_LEAKY_RELU, // slope below zero
    CGV_ACT_TANH,
    CGV_ACT_SIGMOID,
} cgv_activation;

typedef enum cgv_upsample_mode {
    CGV_UPSAMPLE_NEAREST,
    CGV_UPSAMPLE_BILINEAR, // half-pixel centres (PyTorch align_corners=False)
} cgv_upsample_mode;

// A bilateral grid of affine colour transforms: 8 levels of brightness, each a 3x4 matrix.
enum { CGV_GRID_CHANNELS = 8 * 12 };

#endif
