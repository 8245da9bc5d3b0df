// The frames of a job on their way through the pipeline: which are done, which begin a segment, and
// what the filter holds there.
#ifndef CGV_APP_SEGMENTS_H
#define CGV_APP_SEGMENTS_H

#include "app/job.h"
#include "cgvideo/translator.h"

typedef struct cgv_segments {
    bool on; // there is a job
    const char *input;
    cgv_job_done done;
    int64_t left;    // of the decoding thread: frames that are done, to come
    int64_t segment; // of the translating thread: the one that was last begun; -1: none was
} cgv_segments;

// job NULL: what follows does nothing. input: for messages.
void cgv_segments_init(cgv_segments *segments, const cgv_job *job, const char *input);

// Take away a frame that an earlier run translated, which must be the one of then.
CGV_NODISCARD cgv_status cgv_segments_pass(cgv_segments *segments, cgv_item *item);

// There are no more frames: had the earlier run more?
CGV_NODISCARD cgv_status cgv_segments_end(const cgv_segments *segments);

// Whether a frame begins a segment, which its time alone decides, so that it does so in every run.
bool cgv_segments_begin(cgv_segments *segments, const AVFrame *frame);

// Before the frame that begins one: what the filter holds. Nothing is in flight. The first one of a
// run is given what the earlier run noted, and notes nothing. *state NULL: the filter holds
// nothing.
CGV_NODISCARD cgv_status cgv_segments_restore(const cgv_segments *segments,
                                              cgv_translator *translator);
CGV_NODISCARD cgv_status cgv_segments_save(AVBufferRef **state, cgv_translator *translator);

#endif
