// -preview: the latest translated frame in a window, and the keys that are pressed there.
#ifndef CGV_APP_PREVIEW_H
#define CGV_APP_PREVIEW_H

#include <stdbool.h>

#include "video/queue.h"
#include "video/source.h"

typedef struct cgv_preview cgv_preview;

// What the keys ask for.
typedef struct cgv_preview_wish {
    bool quit, paused;
    float strength;
} cgv_preview_wish;

// Open the window for what the source shows; `strength` is that of the beginning. Open, update and
// close come from one thread.
CGV_NODISCARD cgv_status cgv_preview_open(cgv_preview **out, const char *title,
                                          const cgv_source_info *source, float strength);

// The format of pictures that can be shown as they are, for a translation that has no other use.
const AVFrame *cgv_preview_format(const cgv_preview *preview);

// Take over a frame, from any thread; as cgv_pipeline_params.show.
void cgv_preview_take(void *preview, const cgv_item *item);

// Read keys and draw what came last. Call many times a second.
cgv_preview_wish cgv_preview_update(cgv_preview *preview);

// Whether the window could not be drawn in, which was said: it is gone, and update does nothing.
bool cgv_preview_failed(const cgv_preview *preview);

// Frames shown so far, and how long they took from capture, as cgv_latency_quantile.
int64_t cgv_preview_frames(const cgv_preview *preview);
int64_t cgv_preview_latency(cgv_preview *preview, double share);

void cgv_preview_close(cgv_preview **preview);

#endif
