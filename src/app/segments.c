#include "app/segments.h"

#include <libavutil/mathematics.h>

#include "base/log.h"

void cgv_segments_init(cgv_segments *segments, const cgv_job *job, const char *input) {
    *segments = (cgv_segments){.on = job, .input = input, .segment = -1};
    if (job)
        segments->done = cgv_job_get_done(job);
    segments->left = segments->done.frames;
}

cgv_status cgv_segments_pass(cgv_segments *segments, cgv_item *item) {
    const cgv_job_done *done = &segments->done;
    if (item->kind != CGV_ITEM_FRAME || !segments->left)
        return CGV_OK;
    segments->left--;
    bool other = !segments->left && av_compare_ts(item->frame->pts, item->frame->time_base,
                                                  done->last_pts, done->clock) != 0;
    cgv_item_free(item);
    return other ? cgv_fail(CGV_ERROR_FORMAT,
                            "%s: decode: frame %lld is not that of the run before: delete the "
                            "folder of segments and begin anew",
                            segments->input, (long long)done->frames)
                 : CGV_OK;
}

cgv_status cgv_segments_end(const cgv_segments *segments) {
    return segments->left ? cgv_fail(CGV_ERROR_FORMAT,
                                     "%s: decode: it ends %lld frames before the last one of the "
                                     "run before: delete the folder of segments and begin anew",
                                     segments->input, (long long)segments->left)
                          : CGV_OK;
}

bool cgv_segments_begin(cgv_segments *segments, const AVFrame *frame) {
    if (!segments->on)
        return false;
    int64_t time = av_rescale_q_rnd(frame->pts, frame->time_base, AV_TIME_BASE_Q, AV_ROUND_DOWN);
    int64_t segment = FFMAX(time, 0) / segments->done.segment;
    bool begins = segment > segments->segment;
    if (begins)
        segments->segment = segment;
    return begins;
}

cgv_status cgv_segments_restore(const cgv_segments *segments, cgv_translator *translator) {
    const cgv_job_done *done = &segments->done;
    if (!done->frames)
        return CGV_OK;
    if (done->state_size != cgv_translator_state_size(translator))
        return cgv_fail(CGV_ERROR_FORMAT,
                        "translate: what is noted of the run before is not of this filter: delete "
                        "the folder of segments and begin anew");
    return done->state ? cgv_translator_restore(translator, done->state) : CGV_OK;
}

cgv_status cgv_segments_save(AVBufferRef **state, cgv_translator *translator) {
    size_t size = cgv_translator_state_size(translator);
    *state = NULL;
    if (!size)
        return CGV_OK;
    *state = av_buffer_alloc(size);
    return *state ? cgv_translator_save(translator, (*state)->data)
                  : cgv_fail(CGV_ERROR_MEMORY, "translate: out of memory");
}
