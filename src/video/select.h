// Which streams of an input come into the output, and which video is the one that is translated.
#ifndef CGV_VIDEO_SELECT_H
#define CGV_VIDEO_SELECT_H

#include <stdbool.h>

#include <libavformat/avformat.h>

#include "cgvideo/status.h"

typedef struct cgv_select_params {
    const char *const *maps; // ffmpeg's -map: [-]0[:SPECIFIER][?]
    int map_count;           // 0: everything
    bool no_audio, no_subtitles, no_data;
} cgv_select_params;

typedef struct cgv_selection {
    int *streams; // input indices in the order of the output; the caller's to free
    int count;
    AVStream *video;
} cgv_selection;

// Of several videos the one that ffmpeg would pick: the default with the most pixels that has a
// decoder and is no cover art; the others are left out, cover art stays. `url` is for messages.
CGV_NODISCARD cgv_status cgv_select(cgv_selection *out, AVFormatContext *input,
                                    const cgv_select_params *params, const char *url);

#endif
