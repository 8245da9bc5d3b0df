// Pictures to tensors and back. A picture's planes lie in one buffer; `format` says how.
#ifndef CGV_OPS_PIXEL_H
#define CGV_OPS_PIXEL_H

#include "cgvideo/picture.h"
#include "ops/ops.h"

// Where the planes of a picture lie in device memory. Addresses and strides are multiples of 4.
typedef struct cgv_planes {
    uint64_t address[4];
    uint32_t stride[4];
    uint64_t bytes; // of all planes together, which follow each other from address[0]
} cgv_planes;

// Layout of the planes of a format from `address` on: rows padded to multiples of 16 bytes.
cgv_planes cgv_planes_layout(const cgv_picture_format *format, uint64_t address);

// rgb [1, 3, h, w] = the picture as gamma-encoded R'G'B' in [-1, 1], chroma interpolated linearly
// at its siting; HDR is tone-mapped. h and w may exceed the picture: it is extended by reflection.
void cgv_pixels_unpack(cgv_cmd *cmd, cgv_tensor rgb, const cgv_planes *planes,
                       const cgv_picture_format *format);

// How a translated picture and its original share the output.
typedef struct cgv_blend {
    float strength; // original + strength * (rgb - original)
    int wipe, line; // in the columns 0 to wipe - 1 the original alone, in `line` more a white line
} cgv_blend;

// The picture = the top left of rgb, blended with `original` (of the same shape; address 0: none,
// and nothing of `blend` counts), clipped to the format's codes, chroma averaged about its
// siting, rounded to nearest, or `dither`ed in a fixed pattern: what has finer codes keeps its
// mean. Packing what cgv_pixels_unpack made of a picture gives that picture. The word at `flag`
// becomes 1 if a value of rgb within the picture is NaN or infinite, and is left alone otherwise.
// scratch: cgv_pixels_pack_scratch bytes.
uint64_t cgv_pixels_pack_scratch(const cgv_picture_format *format);
void cgv_pixels_pack(cgv_cmd *cmd, const cgv_planes *planes, const cgv_picture_format *format,
                     cgv_tensor rgb, cgv_tensor original, const cgv_blend *blend, bool dither,
                     uint64_t flag, uint64_t scratch);

#endif
