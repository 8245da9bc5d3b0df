// What the video layer shares about libav*: its errors and messages, and names that changed
// between FFmpeg 5.1 and 7.1.
#ifndef CGV_VIDEO_AV_H
#define CGV_VIDEO_AV_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>

#include "base/log.h"
#include "cgvideo/status.h"
#include "video/turn.h"

// cgv_fail with the reason: libav's text for `error`, and the last error that libav itself
// reported on this thread, which says why where its code does not.
cgv_status cgv_av_fail(int error, const char *format, ...) CGV_PRINTF(2, 3);

// Route libav's messages into the project's log. Its errors are verbose here: whoever called libav
// knows whether they matter, and reports them with cgv_av_fail.
void cgv_av_log_init(void);

// Forget the last error of libav on this thread, before a call whose failure will be reported.
void cgv_av_clear_error(void);

int64_t cgv_av_frame_duration(const AVFrame *frame);
void cgv_av_frame_set_duration(AVFrame *frame, int64_t duration);
// When a frame was captured or came in, in microseconds of av_gettime_relative; 0: nobody noted it.
// Goes along with copies of the frame and its properties.
int64_t cgv_av_frame_captured(const AVFrame *frame);
void cgv_av_frame_set_captured(AVFrame *frame, int64_t time);

bool cgv_av_frame_interlaced(const AVFrame *frame);
void cgv_av_frame_set_interlaced(AVFrame *frame, bool top_field_first);

// Copy side data from stream to stream: one type, or all of it (type AV_PKT_DATA_NB).
CGV_NODISCARD cgv_status cgv_av_copy_side_data(AVStream *to, const AVStream *from,
                                               enum AVPacketSideDataType type);
// The display matrix of a stream (9 numbers), or NULL.
const int32_t *cgv_av_display_matrix(const AVStream *stream);

// How a decoded frame of a stream has to be turned to be upright.
cgv_turn cgv_av_turn(const AVStream *stream, const AVFrame *frame);

// Forget times and durations of a packet that no video has, which only damage gives: whatever is
// computed from the others fits into 64 bits.
void cgv_av_mend_times(AVPacket *packet, const AVStream *stream);

// Microseconds at which the input begins: to be seen, or to be heard. Matroska gives sound that is
// there to prime its decoder times before that.
int64_t cgv_av_start(const AVFormatContext *input);

// What has to be added to the times of a stream's packets before `output` gets them: Matroska
// stores times of sound from which readers take the encoder's delay, and old muxers leave that to
// others.
int64_t cgv_av_mux_delay(const AVFormatContext *output, const AVStream *stream);

// Go to a packet of `video` at or before `time`, in microseconds.
typedef enum cgv_av_sought {
    CGV_AV_FOUND,
    CGV_AV_UNTRIED, // that would take reading everything before: raw streams, pipes. Nothing moved.
    CGV_AV_LOST,    // not found: only opening the input again leads back to its beginning
} cgv_av_sought;
cgv_av_sought cgv_av_seek(AVFormatContext *input, const AVStream *video, int64_t time);

// `base`, or a finer clock where one as coarse as that would move a shift of so many microseconds
// to another time: AVI counts whole frames.
AVRational cgv_av_clock(AVRational base, int64_t shift);

// Pixel formats, frame rates … that an encoder takes; NULL means any. Ends with AV_PIX_FMT_NONE,
// {0, 0}, AV_SAMPLE_FMT_NONE, 0, a layout of no channels.
const enum AVPixelFormat *cgv_av_pixel_formats(const AVCodec *codec);
const AVRational *cgv_av_frame_rates(const AVCodec *codec);
const enum AVSampleFormat *cgv_av_sample_formats(const AVCodec *codec);
const int *cgv_av_sample_rates(const AVCodec *codec);
const AVChannelLayout *cgv_av_channel_layouts(const AVCodec *codec);

#endif
