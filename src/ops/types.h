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

// ---- operations of imported graphs (ops/graph.h) ----

// Of two numbers; in a graph one of them may be repeated along an axis where it has extent 1.
typedef enum cgv_binary {
    CGV_BINARY_NONE, // a alone
    CGV_BINARY_ADD,
    CGV_BINARY_SUB,
    CGV_BINARY_MUL,
    CGV_BINARY_DIV,
    CGV_BINARY_MAX,
    CGV_BINARY_MIN,
    CGV_BINARY_POW,
    CGV_BINARY_PRELU, // a where it is positive, else a * b
} cgv_binary;

// Of one number x and two constants p, q.
typedef enum cgv_function {
    CGV_FUNCTION_NONE,
    CGV_FUNCTION_ELU,          // x, below zero p (e^x - 1)
    CGV_FUNCTION_CLIP,         // not below p, not above q
    CGV_FUNCTION_HARD_SIGMOID, // p x + q, not below 0, not above 1
    CGV_FUNCTION_HARD_SWISH,   // x times the hard sigmoid of 1/6 and 1/2
    CGV_FUNCTION_SOFTPLUS,     // log(1 + e^x)
    CGV_FUNCTION_EXP,
    CGV_FUNCTION_ABS,
    CGV_FUNCTION_SQRT,
    CGV_FUNCTION_SIGMOID,
    CGV_FUNCTION_TANH,
} cgv_function;

typedef enum cgv_pooling {
    CGV_POOL_AVERAGE,        // of what of the window lies in the picture
    CGV_POOL_AVERAGE_PADDED, // the padding counts as zeros
    CGV_POOL_MAX,
} cgv_pooling;

// How a resized picture's elements are found in the original: o counts the new ones, `scale` of
// which make an old one.
typedef enum cgv_centres {
    CGV_CENTRES_HALF_PIXEL, // (o + 1/2) / scale - 1/2
    CGV_CENTRES_ASYMMETRIC, // o / scale
    CGV_CENTRES_ALIGNED,    // the outermost elements' centres stay where they are
} cgv_centres;

// Which element is the nearest.
typedef enum cgv_nearest {
    CGV_NEAREST_FLOOR,
    CGV_NEAREST_ROUND_DOWN, // ties go to the smaller index
    CGV_NEAREST_ROUND_UP,
    CGV_NEAREST_CEIL,
    CGV_NEAREST_LINEAR, // none: interpolate between two
} cgv_nearest;

// How numbers change places between channels and space. Blocks of f x f elements become channels
// or the other way round.
typedef enum cgv_rearrangement {
    CGV_DEPTH_TO_SPACE,  // channel (f y + x) C + c: ONNX's DCR, TensorFlow
    CGV_PIXEL_SHUFFLE,   // channel (c f + y) f + x: ONNX's CRD, PyTorch
    CGV_SPACE_TO_DEPTH,  // the inverse of the first
    CGV_PIXEL_UNSHUFFLE, // of the second
} cgv_rearrangement;

// A window that slides over a picture: [0] down, [1] across.
typedef struct cgv_window {
    int kernel[2], stride[2], dilation[2];
    int pad[4]; // top, left, bottom, right
} cgv_window;

// What is added around a picture; negative: cut away.
typedef struct cgv_margin {
    int before[3], after[3]; // channels, rows, columns
    cgv_pad_mode mode;       // of rows and columns; channels are filled
    float value;             // of CGV_PAD_ZERO
} cgv_margin;

// A bilateral grid of affine colour transforms: 8 levels of brightness, each a 3x4 matrix.
enum { CGV_GRID_CHANNELS = 8 * 12 };

#endif
