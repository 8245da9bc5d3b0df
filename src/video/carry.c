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
           (!format->codec_tag || av_match_name(format->name, "ivf,avif"));
}

static bool is_matroska(const AVOutputFormat *format) {
    return av_match_name("matroska", format->name);
}

// QuickTime's and 3GPP's files have no place for covers; their muxer forgets them silently.
static bool keeps_covers(const AVOutputFormat *format) {
    return is_matroska(format) || av_match_name("mp4", format->name) ||
           av_match_name("ipod", format->name);
}

// Muxers that do not say what they hold and fail late, or take anything that nobody could play.
static const struct {
    const char *muxers;
    enum AVCodecID codecs[16]; // sound, subtitles, data; the rest is AV_CODEC_ID_NONE
} known_to_hold[] = {
    {"mpegts",
     {AV_CODEC_ID_MP2, AV_CODEC_ID_MP3, AV_CODEC_ID_AAC, AV_CODEC_ID_AAC_LATM, AV_CODEC_ID_AC3,
      AV_CODEC_ID_EAC3, AV_CODEC_ID_DTS, AV_CODEC_ID_TRUEHD, AV_CODEC_ID_OPUS, AV_CODEC_ID_S302M,
      AV_CODEC_ID_MP1, AV_CODEC_ID_DVB_SUBTITLE, AV_CODEC_ID_DVB_TELETEXT, AV_CODEC_ID_SMPTE_KLV,
      AV_CODEC_ID_SCTE_35}},
    {"mpeg,vcd,svcd,vob,dvd",
     {AV_CODEC_ID_MP2, AV_CODEC_ID_MP3, AV_CODEC_ID_AC3, AV_CODEC_ID_DTS, AV_CODEC_ID_MP1,
      AV_CODEC_ID_PCM_DVD, AV_CODEC_ID_DVD_SUBTITLE}},
    {"ogg,ogv", {AV_CODEC_ID_VORBIS, AV_CODEC_ID_OPUS, AV_CODEC_ID_FLAC, AV_CODEC_ID_SPEEX}},
    {"mxf", {AV_CODEC_ID_PCM_S16LE, AV_CODEC_ID_PCM_S24LE}},
    {"gxf", {AV_CODEC_ID_PCM_S16LE}},
    {"swf", {AV_CODEC_ID_MP3}},
};

// Their sound has one rate; 0: any.
static int only_sample_rate(const AVOutputFormat *format) {
    return av_match_name(format->name, "mxf,gxf") ? 48000
           : av_match_name(format->name, "swf")   ? 44100
                                                  : 0;
}

// 1 or 0, or -1: not in the table.
static int known_holds(const AVOutputFormat *format, const AVCodecParameters *codec) {
    int rate = only_sample_rate(format);
    for (size_t i = 0; i < sizeof known_to_hold / sizeof *known_to_hold; i++) {
        if (!av_match_name(format->name, known_to_hold[i].muxers))
            continue;
        for (const enum AVCodecID *id = known_to_hold[i].codecs; *id; id++)
            if (*id == codec->codec_id)
                return !rate || codec->sample_rate == rate;
        return 0;
    }
    return -1;
}

static bool container_holds(const AVOutputFormat *format, const AVStream *stream) {
    const AVCodecParameters *codec = stream->codecpar;
    if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return keeps_covers(format);
    if (codec->codec_type == AVMEDIA_TYPE_ATTACHMENT)
        return is_matroska(format) && codec->extradata_size > 0;
    if (codec->codec_id == AV_CODEC_ID_NONE || codec->codec_type == AVMEDIA_TYPE_UNKNOWN)
        return false;
    // Picture muxers would store any packet as a picture file, sound included.
    if (holds_only_video(format))
        return false;
    int answer = known_holds(format, codec);
    if (answer < 0)
        answer = avformat_query_codec(format, codec->codec_id, FF_COMPLIANCE_NORMAL);
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

static bool is_text(enum AVCodecID codec) {
    const AVCodecDescriptor *descriptor = avcodec_descriptor_get(codec);
    return descriptor && descriptor->props & AV_CODEC_PROP_TEXT_SUB;
}

static cgv_status find_encoder(const AVCodec **out, const char *option, const char *name,
                               enum AVMediaType type) {
    const AVCodecDescriptor *named = avcodec_descriptor_get_by_name(name);
    *out = avcodec_find_encoder_by_name(name);
    if (!*out && named)
        *out = avcodec_find_encoder(named->id);
    if (*out && (*out)->type == type)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_ARGUMENT, "encode: no such encoder: -%s %s", option, name);
}

// The container's own default; but matroska's for subtitles, ASS, would not be plain text.
static enum AVCodecID text_codec(const AVOutputFormat *format) {
    return mov_family(format)    ? AV_CODEC_ID_MOV_TEXT
           : is_matroska(format) ? AV_CODEC_ID_SUBRIP
                                 : format->subtitle_codec;
}

static const AVCodec *substitute(const AVOutputFormat *format, const AVStream *stream) {
    enum AVCodecID from = stream->codecpar->codec_id, to = text_codec(format);
    if (stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
        return avcodec_find_encoder(format->audio_codec);
    return is_text(from) && is_text(to) && avcodec_find_decoder(from) ? avcodec_find_encoder(to)
                                                                      : NULL;
}

bool cgv_carry_begins_at_zero(const AVOutputFormat *format) {
    return av_match_name(format->name, "avi,mxf,mxf_d10,mxf_opatom,gxf,dv,swf");
}

// Sound that needs silence before it, or a cut between two packets, where nothing can say so.
static bool starts_off(const AVOutputFormat *format, const AVStream *stream,
                       const cgv_source_info *source) {
    enum { AUDIBLE = 10000 }; // microseconds
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO || !cgv_carry_begins_at_zero(format))
        return false;
    int64_t start = stream->start_time == AV_NOPTS_VALUE
                        ? source->shift
                        : av_rescale_q(stream->start_time, stream->time_base, AV_TIME_BASE_Q);
    return source->cut || start - source->shift > AUDIBLE;
}

static bool unwanted(enum AVMediaType type, const cgv_carry_params *params) {
    return (type == AVMEDIA_TYPE_AUDIO && params->no_audio) ||
           (type == AVMEDIA_TYPE_SUBTITLE && params->no_subtitles) ||
           (type == AVMEDIA_TYPE_DATA && params->no_data);
}

// CGV_END: leave the stream out. *encoder NULL: copy it.
static cgv_status decide(const AVCodec **encoder, const AVFormatContext *output,
                         const AVStream *stream, const cgv_carry_params *params,
                         const cgv_source_info *source) {
    const AVOutputFormat *format = output->oformat;
    const AVCodecParameters *codec = stream->codecpar;
    const char *name = avcodec_get_name(codec->codec_id);
    bool audio = codec->codec_type == AVMEDIA_TYPE_AUDIO;
    bool subtitle = codec->codec_type == AVMEDIA_TYPE_SUBTITLE;
    const char *wanted = audio ? params->audio_codec : subtitle ? params->subtitle_codec : NULL;
    bool asked = audio && (params->audio_bit_rate || av_dict_count(params->audio_options));
    *encoder = NULL;
    if (unwanted(codec->codec_type, params))
        return CGV_END;
    if (audio && (!codec->sample_rate || !codec->ch_layout.nb_channels)) {
        cgv_log(CGV_LOG_WARNING, "demux: stream %d (audio, %s) holds no sound: left out",
                stream->index, name);
        return CGV_END;
    }
    if (wanted && strcmp(wanted, "copy") && !holds_only_video(format))
        return find_encoder(encoder, audio ? "c:a" : "c:s", wanted, codec->codec_type);
    if (wanted && asked)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "mux: -c:a copy leaves the sound as it is: it goes with no "
                        "-b:a, -ar, -ac or other option of sound");
    if (asked && !holds_only_video(format) && (*encoder = substitute(format, stream)))
        return CGV_OK;
    if (container_holds(format, stream)) {
        if (!wanted && starts_off(format, stream, source) &&
            (*encoder = substitute(format, stream)))
            cgv_log(CGV_LOG_INFO,
                    "mux: %s cannot say when stream %d (audio, %s) begins: encoded anew as %s",
                    format->name, stream->index, name, avcodec_get_name((*encoder)->id));
        return CGV_OK;
    }
    if (!wanted && (audio || subtitle) && !holds_only_video(format))
        *encoder = substitute(format, stream);
    if (*encoder) {
        cgv_log(CGV_LOG_INFO, "mux: %s cannot hold stream %d (%s, %s): encoded anew as %s",
                format->name, stream->index, kind_name(stream), name,
                avcodec_get_name((*encoder)->id));
        return CGV_OK;
    }
    if (audio && !holds_only_video(format))
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "mux: %s cannot hold the input's %s audio (stream %d): choose another "
                        "container, another -c:a, or -an to leave it out",
                        format->name, name, stream->index);
    // Pictures and raw video have no place for sound at all: nobody expects it there. Data without
    // a codec is a private matter of the camera.
    bool expected = audio || codec->codec_type == AVMEDIA_TYPE_DATA;
    cgv_log(expected ? CGV_LOG_INFO : CGV_LOG_WARNING,
            "mux: %s cannot hold stream %d (%s, %s): left out", format->name, stream->index,
            kind_name(stream), name);
    return CGV_END;
}

// Statements about the old encoding, which the new one makes untrue.
static void drop_stale(AVDictionary **metadata) {
    static const char *const stale[] = {"encoder",      "ENCODER",        "BPS",
                                        "DURATION",     "alpha_mode",     "NUMBER_OF_FRAMES",
                                        "_STATISTICS_", "NUMBER_OF_BYTES"};
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

static cgv_status add_copied(AVFormatContext *output, AVStream *to, const AVStream *from,
                             const cgv_source_info *source) {
    int error = avcodec_parameters_copy(to->codecpar, from->codecpar);
    if (error < 0)
        return cgv_av_fail(error, "mux: stream %d", from->index);
    to->codecpar->codec_tag = tag_for(output->oformat, from->codecpar);
    to->time_base = cgv_av_clock(from->time_base, source->shift);
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

cgv_turn cgv_carry_turn(const AVOutputFormat *format, const cgv_source_info *source) {
    const int32_t *matrix = cgv_av_display_matrix(source->video);
    if (matrix && says_rotation(format))
        return cgv_turn_of(NULL);
    cgv_turn turn = cgv_av_turn(source->video, source->first);
    double degrees = matrix ? av_display_rotation_get(matrix) : 0;
    if (!cgv_turn_is_none(turn))
        cgv_log(CGV_LOG_INFO, "mux: %s cannot say how the video is turned: its pictures are turned",
                format->name);
    else if (fabs(degrees) >= 1)
        cgv_log(CGV_LOG_WARNING,
                "mux: %s cannot say that the video is to be shown turned by %.0f degrees: it will "
                "appear unturned (mp4 and mov can)",
                format->name, -degrees);
    return turn;
}

cgv_status cgv_carry_shown(AVStream *to, const AVStream *from, const AVOutputFormat *format) {
    static const enum AVPacketSideDataType shown[] = {AV_PKT_DATA_DISPLAYMATRIX,
                                                      AV_PKT_DATA_STEREO3D, AV_PKT_DATA_SPHERICAL};
    for (size_t i = !says_rotation(format); i < sizeof shown / sizeof *shown; i++) {
        cgv_status status = cgv_av_copy_side_data(to, from, shown[i]);
        if (status)
            return status;
    }
    return CGV_OK;
}

// Matroska keeps covers as attached files.
static cgv_status add_cover_file(AVStream *to, const AVStream *from) {
    static const struct {
        enum AVCodecID codec;
        const char *name, *type;
    } kinds[] = {{AV_CODEC_ID_MJPEG, "cover.jpg", "image/jpeg"},
                 {AV_CODEC_ID_PNG, "cover.png", "image/png"},
                 {AV_CODEC_ID_WEBP, "cover.webp", "image/webp"},
                 {AV_CODEC_ID_BMP, "cover.bmp", "image/bmp"}};
    const AVPacket *picture = &from->attached_pic;
    AVCodecParameters *codec = to->codecpar;
    codec->extradata = av_mallocz((size_t)picture->size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!codec->extradata)
        return cgv_fail(CGV_ERROR_MEMORY, "mux: out of memory");
    memcpy(codec->extradata, picture->data, (size_t)picture->size);
    codec->extradata_size = picture->size;
    codec->codec_type = AVMEDIA_TYPE_ATTACHMENT;
    codec->codec_id = from->codecpar->codec_id;
    to->disposition &= ~AV_DISPOSITION_ATTACHED_PIC;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].codec == codec->codec_id) {
            av_dict_set(&to->metadata, "filename", kinds[i].name, AV_DICT_DONT_OVERWRITE);
            av_dict_set(&to->metadata, "mimetype", kinds[i].type, AV_DICT_DONT_OVERWRITE);
        }
    return CGV_OK;
}

static cgv_status add_reencoded(cgv_track *track, AVFormatContext *output, AVStream *to,
                                const AVStream *from, const AVCodec *encoder,
                                const cgv_carry_params *params, const cgv_source_info *source) {
    bool audio = from->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    drop_stale(&to->metadata);
    return cgv_reencode_open(&track->reencode, to, from,
                             &(cgv_reencode_params){
                                 .codec = encoder,
                                 .bit_rate = audio ? params->audio_bit_rate : NULL,
                                 .options = audio ? params->audio_options : NULL,
                                 .from_zero = cgv_carry_begins_at_zero(output->oformat),
                                 .sample_rate = only_sample_rate(output->oformat),
                                 .global_header = output->oformat->flags & AVFMT_GLOBALHEADER,
                                 .clock = cgv_av_clock(from->time_base, source->shift),
                                 .cut = source->cut,
                                 .length = source->wanted,
                             });
}

static cgv_status add_stream(cgv_track *track, AVFormatContext *output, AVStream **video,
                             const AVStream *from, const cgv_carry_params *params,
                             const cgv_source_info *source) {
    const AVCodec *encoder = NULL;
    cgv_status status =
        from == source->video ? CGV_OK : decide(&encoder, output, from, params, source);
    if (status)
        return status == CGV_END ? CGV_OK : status;
    AVStream *to = avformat_new_stream(output, NULL);
    if (!to)
        return cgv_fail(CGV_ERROR_MEMORY, "mux: out of memory");
    to->disposition = from->disposition;
    to->sample_aspect_ratio = from->sample_aspect_ratio;
    int error = av_dict_copy(&to->metadata, from->metadata, 0);
    if (error < 0)
        return cgv_av_fail(error, "mux: stream %d", from->index);
    track->index = to->index;
    if (from == source->video) {
        *video = to;
        drop_stale(&to->metadata);
        return CGV_OK;
    }
    if (encoder)
        return add_reencoded(track, output, to, from, encoder, params, source);
    if (from->disposition & AV_DISPOSITION_ATTACHED_PIC && is_matroska(output->oformat)) {
        track->index = -1; // whole in the header
        return add_cover_file(to, from);
    }
    return add_copied(output, to, from, source);
}

cgv_status cgv_carry_streams(AVFormatContext *output, AVStream **video, cgv_track *tracks,
                             const cgv_carry_params *params, const cgv_source_info *source) {
    for (unsigned i = 0; i < source->input->nb_streams; i++)
        tracks[i].index = -1;
    for (int i = 0; i < source->stream_count; i++) {
        int index = source->streams[i];
        cgv_status status = add_stream(&tracks[index], output, video, source->input->streams[index],
                                       params, source);
        if (status)
            return status;
    }
    return CGV_OK;
}

static cgv_status add_chapter(AVFormatContext *output, const AVChapter *from,
                              const cgv_source_info *source) {
    int64_t shift = av_rescale_q(source->shift, AV_TIME_BASE_Q, from->time_base);
    int64_t start = FFMAX(av_sat_sub64(from->start, shift), 0);
    int64_t end = from->end == AV_NOPTS_VALUE ? start : av_sat_sub64(from->end, shift);
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
