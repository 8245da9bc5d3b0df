// Whether a live source's packets wait, unread, for a decoder that is slower than they come: the
// buffers of protocols and systems hold many seconds of them.
#ifndef CGV_VIDEO_BACKLOG_H
#define CGV_VIDEO_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

// All times in microseconds.
typedef struct cgv_backlog {
    bool known;
    int64_t least; // (time of reading) - (time stamp) of what was read as it came
    bool skipping;
} cgv_backlog;

// A packet of the video was read at `now`, stamped `time`; since the one before, reading had to
// wait for `waited` at a time, as nothing was there. Whether it is to be skipped, as are all up to
// one that has just come.
bool cgv_backlog_note(cgv_backlog *backlog, int64_t now, int64_t time, int64_t waited);

#endif
