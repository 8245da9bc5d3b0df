#include "app/pace.h"

#include <libavutil/mathematics.h>
#include <libavutil/time.h>

#include "video/av.h"

// A frame leaves its decoder when packets that lie behind it have been read: these do not wait.
enum { LATE = AV_TIME_BASE, AHEAD = AV_TIME_BASE, NAP = 20000 };

// In microseconds; AV_NOPTS_VALUE: at once.
static int64_t time_of(const cgv_item *item) {
    if (item->kind == CGV_ITEM_FRAME)
        return av_rescale_q(item->frame->pts, item->frame->time_base, AV_TIME_BASE_Q);
    const AVPacket *packet = item->packet;
    int64_t time = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    return time == AV_NOPTS_VALUE ? time : av_rescale_q(time, packet->time_base, AV_TIME_BASE_Q);
}

void cgv_pace_wait(cgv_pace *pace, const cgv_item *item, const atomic_bool *stop) {
    int64_t time = time_of(item), now = av_gettime_relative();
    if (time == AV_NOPTS_VALUE)
        return;
    if (item->kind == CGV_ITEM_PACKET)
        time -= AHEAD;
    if (!pace->begun)
        pace->zero = now - time; // nothing waits before the first frame
    pace->begun |= item->kind == CGV_ITEM_FRAME;
    while (!atomic_load(stop)) {
        int64_t due = pace->zero + time;
        now = av_gettime_relative();
        bool paused = atomic_load(&pace->paused);
        if (paused || (item->kind == CGV_ITEM_FRAME && now > due + LATE))
            pace->zero = now - time; // so much later from now on
        else if (now >= due)
            break;
        av_usleep(paused ? NAP : (unsigned)FFMIN(FFMAX(due - now, 1), NAP));
    }
    if (item->kind == CGV_ITEM_FRAME)
        cgv_av_frame_set_captured(item->frame, pace->zero + time);
}
