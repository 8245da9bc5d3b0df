// Whether a file holds what its head promises: a download that broke off, a full card.
#ifndef CGV_VIDEO_WHOLE_H
#define CGV_VIDEO_WHOLE_H

#include <libavformat/avformat.h>

typedef struct cgv_whole {
    const char *url;
    int64_t reached; // microseconds on the input's clock, of all streams
} cgv_whole;

// A packet was read.
void cgv_whole_note(cgv_whole *whole, const AVPacket *packet, const AVStream *stream);

// At the end of a file that was read from its beginning, where `read` packets of the video came.
// Warns of what is missing; returns the packets that an index tells of.
int64_t cgv_whole_missing(const cgv_whole *whole, const AVFormatContext *input,
                          const AVStream *video, int64_t read);

#endif
