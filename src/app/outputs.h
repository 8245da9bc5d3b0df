// The outputs of a translation and their options. As in ffmpeg, options stand before the output
// that they describe, and the next one begins without any; those of a single output may stand
// behind it.
#ifndef CGV_APP_OUTPUTS_H
#define CGV_APP_OUTPUTS_H

#include "app/pipeline.h"
#include "video/sink.h"

typedef struct cgv_output_options {
    const char *url, *device; // as given; without the prefix of a format
    const char *codec, *bit_rate, *preset, *pixel_format, *rate, *format, *tag;
    const char *audio_codec, *audio_bit_rate, *subtitle_codec, *quality_name, *segment_time;
    double crf, quality;
    int sync;
    bool no_audio, no_subtitles, no_data;
    AVRational constant_rate; // what `rate` says
    int64_t segment;          // what `segment_time` says, in microseconds; 0: no segments
    cgv_av_options libav;
} cgv_output_options;

#define CGV_OUTPUT_DEFAULTS                                                                        \
    ((cgv_output_options){.crf = -1, .quality = -1, .constant_rate = {0, 1}})

typedef struct cgv_outputs {
    cgv_output_options list[CGV_MAX_OUTPUTS];
    int count;
    bool too_many;
} cgv_outputs;

// An output, whose url is set, with all that was said before it; *next is empty again.
void cgv_outputs_add(cgv_outputs *outputs, cgv_output_options *next);

// The command line is at its end: what stands there in *trailing describes a single output, and
// is refused where there are several or none.
CGV_NODISCARD cgv_status cgv_outputs_end(cgv_outputs *outputs, cgv_output_options *trailing);

// Whether the options make sense; sets `device`, `format` and `constant_rate`.
CGV_NODISCARD cgv_status cgv_outputs_check(cgv_outputs *outputs, const char *input);

void cgv_outputs_free(cgv_outputs *outputs);

// The names of -fps_mode in the order of cgv_sync; ffmpeg's old numbers for the same follow.
extern const char *const cgv_outputs_sync_names[];

#endif
