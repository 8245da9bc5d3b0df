// Streams other than the video that must change their codec: sound, and subtitles made of text.
#ifndef CGV_VIDEO_REENCODE_H
#define CGV_VIDEO_REENCODE_H

#include <stdbool.h>

#include <libavformat/avformat.h>

#include "cgvideo/status.h"

typedef struct cgv_reencode cgv_reencode;

typedef struct cgv_reencode_params {
    const AVCodec *codec;  // the encoder
    const char *bit_rate;  // NULL: the encoder's default
    AVDictionary *options; // of the encoder; NULL: none
    int sample_rate;       // of the sound, unless the options have one; 0: as it was
    bool global_header;    // the container keeps the codec's header
    AVRational clock;      // of the packets that are sent
    bool from_zero;        // silence before sound that begins later
    bool cut;              // sound before time 0 is not to be heard
    int64_t length;        // microseconds after which sound ends; INT64_MAX: never
} cgv_reencode_params;

// Set up decoder and encoder, and fill to->codecpar and to->time_base. Fails where the codec of
// `from` cannot be decoded.
CGV_NODISCARD cgv_status cgv_reencode_open(cgv_reencode **out, AVStream *to, const AVStream *from,
                                           const cgv_reencode_params *params);

// A packet of `from`, not taken; NULL drains. Damaged packets are left out.
CGV_NODISCARD cgv_status cgv_reencode_send(cgv_reencode *stream, const AVPacket *packet);

// The next packet of the new codec, with its time_base. CGV_AGAIN: send more. CGV_END: drained.
CGV_NODISCARD cgv_status cgv_reencode_receive(cgv_reencode *stream, AVPacket *packet);

void cgv_reencode_close(cgv_reencode **stream);

#endif
