// The filter: pictures in, translated pictures out, in order, several in flight. Calls on one
// translator come from one thread at a time; several translators may share a device and a model,
// each in a thread of its own. What cgv_translator_params.profile gives is for the program's own
// reports: src/filter/profile.h.
//
//     cgv_device *device;
//     cgv_model *model;
//     cgv_translator *translator;
//     cgv_device_create(&device, NULL);
//     cgv_model_load(&model, "day2night.safetensors");
//     cgv_translator_create(&translator, device, model, &rgb, &rgb, NULL);
//     cgv_translator_send(translator, &in);
//     cgv_translator_receive(translator, &out);
#ifndef CGVIDEO_TRANSLATOR_H
#define CGVIDEO_TRANSLATOR_H

#include "device.h"
#include "model.h"
#include "picture.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cgv_translator cgv_translator;

typedef enum cgv_precision {
    CGV_PRECISION_AUTO, // half on a GPU whose matrix units take it, else single
    CGV_PRECISION_FP32,
    CGV_PRECISION_FP16, // CGV_ERROR_UNSUPPORTED on devices without such units
} cgv_precision;

// Which kernels compute the convolutions in single precision; the numbers of Winograd's have a few
// bits less.
typedef enum cgv_kernels {
    CGV_KERNELS_RULES, // by rules that were fitted on a few devices
    // The fastest by measuring, once for each device, driver and shape of a layer: that may take
    // seconds. What was measured is kept beside the pipeline cache (cgv_device_params.cache_dir).
    CGV_KERNELS_AUTO,
    CGV_KERNELS_DIRECT,   // the plain sum
    CGV_KERNELS_WINOGRAD, // Winograd's wherever it fits: 3x3, stride 1
} cgv_kernels;

typedef struct cgv_translator_params {
    float strength; // 0: the input, 1: the network's picture, between: their blend
    int slots;      // pictures in flight, 1..8
    // The network runs on the picture scaled down to about this height, and what it changes there
    // is carried to the full picture, whose detail stays as sharp as it is. At the picture's own
    // height and above it runs on the picture itself. 0: a model with an affine head or a grid that
    // says the size of its training pictures (cgv_model_info) runs at that, any other on the
    // picture itself.
    int net_height;
    cgv_precision precision; // of the network's tensors; sums are in single
    cgv_kernels kernels;
    int profile; // time every command of each N-th picture; 0: of none
    // For the frames of a video: how much of the past, 0 (nothing; for single pictures) to 1,
    // enters into averages over frames: of the statistics of instance norms, of a bilateral grid,
    // which follows what moves, and, less of it, of the pixels themselves where the input has moved
    // but not changed. They begin anew behind a scene cut, found on the device, so that its first
    // frame comes out as the first of all. No effect on identity. Recommended: CGV_STABILIZE.
    float stabilize;
    // 0 to 1: left of this share of the width the input shows, as it came, for comparing, then a
    // thin white line. 0: nowhere.
    float compare;
    // To save memory, work on the network's large layers in tiles of about this side, in pixels of
    // its input: at least CGV_TILE_LEAST, 0: on all of them at once. Instance norms still know the
    // whole picture, so the result is the same but for rounding. Slower, as each of those norms
    // takes one more pass; in single precision. CGV_ERROR_UNSUPPORTED for a network whose large
    // layers need the whole picture.
    int tile;
    // Pictures that go through the network together, up to CGV_BATCH_MOST: small ones do not fill a
    // device one by one. The first of them waits for the last to be sent, or until one of them is
    // to be received, so this is not for live video. Each comes out as it would alone, but for
    // rounding. 0: one; CGV_BATCH_AUTO: what their size asks for, and one where pictures depend on
    // each other (stabilize) or the network does not run on the picture itself (net_height, tile).
    // Any other number is CGV_ERROR_ARGUMENT there.
    int batch;
} cgv_translator_params;

#define CGV_BATCH_MOST 16
#define CGV_BATCH_AUTO (-1)

#define CGV_TILE_LEAST 32

#define CGV_STABILIZE 0.95f

#define CGV_TRANSLATOR_DEFAULTS                                                                    \
    ((cgv_translator_params){.strength = 1.0f, .slots = 2, .kernels = CGV_KERNELS_AUTO})

// Prepare to translate pictures of one format: allocates device memory, compiles kernels, records
// the command buffers. `in` and `out` must have the same width and height, both >= 16; they may
// differ in layout and colour. params NULL means CGV_TRANSLATOR_DEFAULTS.
// device and model must outlive the translator.
CGV_NODISCARD cgv_status cgv_translator_create(cgv_translator **out_translator, cgv_device *device,
                                               const cgv_model *model, const cgv_picture_format *in,
                                               const cgv_picture_format *out,
                                               const cgv_translator_params *params);

// Copy a picture in and start its translation. CGV_AGAIN: all slots are in flight, receive first.
CGV_NODISCARD cgv_status cgv_translator_send(cgv_translator *translator, const cgv_picture *in);

// Wait for the oldest picture in flight and copy it out. CGV_END: none is in flight.
// CGV_ERROR_NUMERIC: the network produced NaN or infinity; *out is not written.
CGV_NODISCARD cgv_status cgv_translator_receive(cgv_translator *translator, cgv_picture *out);

// The next picture that is sent does not follow the last one: nothing of the past is kept for it.
void cgv_translator_begin(cgv_translator *translator);

// What the pictures so far leave behind for the next ones (params.stabilize), so that a translator
// made alike, on the same device, goes on where this one stands: that many bytes, 0 where every
// picture is on its own. One with another strength, or another net_height where the number of bytes
// is the same, goes on as well. All pictures sent have been received: else CGV_AGAIN.
uint64_t cgv_translator_state_size(const cgv_translator *translator);
CGV_NODISCARD cgv_status cgv_translator_save(cgv_translator *translator, void *state);
CGV_NODISCARD cgv_status cgv_translator_restore(cgv_translator *translator, const void *state);

// Pictures that go through the network together.
int cgv_translator_batch(const cgv_translator *translator);

// Bytes of device and host-visible memory in use.
uint64_t cgv_translator_memory(const cgv_translator *translator);

// Waits for what is in flight, frees. NULL-safe; clears the handle.
void cgv_translator_destroy(cgv_translator **translator);

#ifdef __cplusplus
}
#endif
#endif
