// Decoding on dedicated hardware: VAAPI, CUDA, Vulkan and whatever else libavcodec drives, with
// decoding on the CPU to fall back on.
#ifndef CGV_VIDEO_HWACCEL_H
#define CGV_VIDEO_HWACCEL_H

#include <libavcodec/avcodec.h>

#include "cgvideo/status.h"

// Before avcodec_open2. `name`: "none" or NULL, "auto", or a device type of libavutil. Where the
// machine or the codec has no such thing, a message says so and the decoder stays on the CPU.
// CGV_ERROR_ARGUMENT: no such type.
CGV_NODISCARD cgv_status cgv_hwaccel_attach(AVCodecContext *decoder, const char *name);

// Replace a decoded frame that lies on a device by one in host memory.
CGV_NODISCARD cgv_status cgv_hwaccel_download(AVFrame *frame);

#endif
