#include "video/av.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/log.h>

// FFmpeg 6.1 moved stream side data into the codec parameters, 7.1 the lists of a codec behind a
// function; 6.0 moved the duration, 6.1 the interlaced flag of a frame.
#define SIDE_DATA_IN_PARAMETERS (LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100))
#define SUPPORTED_CONFIG        (LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100))
#define FRAME_DURATION          (LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100))
#define MUXER_KNOWS_DELAY       (LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(61, 7, 100))
#define INTERLACED_FLAG         (LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100))

static _Thread_local char last_error[256];

void cgv_av_clear_error(void) {
    last_error[0] = 0;
}

static cgv_status status_of(int error) {
    switch (error) {
    case AVERROR(ENOMEM):
        return CGV_ERROR_MEMORY;
    case AVERROR_EXIT:
        return CGV_ERROR_INTERRUPTED;
    case AVERROR_INVALIDDATA:
        return CGV_ERROR_FORMAT;
    case AVERROR(EINVAL):
        return CGV_ERROR_ARGUMENT;
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_ENCODER_NOT_FOUND:
    case AVERROR_MUXER_NOT_FOUND:
    case AVERROR_PROTOCOL_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
    case AVERROR(ENOSYS):
        return CGV_ERROR_UNSUPPORTED;
    default:
        return CGV_ERROR_IO;
    }
}

cgv_status cgv_av_fail(int error, const char *format, ...) {
    char what[512], why[AV_ERROR_MAX_STRING_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    av_strerror(error, why, sizeof why);
    cgv_status status = last_error[0]
                            ? cgv_fail(status_of(error), "%s: %s (%s)", what, why, last_error)
                            : cgv_fail(status_of(error), "%s: %s", what, why);
    cgv_av_clear_error();
    return status;
}

static cgv_log_level level_of(int av_level) {
    return av_level <= AV_LOG_WARNING ? CGV_LOG_VERBOSE : CGV_LOG_DEBUG;
}

static void av_message(void *context, int av_level, const char *format, va_list args) {
    bool error = av_level <= AV_LOG_ERROR;
    if (av_level > AV_LOG_INFO || (!error && !cgv_log_wants(level_of(av_level))))
        return;
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\r\n")] = 0;
    size_t length = strlen(text);
    while (length && (text[length - 1] == ' ' || text[length - 1] == '.'))
        text[--length] = 0;
    if (!length)
        return;
    if (error)
        snprintf(last_error, sizeof last_error, "%.*s", (int)sizeof last_error - 1, text);
    const AVClass *class = context ? *(const AVClass **)context : NULL;
    cgv_log(level_of(av_level), "[%s] %s", class ? class->item_name(context) : "libav", text);
}

void cgv_av_log_init(void) {
    av_log_set_callback(av_message);
}

int64_t cgv_av_frame_duration(const AVFrame *frame) {
#if FRAME_DURATION
    return frame->duration;
#else
    return frame->pkt_duration;
#endif
}

void cgv_av_frame_set_duration(AVFrame *frame, int64_t duration) {
#if FRAME_DURATION
    frame->duration = duration;
#else
    frame->pkt_duration = duration;
#endif
}

int64_t cgv_av_frame_captured(const AVFrame *frame) {
    return (intptr_t)frame->opaque;
}

void cgv_av_frame_set_captured(AVFrame *frame, int64_t time) {
    intptr_t value = (intptr_t)time;
    memcpy(&frame->opaque, &value, sizeof value); // a number, where a pointer could be
}

bool cgv_av_frame_interlaced(const AVFrame *frame) {
#if INTERLACED_FLAG
    return frame->flags & AV_FRAME_FLAG_INTERLACED;
#else
    return frame->interlaced_frame;
#endif
}

void cgv_av_frame_set_interlaced(AVFrame *frame, bool top_field_first) {
#if INTERLACED_FLAG
    frame->flags |= AV_FRAME_FLAG_INTERLACED;
    frame->flags &= ~AV_FRAME_FLAG_TOP_FIELD_FIRST;
    frame->flags |= top_field_first ? AV_FRAME_FLAG_TOP_FIELD_FIRST : 0;
#else
    frame->interlaced_frame = 1;
    frame->top_field_first = top_field_first;
#endif
}

static const AVPacketSideData *side_data(const AVStream *stream, int *count) {
#if SIDE_DATA_IN_PARAMETERS
    *count = stream->codecpar->nb_coded_side_data;
    return stream->codecpar->coded_side_data;
#else
    *count = stream->nb_side_data;
    return stream->side_data;
#endif
}

static uint8_t *new_side_data(AVStream *stream, enum AVPacketSideDataType type, size_t size) {
#if SIDE_DATA_IN_PARAMETERS
    AVPacketSideData *data = av_packet_side_data_new(
        &stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data, type, size, 0);
    return data ? data->data : NULL;
#else
    return av_stream_new_side_data(stream, type, size);
#endif
}

cgv_status cgv_av_copy_side_data(AVStream *to, const AVStream *from,
                                 enum AVPacketSideDataType type) {
    int count;
    const AVPacketSideData *data = side_data(from, &count);
    for (int i = 0; i < count; i++) {
        if (type != AV_PKT_DATA_NB && data[i].type != type)
            continue;
        uint8_t *copy = new_side_data(to, data[i].type, data[i].size);
        if (!copy)
            return cgv_fail(CGV_ERROR_MEMORY, "mux: out of memory");
        memcpy(copy, data[i].data, data[i].size);
    }
    return CGV_OK;
}

const int32_t *cgv_av_display_matrix(const AVStream *stream) {
    int count;
    const AVPacketSideData *data = side_data(stream, &count);
    for (int i = 0; i < count; i++)
        if (data[i].type == AV_PKT_DATA_DISPLAYMATRIX && data[i].size >= 9 * sizeof(int32_t))
            return (const int32_t *)data[i].data;
    return NULL;
}

cgv_turn cgv_av_turn(const AVStream *stream, const AVFrame *frame) {
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    const AVDictionaryEntry *exif = av_dict_get(frame->metadata, "Orientation", NULL, 0);
    const int32_t *matrix = side ? (const int32_t *)side->data : cgv_av_display_matrix(stream);
    return matrix || !exif ? cgv_turn_of(matrix) : cgv_turn_of_orientation(atoi(exif->value));
}

// Microseconds: 142 years, more than the time of day of a live source. What is above is damage, and
// sums of it would overflow.
#define LATEST  (INT64_C(1) << 52)
#define LONGEST (INT64_C(1) << 40)

static bool is_time(int64_t time, AVRational base) {
    int64_t t = av_rescale_q(time, base, AV_TIME_BASE_Q);
    return time > INT64_MIN / 4 && time < INT64_MAX / 4 && t > -LATEST && t < LATEST;
}

void cgv_av_mend_times(AVPacket *packet, const AVStream *stream) {
    AVRational base = stream->time_base;
    if (packet->pts != AV_NOPTS_VALUE && !is_time(packet->pts, base))
        packet->pts = AV_NOPTS_VALUE;
    if (packet->dts != AV_NOPTS_VALUE && !is_time(packet->dts, base))
        packet->dts = AV_NOPTS_VALUE;
    if (!is_time(packet->duration, base) ||
        av_rescale_q(packet->duration, base, AV_TIME_BASE_Q) > LONGEST)
        packet->duration = 0;
}

int64_t cgv_av_start(const AVFormatContext *input) {
    int64_t first = INT64_MAX;
    if (!is_time(input->start_time, AV_TIME_BASE_Q)) // nor is the one that stands for none
        return 0;
    if (input->start_time >= 0)
        return input->start_time;
    for (unsigned i = 0; i < input->nb_streams; i++) {
        const AVStream *stream = input->streams[i];
        const AVCodecParameters *codec = stream->codecpar;
        // Attachments and such are said to begin with the file.
        bool shown = codec->codec_type == AVMEDIA_TYPE_VIDEO;
        if (stream->start_time == AV_NOPTS_VALUE ||
            (!shown && codec->codec_type != AVMEDIA_TYPE_AUDIO))
            continue;
        int64_t time = av_rescale_q(stream->start_time, stream->time_base, AV_TIME_BASE_Q);
        // Both times are rounded to the stream's ticks.
        if (time < 0 && codec->initial_padding > 0 && codec->sample_rate > 0)
            time += av_rescale(codec->initial_padding, AV_TIME_BASE, codec->sample_rate) +
                    av_rescale_q(1, stream->time_base, AV_TIME_BASE_Q);
        first = FFMIN(first, FFMIN(time, 0));
    }
    return first == INT64_MAX ? input->start_time : FFMAX(first, input->start_time);
}

int64_t cgv_av_mux_delay(const AVFormatContext *output, const AVStream *stream) {
#if MUXER_KNOWS_DELAY
    (void)output;
    (void)stream;
    return 0;
#else
    const AVCodecParameters *codec = stream->codecpar;
    bool matroska = av_match_name(output->oformat->name, "matroska,webm");
    return matroska && codec->codec_id == AV_CODEC_ID_OPUS
               ? av_rescale_q(codec->initial_padding, (AVRational){1, 48000}, stream->time_base)
               : 0;
#endif
}

cgv_av_sought cgv_av_seek(AVFormatContext *input, const AVStream *video, int64_t time) {
    bool pipe = input->pb && !(input->pb->seekable & AVIO_SEEKABLE_NORMAL);
    if (pipe || input->iformat->flags & (AVFMT_NOTIMESTAMPS | AVFMT_GENERIC_INDEX))
        return CGV_AV_UNTRIED;
    if (!(input->iformat->flags & AVFMT_SEEK_TO_PTS) && video->codecpar->video_delay)
        time -= 3 * AV_TIME_BASE / 23; // indexed by decoding time: allow for reordered frames
    return avformat_seek_file(input, -1, INT64_MIN, time, time, 0) >= 0 ? CGV_AV_FOUND
                                                                        : CGV_AV_LOST;
}

AVRational cgv_av_clock(AVRational base, int64_t shift) {
    enum { FINE = AV_TIME_BASE / 1000 };
    int64_t kept = av_rescale_q(av_rescale_q(shift, AV_TIME_BASE_Q, base), base, AV_TIME_BASE_Q);
    if (llabs(kept - shift) <= FINE)
        return base;
    // A whole fraction, so that what was exact stays so.
    int64_t parts = av_rescale_q_rnd(1, base, (AVRational){FINE, AV_TIME_BASE}, AV_ROUND_UP);
    return base.den * parts <= INT32_MAX ? (AVRational){base.num, (int)(base.den * parts)}
                                         : AV_TIME_BASE_Q;
}

#if SUPPORTED_CONFIG
static const void *config(const AVCodec *codec, enum AVCodecConfig what) {
    const void *list = NULL;
    return avcodec_get_supported_config(NULL, codec, what, 0, &list, NULL) < 0 ? NULL : list;
}
#define CONFIG(codec, what, field) config(codec, what)
#else
#define CONFIG(codec, what, field) ((codec)->field)
#endif

const enum AVPixelFormat *cgv_av_pixel_formats(const AVCodec *codec) {
    return CONFIG(codec, AV_CODEC_CONFIG_PIX_FORMAT, pix_fmts);
}

const AVRational *cgv_av_frame_rates(const AVCodec *codec) {
    return CONFIG(codec, AV_CODEC_CONFIG_FRAME_RATE, supported_framerates);
}

const enum AVSampleFormat *cgv_av_sample_formats(const AVCodec *codec) {
    return CONFIG(codec, AV_CODEC_CONFIG_SAMPLE_FORMAT, sample_fmts);
}

const int *cgv_av_sample_rates(const AVCodec *codec) {
    return CONFIG(codec, AV_CODEC_CONFIG_SAMPLE_RATE, supported_samplerates);
}

const AVChannelLayout *cgv_av_channel_layouts(const AVCodec *codec) {
    return CONFIG(codec, AV_CODEC_CONFIG_CHANNEL_LAYOUT, ch_layouts);
}
