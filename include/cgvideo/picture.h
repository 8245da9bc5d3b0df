// How the pixels of a picture lie in memory and what their numbers mean.
#ifndef CGVIDEO_PICTURE_H
#define CGVIDEO_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// One colour component: where its samples are. Sample (x, y) is the `depth` bits above `shift` of
// the little-endian 8- or 16-bit word at plane + y * stride + x * step + offset (bytes); the word
// has 16 bits iff depth + shift > 8. (libavutil describes its pixel formats in the same terms.)
typedef struct cgv_component {
    uint8_t plane, step, offset, shift, depth;
} cgv_component;

// components: 1 grey, 2 grey + alpha, 3 colour, 4 colour + alpha. Order: R, G, B or Y, Cb, Cr.
// Chroma (components 1 and 2 of YCbCr) has ceil(width / 2^log2_chroma_w) columns, rows likewise.
typedef struct cgv_layout {
    cgv_component component[4];
    uint8_t components;
    uint8_t planes;
    uint8_t log2_chroma_w, log2_chroma_h;
    bool rgb; // false: YCbCr, or grey
} cgv_layout;

// How light becomes numbers. HDR (ITU-R BT.2100) is tone-mapped to SDR when it is read: PQ and HLG
// as a display of `peak` nits shows them, its luminance brought to 203 nits (white of SDR by
// BT.2408) by the curve of BT.2390; what BT.709 cannot show moves towards grey of the same
// luminance; encoded for the display of BT.1886.
typedef enum cgv_transfer { CGV_TRANSFER_SDR, CGV_TRANSFER_PQ, CGV_TRANSFER_HLG } cgv_transfer;
#define CGV_SDR_WHITE 203.f // nits

// Primaries of HDR, all with white D65. SDR keeps those that it has.
typedef enum cgv_gamut { CGV_GAMUT_BT709, CGV_GAMUT_BT2020, CGV_GAMUT_P3 } cgv_gamut;

// What the numbers mean. Ignored for RGB but for `full_range` and what HDR needs.
typedef struct cgv_colour {
    float kr, kb;    // luma coefficients: BT.601 .299/.114, BT.709 .2126/.0722, BT.2020 .2627/.0593
    bool full_range; // false: luma 16..235 << (depth - 8)
    // Position of the first chroma sample, in luma pixels from the centre of the first luma
    // sample, each 0, .5 or 1: left (0, .5), centre (.5, .5), top-left (0, 0), bottom-left (0, 1).
    // Used where chroma is subsampled.
    float chroma_x, chroma_y;
    cgv_transfer transfer;
    cgv_gamut gamut; // where `transfer` is not SDR
    float peak;      // nits, likewise; above CGV_SDR_WHITE
} cgv_colour;

typedef struct cgv_picture_format {
    int width, height;
    cgv_layout layout;
    cgv_colour colour;
} cgv_picture_format;

// A picture in host memory. stride: bytes from row to row, may be negative.
typedef struct cgv_picture {
    uint8_t *data[4];
    ptrdiff_t stride[4];
} cgv_picture;

// Interleaved R, G, B bytes; what translate_rgb24 takes.
cgv_picture_format cgv_picture_format_rgb24(int width, int height);

// Whether the filter reads and writes this layout: components of one depth (8 to 16 bits) and
// shift, of one step and size within a plane, chroma at full or half resolution in each direction,
// no plane without a component.
bool cgv_layout_supported(const cgv_layout *layout);

// Bytes of one row of `plane`, and its number of rows.
size_t cgv_picture_row_bytes(const cgv_picture_format *format, int plane);
int cgv_picture_rows(const cgv_picture_format *format, int plane);

#ifdef __cplusplus
}
#endif
#endif
