// The encoder of a sink: which one, with what settings, in which pixel format and colours.
#ifndef CGV_VIDEO_ENCODER_H
#define CGV_VIDEO_ENCODER_H

#include "video/convert.h"
#include "video/sink.h"

typedef struct cgv_encoder {
    AVCodecContext *context;
    AVFrame *format;       // what cgv_sink_format returns
    cgv_turn turn;         // of the picture, where the container cannot say it
    cgv_convert *convert;  // from format->format to the encoder's
    cgv_convert *recolour; // to `format`, where frames come as another sink wants them
    enum AVPixelFormat pixel_format;
    AVDictionary *unused; // options that the encoder did not take
    AVRational rate;      // constant rate at which frames are to come, or {0, 1}
    bool drop_late;       // frames that fall on one tick: keep the first, else move the others
    int64_t last_pts;
    struct cgv_shown {
        int64_t pts, duration, captured;
    } * shown; // frames inside the encoder: not every encoder hands durations through
    int shown_count, shown_room;
} cgv_encoder;

// For the picked encoder `codec` and the container's flags. Errors name the encode stage.
CGV_NODISCARD cgv_status cgv_encoder_open(cgv_encoder *encoder, const AVCodec *codec,
                                          const AVOutputFormat *container,
                                          const cgv_sink_params *params,
                                          const cgv_source_info *source);

// Begin anew, for packets that nothing before them is needed for: with the parameters that it was
// opened with, once it is drained. Times go on.
CGV_NODISCARD cgv_status cgv_encoder_restart(cgv_encoder *encoder, const AVOutputFormat *container,
                                             const cgv_sink_params *params,
                                             const cgv_source_info *source);

// Takes the frame, in another format than `format` if need be; NULL drains. Packets then come from
// cgv_encoder_receive until it says CGV_END (drained) or CGV_AGAIN (send more). *captured: as
// cgv_av_frame_captured of its frame.
CGV_NODISCARD cgv_status cgv_encoder_send(cgv_encoder *encoder, AVFrame *frame);
CGV_NODISCARD cgv_status cgv_encoder_receive(cgv_encoder *encoder, AVPacket *packet,
                                             int64_t *captured);

void cgv_encoder_close(cgv_encoder *encoder);

#endif
