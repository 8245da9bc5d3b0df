// How long pictures take from capture to sink: the last ones, in order statistics.
#ifndef CGV_VIDEO_LATENCY_H
#define CGV_VIDEO_LATENCY_H

#include <pthread.h>
#include <stdint.h>

enum { CGV_LATENCIES = 512 }; // about 20 s of video

// One thread adds, another one asks.
typedef struct cgv_latency {
    pthread_mutex_t lock;
    int32_t last[CGV_LATENCIES]; // microseconds; a ring
    int64_t count;               // of all that were added
} cgv_latency;

void cgv_latency_init(cgv_latency *latency);
void cgv_latency_add(cgv_latency *latency, int64_t microseconds);

// The value that `share` (0..1) of the last ones do not exceed, in microseconds; 0: there are none.
int64_t cgv_latency_quantile(cgv_latency *latency, double share);

void cgv_latency_destroy(cgv_latency *latency);

#endif
