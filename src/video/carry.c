#include "video/carry.h"

#include <math.h>
#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/display.h>

#include "video/av.h"

static bool mov_family(const AVOutputFormat *format) {
    return av_match_name("mp4", format->name) || av_match_name("mov", format->name) ||
           av_match_name("ipod", format->name) || av_match_name("3gp", format->name);
}

static bool holds_only_video(const AVOutputFormat *format) {
    return format->audio_codec == AV_CODEC_ID_NONE && format->subtitle_codec == AV_CODEC_ID_NONE &&
           !format->codec_tag;
}

static bool container_holds(const AVOutputFormat *format, const AVStream *stream) {
    const AVCodecParameters *codec = stream->codecpar;
    if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return mov_family(format);
    if (codec->codec_type == AVMEDIA_TYPE_ATTACHMENT)
        return av_match_name("matroska", format->name) && codec->extradata_size > 0;
    if (codec->codec_id == AV_CODEC_ID_NONE || codec->codec_type == AVMEDIA_TYPE_UNKNOWN)
        return false;
    // Picture muxers would store any packet as a picture file, sound included.
    if (holds_only_video(format))
        return false;
    int answer = avformat_query_codec(format, codec->codec_id, FF_COMPLIANCE_EXPERIMENTAL);
    if (answer >= 0)
        return answer;
    // The muxer does not say. Those with a default codec of the kind take it or fail at the header.
    return codec->codec_type == AVMEDIA_TYPE_AUDIO      ? format->audio_codec != AV_CODEC_ID_NONE
           : codec->codec_type == AVMEDIA_TYPE_SUBTITLE ? format->subtitle_codec != AV_CODEC_ID_NONE
                                                        : false;
}

static const char *kind_name(const AVStream *stream) {
    if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return "cover picture";
    const char *name = av_get_media_type_string(stream->codecpar->codec_type);
    return name ? name : "unknown";
}

// CGV_END: leave the stream out.
static cgv_status check_holds(const AVFormatContext *output, const AVStream *stream) {
    if (container_holds(output->oformat, stream))
        return CGV_OK;
    const char *codec = avcodec_get_name(stream->codecpar->codec_id);
    bool audio = stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    if (audio && !holds_only_video(output->oformat))
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "mux: %s cannot hold the input's %s audio (stream %d): choose another "
                        "container, or -an to leave it out",
                        output->oformat->name, codec, stream->index);
    // Pictures and raw video have no place for sound at all: nobody expects it there.
    cgv_log(audio ? CGV_LOG_INFO : CGV_LOG_WARNING,
            "mux: %s cannot hold stream %d (%s, %s): left out", output->oformat->name,
            stream->index, kind_name(stream), codec);
    return CGV_END;
}

// Statements about the old encoding, which the new one makes untrue.
static void drop_stale(AVDictionary **metadata) {
    static const char *const stale[] = {"encoder",     "ENCODER",          "BPS",
                                        "DURATION",    "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES",
                                        "_STATISTICS_"};
    for (size_t i = 0; i < sizeof stale / sizeof *stale; i++) {
        const AVDictionaryEntry *entry;
        while ((entry = av_dict_get(*metadata, stale[i], NULL, AV_DICT_IGNORE_SUFFIX)))
            av_dict_set(metadata, entry->key, NULL, AV_DICT_MATCH_CASE);
    }
}

static uint32_t tag_for(const AVOutputFormat *format, const AVCodecParameters *codec) {
    unsigned tag;
    if (!format->codec_tag ||
        av_codec_get_id(format->codec_tag, codec->codec_tag) == codec->codec_id ||
        !av_codec_get_tag2(format->codec_tag, codec->codec_id, &tag))
        return codec->codec_tag;
    return 0; // the muxer's own
}

static cgv_status add_copied(AVFormatContext *output, AVStream *to, const AVStream *from) {
    int error = avcodec_parameters_copy(to->codecpar, from->codecpar);
    if (error < 0)
        return cgv_av_fail(error, "mux: stream %d", from->index);
    to->codecpar->codec_tag = tag_for(output->oformat, from->codecpar);
    to->time_base = from->time_base;
    to->avg_frame_rate = from->avg_frame_rate;
    to->duration = 0;
#if LIBAVFORMAT_VERSION_INT < AV_VERSION_INT(60, 15, 100)
    return cgv_av_copy_side_data(to, from, AV_PKT_DATA_NB); // since then part of the parameters
#else
    return CGV_OK;
#endif
}

// Matroska muxers before FFmpeg 6.1 drop the display matrix.
static bool says_rotation(const AVOutputFormat *format) {
    bool matroska = av_match_name("matroska", format->name) || av_match_name("webm", format->name);
    return mov_family(format) ||
           (matroska && LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 16, 100));
}

static cgv_status add_video(const AVFormatContext *output, AVStream *to, const AVStream *from) {
    static const enum AVPacketSideDataType shown[] = {AV_PKT_DATA_DISPLAYMATRIX,
                                                      AV_PKT_DATA_STEREO3D, AV_PKT_DATA_SPHERICAL};
    const int32_t *matrix = cgv_av_display_matrix(from);
    double degrees = matrix ? av_display_rotation_get(matrix) : 0;
    if (fabs(degrees) >= 1 && !says_rotation(output->oformat))
        cgv_log(CGV_LOG_WARNING,
                "mux: %s cannot say that the video is to be shown turned by %.0f degrees: it will "
                "appear unturned (mp4 and mov can)",
                output->oformat->name, -degrees);
    drop_stale(&to->metadata);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        cgv_status status = cgv_av_copy_side_data(to, from, shown[i]);
        if (status)
            return status;
    }
    return CGV_OK;
}

cgv_status cgv_carry_streams(AVFormatContext *output, AVStream **video, int *map,
                             const cgv_source_info *source) {
    for (unsigned i = 0; i < source->input->nb_streams; i++) {
        const AVStream *from = source->input->streams[i];
        map[i] = -1;
        if (from->discard == AVDISCARD_ALL)
            continue;
        cgv_status status = from == source->video ? CGV_OK : check_holds(output, from);
        if (status == CGV_END)
            continue;
        if (status)
            return status;
        AVStream *to = avformat_new_stream(output, NULL);
        if (!to)
            return cgv_fail(CGV_ERROR_MEMORY, "mux: out of memory");
        to->disposition = from->disposition;
        to->sample_aspect_ratio = from->sample_aspect_ratio;
        int error = av_dict_copy(&to->metadata, from->metadata, 0);
        if (error < 0)
            return cgv_av_fail(error, "mux: stream %u", i);
        status = from == source->video ? add_video(output, to, from) : add_copied(output, to, from);
        if (status)
            return status;
        if (from == source->video)
            *video = to;
        map[i] = to->index;
    }
    return CGV_OK;
}

static cgv_status add_chapter(AVFormatContext *output, const AVChapter *from,
                              const cgv_source_info *source) {
    int64_t shift = av_rescale_q(source->shift, AV_TIME_BASE_Q, from->time_base);
    int64_t start = FFMAX(from->start - shift, 0);
    int64_t end = from->end == AV_NOPTS_VALUE ? start : from->end - shift;
    if (source->wanted != INT64_MAX)
        end = FFMIN(end, av_rescale_q(source->wanted, AV_TIME_BASE_Q, from->time_base));
    if (end < start || (end == start && from->end > from->start))
        return CGV_OK; // outside of the wanted part
    AVChapter *to = av_mallocz(sizeof *to);
    if (!to || av_dynarray_add_nofree(&output->chapters, (int *)&output->nb_chapters, to) < 0) {
        av_free(to);
        return cgv_fail(CGV_ERROR_MEMORY, "mux: out of memory");
    }
    to->id = from->id;
    to->time_base = from->time_base;
    to->start = start;
    to->end = end;
    int error = av_dict_copy(&to->metadata, from->metadata, 0);
    return error < 0 ? cgv_av_fail(error, "mux: chapters") : CGV_OK;
}

cgv_status cgv_carry_metadata(AVFormatContext *output, const cgv_source_info *source) {
    static const char *const container[] = {"major_brand", "minor_version", "compatible_brands",
                                            "creation_time", "encoder"};
    int error = av_dict_copy(&output->metadata, source->input->metadata, 0);
    if (error < 0)
        return cgv_av_fail(error, "mux: metadata");
    for (size_t i = 0; i < sizeof container / sizeof *container; i++)
        av_dict_set(&output->metadata, container[i], NULL, 0);
    for (unsigned i = 0; i < source->input->nb_chapters; i++) {
        cgv_status status = add_chapter(output, source->input->chapters[i], source);
        if (status)
            return status;
    }
    return CGV_OK;
}
