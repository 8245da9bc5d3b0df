// Training pictures from pictures and videos, through libav.
#ifndef CGV_VIDEO_FRAMES_H
#define CGV_VIDEO_FRAMES_H

#include <stdatomic.h>

#include "train/frames.h"

typedef struct cgv_frames_params {
    // Frames taken from all videos together, evenly over their time; 0: all. Pictures are all
    // taken, whatever their number.
    int target;
    // A cache file (train/cache.h): used if it was made from the same files and params, else
    // written. NULL: none; pictures are decoded when they are read.
    const char *cache;
    int cache_side, cache_quality; // of its pictures, see cgv_cache_writer_open
    const atomic_bool *stop;       // set: give up with CGV_ERROR_INTERRUPTED; NULL: never
} cgv_frames_params;

#define CGV_FRAMES_DEFAULTS                                                                        \
    ((cgv_frames_params){.target = 2000, .cache_side = 286, .cache_quality = 92})

// Open what `specs` name (see train/listing.h) and look at every picture once: frames of videos
// that are black, flat, within a dissolve or a fade, or nearly the same as the one before are left
// out, as is what cannot be decoded. One line (CGV_LOG_INFO, beginning with `label`) says how many
// of each; a file of which nothing can be used gets a warning. An error only if no picture is left.
// params NULL: defaults.
CGV_NODISCARD cgv_status cgv_frames_open(cgv_frames **out, const char *label,
                                         const char *const *specs, int count,
                                         const cgv_frames_params *params);

#endif
