#include "video/latency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void cgv_latency_init(cgv_latency *latency) {
    pthread_mutex_init(&latency->lock, NULL);
    latency->count = 0;
}

void cgv_latency_add(cgv_latency *latency, int64_t microseconds) {
    int32_t value = microseconds < 0           ? 0
                    : microseconds > INT32_MAX ? INT32_MAX
                                               : (int32_t)microseconds;
    pthread_mutex_lock(&latency->lock);
    latency->last[latency->count++ % CGV_LATENCIES] = value;
    pthread_mutex_unlock(&latency->lock);
}

static int compare(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

int64_t cgv_latency_quantile(cgv_latency *latency, double share) {
    int32_t sorted[CGV_LATENCIES];
    pthread_mutex_lock(&latency->lock);
    int count = latency->count < CGV_LATENCIES ? (int)latency->count : CGV_LATENCIES;
    memcpy(sorted, latency->last, (size_t)count * sizeof *sorted);
    pthread_mutex_unlock(&latency->lock);
    if (!count)
        return 0;
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    int index = (int)ceil(share * count) - 1;
    return sorted[index < 0 ? 0 : index];
}

void cgv_latency_destroy(cgv_latency *latency) {
    pthread_mutex_destroy(&latency->lock);
}
