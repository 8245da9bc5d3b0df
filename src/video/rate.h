// Constant frame rate: drop and repeat frames so that each tick of the output's clock has one.
#ifndef CGV_VIDEO_RATE_H
#define CGV_VIDEO_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "video/queue.h"

typedef struct cgv_rate {
    AVRational rate; // {0, 1}: pass everything through
    int most;        // ticks that a frame is given at most; 0: as many as there are
    cgv_item held;   // its frame waits for the next one to tell how long it is shown
    int64_t held_tick;
    bool released; // some frame was
    int64_t dropped, repeated;
} cgv_rate;

// Give a frame item (or {0} at the end), get the one before it: out->kind is CGV_ITEM_END when
// there is none. Takes `in`. A frame is shown from the tick nearest to its time.
void cgv_rate_next(cgv_rate *rate, cgv_item *out, cgv_item in);

void cgv_rate_clear(cgv_rate *rate);

#endif
