// The end of an output in segments: their packets, and those of the input's other streams among
// them, become one file.
#ifndef CGV_VIDEO_JOIN_H
#define CGV_VIDEO_JOIN_H

#include "video/sink.h"
#include "video/source.h"

typedef struct cgv_segment {
    char *path;
    cgv_packets_sum sum;
} cgv_segment;

// Write everything to a segmented sink, which remains to be finished. source: the sink's input
// again, with no_frames. CGV_ERROR_INTERRUPTED when *stop was set, which ends the source early.
CGV_NODISCARD cgv_status cgv_join_segments(cgv_sink *sink, cgv_source *source,
                                           const cgv_segment *segments, int count,
                                           const atomic_bool *stop);

#endif
