#include "video/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"

struct cgv_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled, drained;
    cgv_item *items; // a ring
    int capacity, first, count;
    int limit[3], used[3]; // by kind
    bool aborted;
};

void cgv_item_free(cgv_item *item) {
    av_frame_free(&item->frame);
    av_frame_free(&item->before);
    av_packet_free(&item->packet);
    av_buffer_unref(&item->state);
    *item = (cgv_item){0};
}

cgv_status cgv_item_clone(cgv_item *out, const cgv_item *item) {
    *out = (cgv_item){.kind = item->kind, .repeat = item->repeat, .begins = item->begins};
    if ((item->frame && !(out->frame = av_frame_clone(item->frame))) ||
        (item->before && !(out->before = av_frame_clone(item->before))) ||
        (item->packet && !(out->packet = av_packet_clone(item->packet))) ||
        (item->state && !(out->state = av_buffer_ref(item->state)))) {
        cgv_item_free(out);
        return cgv_fail(CGV_ERROR_MEMORY, "translate: out of memory");
    }
    return CGV_OK;
}

cgv_status cgv_queue_create(cgv_queue **out, int frames, int packets) {
    *out = NULL;
    cgv_queue *queue = calloc(1, sizeof *queue);
    int capacity = frames + packets + 1;
    cgv_item *items = calloc((size_t)capacity, sizeof *items);
    if (!queue || !items) {
        free(queue);
        free(items);
        return cgv_fail(CGV_ERROR_MEMORY, "no memory for a queue of %d items", capacity);
    }
    queue->items = items;
    queue->capacity = capacity;
    queue->limit[CGV_ITEM_END] = 1;
    queue->limit[CGV_ITEM_FRAME] = frames;
    queue->limit[CGV_ITEM_PACKET] = packets;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
    pthread_cond_init(&queue->drained, NULL);
    *out = queue;
    return CGV_OK;
}

static cgv_item *at(cgv_queue *queue, int index) {
    return &queue->items[(queue->first + index) % queue->capacity];
}

static bool full(const cgv_queue *queue, cgv_item_kind kind) {
    return queue->used[kind] == queue->limit[kind];
}

// With the lock held. Takes the item.
static cgv_status append(cgv_queue *queue, cgv_item item) {
    if (queue->aborted) {
        cgv_item_free(&item);
        return CGV_ERROR_INTERRUPTED;
    }
    *at(queue, queue->count++) = item;
    queue->used[item.kind]++;
    pthread_cond_signal(&queue->filled);
    return CGV_OK;
}

cgv_status cgv_queue_push(cgv_queue *queue, cgv_item item) {
    pthread_mutex_lock(&queue->lock);
    while (!queue->aborted && full(queue, item.kind))
        pthread_cond_wait(&queue->drained, &queue->lock);
    cgv_status status = append(queue, item);
    pthread_mutex_unlock(&queue->lock);
    return status;
}

// The others keep their order.
static cgv_item take_oldest(cgv_queue *queue, cgv_item_kind kind) {
    int index = 0;
    while (at(queue, index)->kind != kind)
        index++;
    cgv_item oldest = *at(queue, index);
    for (; index > 0; index--)
        *at(queue, index) = *at(queue, index - 1);
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    queue->used[kind]--;
    return oldest;
}

cgv_status cgv_queue_push_latest(cgv_queue *queue, cgv_item item, bool *dropped) {
    cgv_item oldest = {0};
    pthread_mutex_lock(&queue->lock);
    *dropped = !queue->aborted && full(queue, item.kind);
    if (*dropped)
        oldest = take_oldest(queue, item.kind);
    cgv_status status = append(queue, item);
    pthread_mutex_unlock(&queue->lock);
    cgv_item_free(&oldest);
    return status;
}

cgv_status cgv_queue_pop(cgv_queue *queue, cgv_item *item) {
    pthread_mutex_lock(&queue->lock);
    while (!queue->aborted && !queue->count)
        pthread_cond_wait(&queue->filled, &queue->lock);
    bool aborted = queue->aborted;
    if (!aborted) {
        *item = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        queue->used[item->kind]--;
        pthread_cond_signal(&queue->drained);
    }
    pthread_mutex_unlock(&queue->lock);
    return aborted ? CGV_ERROR_INTERRUPTED : CGV_OK;
}

void cgv_queue_abort(cgv_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    queue->aborted = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_cond_broadcast(&queue->drained);
    pthread_mutex_unlock(&queue->lock);
}

void cgv_queue_destroy(cgv_queue **handle) {
    if (!handle || !*handle)
        return;
    cgv_queue *queue = *handle;
    for (int i = 0; i < queue->count; i++)
        cgv_item_free(&queue->items[(queue->first + i) % queue->capacity]);
    pthread_cond_destroy(&queue->drained);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
    free(queue->items);
    free(queue);
    *handle = NULL;
}
