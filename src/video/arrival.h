// When packets come in, and whether they still do: what a live source is watched by.
#ifndef CGV_VIDEO_ARRIVAL_H
#define CGV_VIDEO_ARRIVAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CGV_ARRIVALS = 128 }; // more than a decoder holds back

typedef struct cgv_arrivals {
    const char *url;  // for messages
    bool live;        // silence means something
    int64_t patience; // microseconds of silence until it is lost; 0: for ever
    struct {
        int64_t pts, time;             // stream time base; av_gettime_relative
    } ring[CGV_ARRIVALS];              // of the video's packets
    int64_t count;                     // all that were put there
    atomic_int_fast64_t reading_since; // av_gettime_relative; 0: nobody waits for data
    atomic_bool lost, said_silent;
} cgv_arrivals;

// Around each call that waits for data.
void cgv_arrivals_begin_read(cgv_arrivals *arrivals);
void cgv_arrivals_end_read(cgv_arrivals *arrivals);

// A packet came: of the video, with that time.
void cgv_arrivals_note(cgv_arrivals *arrivals, bool video, int64_t pts);

// When the video's packet of that time came; where there is none, the last one; 0: none came.
int64_t cgv_arrivals_find(const cgv_arrivals *arrivals, int64_t pts);

// From any thread, now and then: says when nothing comes; whether it is lost.
bool cgv_arrivals_watch(cgv_arrivals *arrivals);

// It ended by this error of libav, which is said unless it is lost already.
void cgv_arrivals_lose(cgv_arrivals *arrivals, int error);

bool cgv_arrivals_lost(cgv_arrivals *arrivals);

#endif
