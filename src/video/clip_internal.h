// What the index of a clip and its readers share.
#ifndef CGV_VIDEO_CLIP_INTERNAL_H
#define CGV_VIDEO_CLIP_INTERNAL_H

#include <libavformat/avformat.h>

#include "video/clip.h"

// Returns false.
bool cgv_clip_av_reason(char reason[CGV_REASON], const char *what, int error);

// Open a file for its video stream alone. *out is to be closed on failure too.
bool cgv_clip_demux(AVFormatContext **out, int *stream, char reason[CGV_REASON], const char *path,
                    bool picture);

#endif
