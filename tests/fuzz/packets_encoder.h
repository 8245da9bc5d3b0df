// What the packets of fuzz_packets and of its seeds are said to be encoded with; not opened.
#ifndef CGV_FUZZ_PACKETS_ENCODER_H
#define CGV_FUZZ_PACKETS_ENCODER_H

#include <libavcodec/avcodec.h>

static inline AVCodecContext *fuzz_packets_encoder(void) {
    AVCodecContext *encoder = avcodec_alloc_context3(avcodec_find_encoder(AV_CODEC_ID_MPEG4));
    if (encoder) {
        encoder->width = 64;
        encoder->height = 48;
        encoder->pix_fmt = AV_PIX_FMT_YUV420P;
        encoder->time_base = (AVRational){1, 25};
    }
    return encoder;
}

#endif
