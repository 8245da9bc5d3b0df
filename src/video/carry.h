// What goes from the input's container to the output's without being decoded: other streams,
// metadata, chapters, and how the video is to be shown.
#ifndef CGV_VIDEO_CARRY_H
#define CGV_VIDEO_CARRY_H

#include "video/source.h"

// Add a stream to `output` for every stream of the input that the container can hold, the
// translated one included (in *video, codec parameters empty). map[input index] is the output
// index or -1; it has input->nb_streams entries.
// Subtitles and data that the container cannot hold are dropped with a warning; audio is an error.
CGV_NODISCARD cgv_status cgv_carry_streams(AVFormatContext *output, AVStream **video, int *map,
                                           const cgv_source_info *source);

// Global and chapter metadata; chapters in the wanted part, shifted with it.
CGV_NODISCARD cgv_status cgv_carry_metadata(AVFormatContext *output, const cgv_source_info *source);

#endif
