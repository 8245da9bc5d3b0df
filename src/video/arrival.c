#include "video/arrival.h"

#include <libavutil/avutil.h>
#include <libavutil/time.h>

#include "video/av.h"

// Nothing coming for so long is worth a word.
enum { SILENCE = 2 * AV_TIME_BASE };

void cgv_arrivals_begin_read(cgv_arrivals *arrivals) {
    atomic_store(&arrivals->reading_since, av_gettime_relative());
}

void cgv_arrivals_end_read(cgv_arrivals *arrivals) {
    atomic_store(&arrivals->reading_since, 0);
}

void cgv_arrivals_note(cgv_arrivals *arrivals, bool video, int64_t pts) {
    int64_t at = arrivals->count % CGV_ARRIVALS;
    if (video) {
        arrivals->ring[at].pts = pts;
        arrivals->ring[at].time = av_gettime_relative();
        arrivals->count++;
    }
    if (atomic_exchange(&arrivals->said_silent, false) && !atomic_load(&arrivals->lost))
        cgv_log(CGV_LOG_INFO, "%s: it goes on", arrivals->url);
}

int64_t cgv_arrivals_find(const cgv_arrivals *arrivals, int64_t pts) {
    int64_t last = arrivals->count - 1, first = FFMAX(arrivals->count - CGV_ARRIVALS, 0);
    for (int64_t i = last; i >= first; i--)
        if (arrivals->ring[i % CGV_ARRIVALS].pts == pts)
            return arrivals->ring[i % CGV_ARRIVALS].time;
    return last < 0 ? 0 : arrivals->ring[last % CGV_ARRIVALS].time;
}

bool cgv_arrivals_watch(cgv_arrivals *arrivals) {
    int64_t since = atomic_load(&arrivals->reading_since), patience = arrivals->patience;
    int64_t silent = since ? av_gettime_relative() - since : 0;
    if (!arrivals->live || silent < (patience ? FFMIN(SILENCE, patience) : SILENCE))
        return atomic_load(&arrivals->lost);
    if (silent >= SILENCE && !atomic_exchange(&arrivals->said_silent, true))
        cgv_log(CGV_LOG_WARNING, "%s: nothing comes: waiting", arrivals->url);
    if (patience && silent >= patience && !atomic_exchange(&arrivals->lost, true))
        cgv_log(CGV_LOG_ERROR, "%s: lost: nothing came for %g s", arrivals->url,
                (double)patience / AV_TIME_BASE);
    return atomic_load(&arrivals->lost);
}

void cgv_arrivals_lose(cgv_arrivals *arrivals, int error) {
    if (atomic_exchange(&arrivals->lost, true))
        return;
    cgv_status said = cgv_av_fail(error, "%s: lost", arrivals->url);
    (void)said; // what came before counts
}

bool cgv_arrivals_lost(cgv_arrivals *arrivals) {
    return atomic_load(&arrivals->lost);
}
