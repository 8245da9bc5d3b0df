// What goes from the input's container to the output's past the network: other streams, metadata,
// chapters, and how the video is to be shown.
#ifndef CGV_VIDEO_CARRY_H
#define CGV_VIDEO_CARRY_H

#include "video/options.h"
#include "video/reencode.h"
#include "video/source.h"
#include "video/turn.h"

typedef struct cgv_carry_params {
    const char *audio_codec, *subtitle_codec; // encoders, or "copy"; NULL: copy where possible
    const char *audio_bit_rate;
    AVDictionary *audio_options;
    bool no_audio, no_subtitles, no_data;
} cgv_carry_params;

// What becomes of a stream of the input.
typedef struct cgv_track {
    int index;              // of the output; -1: left out
    cgv_reencode *reencode; // NULL: its packets are copied
} cgv_track;

// Add a stream to `output` for every selected stream of the input, the translated one included (in
// *video, codec parameters empty). tracks[input index] has input->nb_streams zeroed entries; the
// caller closes their encoders, on failure too.
// Sound that the container cannot hold is encoded anew, as are subtitles made of text; other
// streams that it cannot hold are left out. A message tells of each.
CGV_NODISCARD cgv_status cgv_carry_streams(AVFormatContext *output, AVStream **video,
                                           cgv_track *tracks, const cgv_carry_params *params,
                                           const cgv_source_info *source);

// Whether all streams of such a container begin at 0, as nothing in it says when they do.
bool cgv_carry_begins_at_zero(const AVOutputFormat *format);

// How the pictures of the video must be turned, since the container cannot say how to show them.
cgv_turn cgv_carry_turn(const AVOutputFormat *format, const cgv_source_info *source);

// How the video is to be shown: turned, in stereo, on a sphere, as far as `format` can say it.
// After the codec parameters of `to` are filled, which hold it.
CGV_NODISCARD cgv_status cgv_carry_shown(AVStream *to, const AVStream *from,
                                         const AVOutputFormat *format);

// Metadata of the container and chapters, cut and shifted with the wanted part.
CGV_NODISCARD cgv_status cgv_carry_metadata(AVFormatContext *output, const cgv_source_info *source);

#endif
