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
    av_packet_free(&item->packet);
    *item = (cgv_item){0};
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

cgv_status cgv_queue_push(cgv_queue *queue, cgv_item item) {
    pthread_mutex_lock(&queue->lock);
    while (!queue->aborted && queue->used[item.kind] == queue->limit[item.kind])
        pthread_cond_wait(&queue->drained, &queue->lock);
    bool aborted = queue->aborted;
    if (!aborted) {
        queue->items[(queue->first + queue->count++) % queue->capacity] = item;
        queue->used[item.kind]++;
        pthread_cond_signal(&queue->filled);
    }
    pthread_mutex_unlock(&queue->lock);
    if (!aborted)
        return CGV_OK;
    cgv_item_free(&item);
    return CGV_ERROR_INTERRUPTED;
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
