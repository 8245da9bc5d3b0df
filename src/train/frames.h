// Random access to the pictures of one domain, wherever they come from: a cache file
// (train/cache.h), or pictures and videos through libav (video/frames.h).
#ifndef CGV_TRAIN_FRAMES_H
#define CGV_TRAIN_FRAMES_H

#include "train/bitmap.h"

typedef struct cgv_frames cgv_frames;

typedef struct cgv_frames_class {
    // Picture `index`, upright, square pixels, full range; out->rgb is the caller's. Several
    // threads may read at once. The same picture each time.
    cgv_status (*read)(cgv_frames *frames, cgv_bitmap *out, int index);
    // Where it comes from, for messages ("clip.mp4 at 12.400 s"): malloc'ed, NULL out of memory.
    char *(*describe)(const cgv_frames *frames, int index);
    void (*destroy)(cgv_frames *frames);
} cgv_frames_class;

// The head of every implementation.
struct cgv_frames {
    const cgv_frames_class *class;
    int count; // >= 1
};

static inline void cgv_frames_destroy(cgv_frames **frames) {
    if (*frames)
        (*frames)->class->destroy(*frames);
    *frames = NULL;
}

#endif
