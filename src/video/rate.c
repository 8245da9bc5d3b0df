#include "video/rate.h"

#include <libavutil/mathematics.h>

#include "video/av.h"

// Give the held frame the ticks up to `end`.
static void release(cgv_rate *rate, cgv_item *out, int64_t end) {
    if (rate->held.kind != CGV_ITEM_FRAME)
        return;
    if (end <= rate->held_tick) {
        cgv_item_free(&rate->held);
        rate->dropped++;
        return;
    }
    *out = rate->held;
    rate->held = (cgv_item){0};
    // The next frame has its own tick: what a jump of the clock leaves empty shifts nothing.
    int most = rate->most ? rate->most : INT32_MAX;
    out->repeat = (int)FFMIN(end - rate->held_tick, most);
    out->frame->pts = rate->held_tick;
    out->frame->time_base = av_inv_q(rate->rate);
    cgv_av_frame_set_duration(out->frame, 1);
    rate->repeated += out->repeat - 1;
    rate->released = true;
}

void cgv_rate_next(cgv_rate *rate, cgv_item *out, cgv_item in) {
    *out = (cgv_item){0};
    if (!rate->rate.num) {
        *out = in;
        return;
    }
    AVRational tick = av_inv_q(rate->rate);
    if (in.kind != CGV_ITEM_FRAME) {
        if (rate->held.kind == CGV_ITEM_FRAME) {
            AVFrame *frame = rate->held.frame;
            int64_t end =
                av_rescale_q(frame->pts + cgv_av_frame_duration(frame), frame->time_base, tick);
            // A video shorter than a tick still has its picture.
            release(rate, out, rate->released ? end : FFMAX(end, rate->held_tick + 1));
        }
        return;
    }
    int64_t start = av_rescale_q(in.frame->pts, in.frame->time_base, tick);
    release(rate, out, start);
    rate->held = in;
    rate->held_tick = start;
}

void cgv_rate_clear(cgv_rate *rate) {
    cgv_item_free(&rate->held);
}
