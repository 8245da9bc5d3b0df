// -re: give out a file's frames and packets no faster than their timestamps go, as if it were live.
#ifndef CGV_APP_PACE_H
#define CGV_APP_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "video/queue.h"

typedef struct cgv_pace {
    bool begun;
    int64_t zero; // when timestamp 0 is due, in microseconds of av_gettime_relative
    atomic_bool paused;
} cgv_pace;

// Wait until the item is due, or *stop is set; its frame is captured then. What comes more than a
// second late, or after a pause, sets the clock anew.
void cgv_pace_wait(cgv_pace *pace, const cgv_item *item, const atomic_bool *stop);

#endif
