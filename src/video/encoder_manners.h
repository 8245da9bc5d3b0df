// Manners of encoder libraries: some write to standard error, past libav's log and this program's
// -loglevel.
#ifndef CGV_VIDEO_ENCODER_MANNERS_H
#define CGV_VIDEO_ENCODER_MANNERS_H

#include <libavcodec/avcodec.h>

#include "cgvideo/status.h"
#include "video/sink.h"

// Before the encoder is opened: what makes it give each picture back at once and fast, and lets
// viewers who come later begin within two seconds; what the user says of it wins.
void cgv_encoder_live(AVCodecContext *context, AVDictionary **options,
                      const cgv_sink_params *params);

// Before the encoder is opened: ask it for errors only, unless `options` say otherwise or more is
// wanted of the log.
CGV_NODISCARD cgv_status cgv_encoder_hush(const AVCodec *codec, AVDictionary **options);

// Before the encoder is opened: let it make the same packets of the same pictures, whatever the
// program did before.
CGV_NODISCARD cgv_status cgv_encoder_repeat(const AVCodec *codec, AVDictionary **options);

// Say why the encoder could not be opened, which some of them tell nobody but standard error.
cgv_status cgv_encoder_refused(const AVCodec *codec, const AVCodecContext *context, int error);

// Refuse a preset that is none where the encoder would complain on its own.
CGV_NODISCARD cgv_status cgv_encoder_check_preset(const AVCodec *codec, const char *preset);

#endif
