// Inputs that run on their own: cameras, screens, streams.
#ifndef CGV_VIDEO_LIVE_H
#define CGV_VIDEO_LIVE_H

#include <stdbool.h>

#include <libavformat/avformat.h>

#include "cgvideo/status.h"

// Make libavdevice's inputs and outputs known to libavformat. May be called again.
void cgv_live_init(void);

// Whether what was opened cannot be held up: a device, or a protocol or stream without an end.
// Pipes and lavfi's sources wait until they are read, so they are not.
bool cgv_live_input(const AVFormatContext *input);

// What can be said of it by its URL alone: whether the other side sends when it likes.
bool cgv_live_url(const char *url);

// Options that such an input needs beside those of the user, which win.
void cgv_live_input_options(AVDictionary **options, const char *url);

// Print the devices that can be read and written, one a line, to standard output.
void cgv_live_list_devices(void);

// Where to write: "v4l2:/dev/video10" and a video device's own name stand for the muxer v4l2, which
// then is *format. Returns the name of the file or device inside `url`.
const char *cgv_live_output(const char **format, const char *url);

// The container that nearly everybody expects of an address without an ending, or NULL.
const AVOutputFormat *cgv_live_muxer(const char *url);

// What to do about a v4l2 device that is not there (ENOENT), is none to write to (ENOTTY), or does
// not take such pictures (EINVAL).
CGV_NODISCARD cgv_status cgv_live_refused(int error, const char *device,
                                          enum AVPixelFormat pictures);

#endif
