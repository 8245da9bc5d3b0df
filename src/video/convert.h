// Pixel formats that the shaders do not address, pictures of another size than the first, and
// pictures that go to several places, through swscale.
#ifndef CGV_VIDEO_CONVERT_H
#define CGV_VIDEO_CONVERT_H

#include <libavutil/frame.h>

#include "cgvideo/status.h"

typedef struct cgv_convert cgv_convert;

CGV_NODISCARD cgv_status cgv_convert_create(cgv_convert **out);

// Replace *frame by itself in another format, its other properties kept, matrix and range too;
// nothing happens when it has that format already. The scaler is kept from frame to frame.
CGV_NODISCARD cgv_status cgv_convert_frame(cgv_convert *convert, AVFrame **frame,
                                           enum AVPixelFormat format);

// The same for another size.
CGV_NODISCARD cgv_status cgv_convert_size(cgv_convert *convert, AVFrame **frame, int width,
                                          int height);

// The same for the format, matrix and range of `like`, whose size it has.
CGV_NODISCARD cgv_status cgv_convert_like(cgv_convert *convert, AVFrame **frame,
                                          const AVFrame *like);

void cgv_convert_destroy(cgv_convert **convert);

#endif
