// Options of libav's codecs and containers by their own names, as ffmpeg takes them.
#ifndef CGV_VIDEO_OPTIONS_H
#define CGV_VIDEO_OPTIONS_H

#include <libavutil/dict.h>

#include "cgvideo/status.h"

typedef struct cgv_av_options {
    AVDictionary *video, *audio; // of the encoders
    AVDictionary *format;        // of the muxer
    AVDictionary *input;         // of demuxer and decoder
} cgv_av_options;

// Sort an option into all the places that know it. `name` may end with :v or :a, which say whose
// encoder is meant. value NULL only asks. CGV_AGAIN: libav has no such option.
CGV_NODISCARD cgv_status cgv_av_options_add(cgv_av_options *options, const char *name,
                                            const char *value);

// What was added so far describes the input, as far as it can; the rest stays.
void cgv_av_options_begin_output(cgv_av_options *options, AVDictionary **input);

// CGV_ERROR_ARGUMENT, naming the option, if one was taken neither by the video encoder nor by the
// muxer: `left_video` and `left_format` are what they left over.
CGV_NODISCARD cgv_status cgv_av_options_check(const cgv_av_options *given, AVDictionary *left_video,
                                              AVDictionary *left_format, const char *encoder,
                                              const char *muxer);

void cgv_av_options_free(cgv_av_options *options);

#endif
