// What libav says about pixels <-> what the shaders need to know.
#ifndef CGV_VIDEO_COLOUR_H
#define CGV_VIDEO_COLOUR_H

#include <stdbool.h>

#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>

#include "cgvideo/picture.h"

// The layout of a pixel format, or false where the shaders cannot address it (palettes, bit
// streams, big-endian or floating-point samples, fewer than 8 bits …).
bool cgv_colour_layout(cgv_layout *out, enum AVPixelFormat format);

// A format that cgv_colour_layout takes and that loses nothing (or the least) of `format`, of the
// same family: grey, YCbCr or RGB. `format` itself where possible.
enum AVPixelFormat cgv_colour_carrier(enum AVPixelFormat format);

// yuvj420p … are old names of yuv420p … in full range: replace the one by the other.
void cgv_colour_normalise(AVFrame *frame);
enum AVPixelFormat cgv_colour_without_j(enum AVPixelFormat format);

// The format of a frame's picture; its pixel format must have a layout. Untagged: BT.709 from
// 1280 columns or 577 rows up, else BT.601; limited range but for grey and RGB; chroma at the left.
// CGV_ERROR_UNSUPPORTED for matrices that luma coefficients do not describe.
CGV_NODISCARD cgv_status cgv_colour_format(cgv_picture_format *out, const AVFrame *frame);

// What a format demands of the numbers in it, whatever the input's were.
typedef enum cgv_colour_rule {
    CGV_COLOUR_VIDEO,   // as the input
    CGV_COLOUR_LIMITED, // the same, but in limited range, as nothing could say that it is full
    CGV_COLOUR_JFIF,    // JPEG: full range, BT.601, chroma in the centre
    CGV_COLOUR_WEBP,    // limited range, BT.601
} cgv_colour_rule;

// Set format, size and colour tags of `out` for `format`, from the input frame's; HDR becomes
// BT.709.
void cgv_colour_output(AVFrame *out, const AVFrame *in, enum AVPixelFormat format,
                       cgv_colour_rule rule);

// Whether a frame has an alpha channel that cgv_colour_copy_alpha can move to one of `format`.
bool cgv_colour_keeps_alpha(const AVFrame *frame, enum AVPixelFormat format);

// The network has no say in transparency: alpha goes from input to output past it.
void cgv_colour_copy_alpha(AVFrame *out, const AVFrame *in);

// Luma coefficients and such of two frames mean the same, and their sizes are equal.
bool cgv_colour_same(const AVFrame *a, const AVFrame *b);

// Give `to` the size, pixel format and colour tags of `from`.
void cgv_colour_copy(AVFrame *to, const AVFrame *from);

// The matrix that is meant where none is tagged.
enum AVColorSpace cgv_colour_default_matrix(int width, int height);

#endif
