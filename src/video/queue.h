// A bounded queue between two stages of a pipeline: frames, packets of other streams, and the end.
#ifndef CGV_VIDEO_QUEUE_H
#define CGV_VIDEO_QUEUE_H

#include <stdbool.h>

#include <libavcodec/packet.h>
#include <libavutil/frame.h>

#include "cgvideo/status.h"

typedef enum cgv_item_kind {
    CGV_ITEM_END,
    CGV_ITEM_FRAME,
    CGV_ITEM_PACKET,
} cgv_item_kind;

// Owns what it points to. Times are in frame->time_base and packet->time_base.
typedef struct cgv_item {
    cgv_item_kind kind;
    AVFrame *frame;
    int repeat;         // how many times the frame is shown in a row, one duration apart; >= 1
    AVFrame *before;    // the input's picture, where somebody wants to compare; else NULL
    bool begins;        // a segment, of an output in segments
    AVBufferRef *state; // of the filter before the frame that begins one; NULL: it has none
    AVPacket *packet;   // stream_index is the input's
} cgv_item;

void cgv_item_free(cgv_item *item);

// Another reference to the same data. CGV_ERROR_MEMORY: *out is empty.
CGV_NODISCARD cgv_status cgv_item_clone(cgv_item *out, const cgv_item *item);

typedef struct cgv_queue cgv_queue;

// Frames are large and packets small, so each kind has its own bound.
CGV_NODISCARD cgv_status cgv_queue_create(cgv_queue **out, int frames, int packets);

// Waits while the queue is full. Takes the item, on failure too (and frees it then).
// CGV_ERROR_INTERRUPTED: the queue was aborted.
CGV_NODISCARD cgv_status cgv_queue_push(cgv_queue *queue, cgv_item item);

// For what cannot wait: never blocks. Where there is no room, the oldest item of the kind goes, and
// *dropped is true. Otherwise as cgv_queue_push.
CGV_NODISCARD cgv_status cgv_queue_push_latest(cgv_queue *queue, cgv_item item, bool *dropped);

// Waits while the queue is empty. The item is the caller's. CGV_ERROR_INTERRUPTED as above.
CGV_NODISCARD cgv_status cgv_queue_pop(cgv_queue *queue, cgv_item *item);

// Wake everybody up; every later push and pop fails.
void cgv_queue_abort(cgv_queue *queue);

// No thread may be using it any more. Frees what is left inside.
void cgv_queue_destroy(cgv_queue **queue);

#endif
