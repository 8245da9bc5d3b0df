// Generators and discriminators: files on disk <-> a net and its weights in host memory.
//
// Read: PyTorch .pth (zip and legacy containers, never executing anything in them) and
// .safetensors, whose architecture is inferred from the names and shapes of the weights, and .onnx,
// which holds the graph of any network, in the operator sets 9 to 21. Of a checkpoint that holds
// more, the generator is taken; batch norms and spectral norms become part of the convolutions.
//
// Metadata of a .safetensors file that cgvideo reads and writes; all may be missing, others are
// ignored: "description", a line for people; "train_size", the size of the pictures that the
// network was trained on, as "192x112"; "architecture" (written only, as cgv_model_info has it).
#ifndef CGVIDEO_MODEL_H
#define CGVIDEO_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cgv_model cgv_model;

// Bytes of a description, with its terminating zero.
#define CGV_MODEL_DESCRIPTION 256

typedef struct cgv_model_info {
    // "resnet_9blocks", "mobile_resnet_9blocks", "resnet_6blocks_resize_affine", "unet_256",
    // "unet_256_batch" (batch norms folded in), "patchgan" …
    char architecture[64];
    char format[32]; // "pth (legacy)", "pth (zip)", "safetensors", "onnx", "built in"
    int input_channels;
    int output_channels;
    int multiple;       // picture sides are extended to multiples of this by reflection
    int64_t parameters; // trainable numbers
    int tensors;
    char description[CGV_MODEL_DESCRIPTION]; // one line of printable UTF-8; "" when there is none
    int train_width, train_height;           // of the training pictures; 0 when unknown
    bool steadies; // cgv_translator_params.stabilize acts on it; false: identity adds no flicker
} cgv_model_info;

// Load a model file, or the built-in "identity". *out is NULL on failure: CGV_ERROR_IO when the
// file cannot be read, CGV_ERROR_FORMAT when it is damaged, CGV_ERROR_UNSUPPORTED when it is whole
// but holds no network that cgvideo knows, or is too large (1 GiB, .onnx 256 MiB),
// CGV_ERROR_MEMORY.
CGV_NODISCARD cgv_status cgv_model_load(cgv_model **out, const char *path);

// What the numbers of an .onnx graph's pictures are, black to white, at its input and output; and
// the order of their channels. AUTO: as its metadata say, else as its layers let guess, else
// -1..1 and RGB. CGV_ERROR_ARGUMENT for another kind of file, where they are known.
typedef enum cgv_model_range {
    CGV_MODEL_RANGE_AUTO,
    CGV_MODEL_RANGE_SIGNED, // -1..1
    CGV_MODEL_RANGE_UNIT,   // 0..1
    CGV_MODEL_RANGE_BYTES,  // 0..255
} cgv_model_range;
typedef enum cgv_model_order {
    CGV_MODEL_ORDER_AUTO,
    CGV_MODEL_ORDER_RGB,
    CGV_MODEL_ORDER_BGR,
} cgv_model_order;
typedef struct cgv_model_params {
    cgv_model_range range;
    cgv_model_order order;
} cgv_model_params;
// params NULL: all AUTO.
CGV_NODISCARD cgv_status cgv_model_load_with(cgv_model **out, const char *path,
                                             const cgv_model_params *params);

// How a file holds the weights. Half precision takes half the space; the network computes in
// float32 either way.
typedef enum cgv_model_precision {
    CGV_MODEL_F32,
    CGV_MODEL_F16, // rounded to nearest
} cgv_model_precision;

// Write as .safetensors, with the names and shapes that the weights have in PyTorch and with the
// metadata above. Convolutions that a norm was folded into are called NAME.folded. The file
// appears whole or not at all. CGV_ERROR_UNSUPPORTED when there are no weights, one is beyond the
// range of CGV_MODEL_F16, or the model is a graph from an .onnx file, which weights alone do not
// tell; CGV_ERROR_IO when it cannot be written; CGV_ERROR_MEMORY.
CGV_NODISCARD cgv_status cgv_model_save(const cgv_model *model, const char *path,
                                        cgv_model_precision precision);

// Write as an .onnx graph of float32 (operator set 17) for other programs: pictures of any size and
// batch, [N, C, H, W], whose sides are multiples of cgv_model_info.multiple, in -1..1 and RGB, as
// its metadata say. The file appears whole or not at all. CGV_ERROR_UNSUPPORTED when operator set
// 17 lacks an operation of the graph; CGV_ERROR_IO, CGV_ERROR_MEMORY as above.
CGV_NODISCARD cgv_status cgv_model_save_onnx(const cgv_model *model, const char *path);

// Replace the description. CGV_ERROR_ARGUMENT when the text is longer than CGV_MODEL_DESCRIPTION
// allows, no UTF-8, or has control characters in it.
CGV_NODISCARD cgv_status cgv_model_describe(cgv_model *model, const char *text);

// Replace the weights by their mean with those of a model of the same architecture: share 0 leaves
// them, 1 takes the other's. The mean of two stages of one training is often steadier than either
// (Izmailov et al. 2018, arXiv:1803.05407). CGV_ERROR_ARGUMENT when the networks differ in more
// than weights, or the share is none.
CGV_NODISCARD cgv_status cgv_model_average(cgv_model *model, const cgv_model *other, float share);

// NULL-safe; clears the handle.
void cgv_model_destroy(cgv_model **model);

// Valid as long as the model.
const cgv_model_info *cgv_model_get_info(const cgv_model *model);

// Multiply-adds, in units of 1e9, that the network needs for one picture of this size.
double cgv_model_gmac(const cgv_model *model, int width, int height);

#ifdef __cplusplus
}
#endif
#endif
