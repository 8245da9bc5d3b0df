// Random access to the frames of one picture or video, upright, as RGB.
//
// A clip is the index of a file, made without decoding it; readers decode. Several readers may
// share a clip; each is used by one thread at a time. What cannot be read is no failure here but
// has a reason, which the caller reports as it sees fit.
#ifndef CGV_VIDEO_CLIP_H
#define CGV_VIDEO_CLIP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "train/bitmap.h"

enum { CGV_REASON = 512 };

typedef struct cgv_clip_key {
    int64_t time; // of presentation
    int64_t seek; // what to ask the demuxer for
} cgv_clip_key;

typedef struct cgv_clip {
    char *path;
    bool picture;
    bool counted;   // the packets carry no times: frames are found by counting from the first
    int64_t *times; // of each frame, ascending; its number if counted
    int count;
    cgv_clip_key *keys; // ascending
    int key_count;
    int stream;
    double seconds_per_unit;
} cgv_clip;

// Takes a copy of the path. False: nothing usable in it, for this reason; or *stop was set (NULL:
// never), as a long video takes a while.
bool cgv_clip_open(cgv_clip *clip, char reason[CGV_REASON], const char *path, bool picture,
                   const atomic_bool *stop);
void cgv_clip_close(cgv_clip *clip);

// Seconds from the clip's first frame.
double cgv_clip_seconds(const cgv_clip *clip, int frame);

typedef struct cgv_clip_reader cgv_clip_reader;

// threads: of the decoder; 0: one a core. The clip must outlive the reader.
bool cgv_clip_reader_open(cgv_clip_reader **out, char reason[CGV_REASON], const cgv_clip *clip,
                          int threads);

// Frame 0..clip->count-1; in ascending order nothing is decoded twice.
bool cgv_clip_reader_read(cgv_clip_reader *reader, cgv_bitmap *out, char reason[CGV_REASON],
                          int frame);

const cgv_clip *cgv_clip_reader_clip(const cgv_clip_reader *reader);

void cgv_clip_reader_close(cgv_clip_reader **reader);

#endif
