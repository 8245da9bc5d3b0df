// A frame cache: the pictures of one domain in one file, scaled down and compressed, which needs
// no FFmpeg to be trained from.
//
// Little-endian. A header of 64 bytes; the JPEG files one after the other; the index, one entry of
// 40 bytes a picture; the names of where they came from, each ended by a zero byte.
#ifndef CGV_TRAIN_CACHE_H
#define CGV_TRAIN_CACHE_H

#include <stdbool.h>

#include "train/frames.h"

typedef struct cgv_cache_writer cgv_cache_writer;

// key: what cgv_cache_matches will ask for, a hash of all that decides the contents. Pictures are
// scaled down to `side` on their shorter side (0: not), and compressed with JPEG's `quality`.
CGV_NODISCARD cgv_status cgv_cache_writer_open(cgv_cache_writer **out, const char *path,
                                               uint64_t key, int side, int quality);
CGV_NODISCARD cgv_status cgv_cache_writer_add(cgv_cache_writer *writer, const cgv_bitmap *picture,
                                              const char *name);

// The same in two steps, for what may turn out not to be wanted. The picture as the cache holds it
// is the caller's, to be freed whatever happens.
typedef struct cgv_cache_picture {
    uint8_t *jpeg;
    size_t bytes;
    int width, height;
} cgv_cache_picture;

CGV_NODISCARD cgv_status cgv_cache_writer_compress(const cgv_cache_writer *writer,
                                                   cgv_cache_picture *out,
                                                   const cgv_bitmap *picture);
CGV_NODISCARD cgv_status cgv_cache_writer_append(cgv_cache_writer *writer,
                                                 const cgv_cache_picture *picture,
                                                 const char *name);
void cgv_cache_picture_free(cgv_cache_picture *picture);

// The file appears under its name, whole. The writer is gone whatever happens.
CGV_NODISCARD cgv_status cgv_cache_writer_commit(cgv_cache_writer **writer);
// Leaves nothing behind. NULL-safe.
void cgv_cache_writer_abort(cgv_cache_writer **writer);

// Whether there is a cache at `path`, made with this key. (Whether it is whole, opening tells.)
bool cgv_cache_matches(const char *path, uint64_t key);

// Map a cache into memory. The whole file is checked: CGV_ERROR_FORMAT when it is damaged.
CGV_NODISCARD cgv_status cgv_cache_open(cgv_frames **out, const char *path);

#endif
