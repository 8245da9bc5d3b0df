// HDR as libav tags it, and what is left of the tags when it has been tone-mapped.
#ifndef CGV_VIDEO_HDR_H
#define CGV_VIDEO_HDR_H

#include <libavutil/frame.h>

#include "cgvideo/picture.h"
#include "cgvideo/status.h"

cgv_transfer cgv_hdr_transfer(enum AVColorTransferCharacteristic trc);

// Set transfer, gamut and peak of a frame's colours. The peak is that of the brightest pixel or,
// not known, of the mastering display, as far as the frame says; else, and for HLG, 1000 nits.
// CGV_ERROR_UNSUPPORTED for HDR in primaries other than BT.2020, BT.709 and P3 D65.
CGV_NODISCARD cgv_status cgv_hdr_describe(cgv_colour *colour, const AVFrame *frame);

// CGV_ERROR_UNSUPPORTED, with a message that begins with `url`, for the transfer curves of HDR.
CGV_NODISCARD cgv_status cgv_hdr_refuse(const char *url, enum AVColorTransferCharacteristic trc);

// Remove side data that speaks of HDR.
void cgv_hdr_strip(AVFrame *frame);

#endif
