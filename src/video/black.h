// Whether a picture is black.
#ifndef CGV_VIDEO_BLACK_H
#define CGV_VIDEO_BLACK_H

#include <stdbool.h>

#include <libavutil/frame.h>

// Every luma sample (of RGB pictures: every red, green and blue) is black or one code of 8 bits
// above. Quick for pictures that are not.
bool cgv_black(const AVFrame *frame);

// Some of it is far from black: a quarter of the way to white or more. Looks at every 16th row.
bool cgv_bright(const AVFrame *frame);

#endif
