#include "video/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#include "base/log.h"

static bool is_cover(const AVStream *stream) {
    return stream->disposition & AV_DISPOSITION_ATTACHED_PIC;
}

static bool is_video(const AVStream *stream) {
    return stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !is_cover(stream);
}

// FFmpeg gives the tiles of a HEIF or AVIF picture as streams, and leaves it to others to join
// them.
static bool is_tile(const AVStream *stream) {
    return is_video(stream) && stream->disposition & AV_DISPOSITION_DEPENDENT;
}

static int position(const cgv_selection *selection, int index) {
    for (int i = 0; i < selection->count; i++)
        if (selection->streams[i] == index)
            return i;
    return -1;
}

static void add(cgv_selection *selection, int index) {
    if (position(selection, index) < 0)
        selection->streams[selection->count++] = index;
}

static void leave_out(cgv_selection *selection, int index) {
    int at = position(selection, index);
    if (at < 0)
        return;
    selection->count--;
    memmove(selection->streams + at, selection->streams + at + 1,
            (size_t)(selection->count - at) * sizeof *selection->streams);
}

static cgv_status not_a_map(const char *map) {
    return cgv_fail(CGV_ERROR_ARGUMENT,
                    "-map takes streams of the input like 0, 0:a, 0:a:1, 0:m:language:eng or "
                    "-0:s, not '%s'",
                    map);
}

static cgv_status apply_map(cgv_selection *selection, AVFormatContext *input, const char *map) {
    char specifier[256], *end;
    bool negative = *map == '-';
    const char *text = map + negative;
    long file = strtol(text, &end, 10);
    // Without a number it is the only input's, as in ffmpeg.
    bool numbered = end > text;
    if (file || !*text || (numbered && !strchr(":?", *end)) || strlen(end) >= sizeof specifier)
        return not_a_map(map);
    snprintf(specifier, sizeof specifier, "%s", end + (numbered && *end == ':'));
    char *question = strchr(specifier, '?');
    bool optional = question && !question[1];
    if (optional)
        *question = 0;
    bool matched = false;
    for (unsigned i = 0; i < input->nb_streams; i++) {
        int match = avformat_match_stream_specifier(input, input->streams[i], specifier);
        if (match < 0)
            return not_a_map(map);
        if (!match)
            continue;
        matched = true;
        if (negative)
            leave_out(selection, (int)i);
        else
            add(selection, (int)i);
    }
    if (!matched && !optional && !negative)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "-map %s matches no stream of the input (-map %s? allows that)", map, map);
    return CGV_OK;
}

static bool excluded(const AVStream *stream, const cgv_select_params *params) {
    switch (stream->codecpar->codec_type) {
    case AVMEDIA_TYPE_AUDIO:
        return params->no_audio;
    case AVMEDIA_TYPE_SUBTITLE:
        return params->no_subtitles;
    case AVMEDIA_TYPE_DATA:
        return params->no_data;
    default:
        return false;
    }
}

static cgv_status choose_video(cgv_selection *selection, const AVFormatContext *input,
                               const char *url) {
    int64_t best = -1;
    bool undecodable = false, any = false;
    for (int i = 0; i < selection->count; i++) {
        AVStream *stream = input->streams[selection->streams[i]];
        const AVCodecParameters *codec = stream->codecpar;
        if (!is_video(stream))
            continue;
        if (is_tile(stream))
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "%s: its picture is made of tiles, which are not joined here: convert "
                            "it to another format first",
                            url);
        if (!avcodec_find_decoder(codec->codec_id)) {
            undecodable = true;
            continue;
        }
        // ffmpeg's weights: being the default outweighs 5 megapixels, having packets all.
        int64_t score = (int64_t)codec->width * codec->height +
                        (stream->disposition & AV_DISPOSITION_DEFAULT ? 5000000 : 0) +
                        (stream->event_flags & AVSTREAM_EVENT_FLAG_NEW_PACKETS ? 100000000 : 0);
        if (score > best) {
            best = score;
            selection->video = stream;
        }
    }
    if (selection->video)
        return CGV_OK;
    for (unsigned i = 0; i < input->nb_streams; i++)
        any |= is_video(input->streams[i]);
    return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: %s", url,
                    undecodable ? "this FFmpeg has no decoder for its video"
                    : any       ? "-map picks no video"
                                : "no video in it");
}

static void leave_out_other_videos(cgv_selection *selection, const AVFormatContext *input,
                                   const char *url) {
    for (unsigned i = 0; i < input->nb_streams; i++) {
        const AVStream *stream = input->streams[i];
        if (!is_video(stream) || stream == selection->video || position(selection, (int)i) < 0)
            continue;
        leave_out(selection, (int)i);
        cgv_log(CGV_LOG_INFO,
                "%s: stream %u is another video (%dx%d): left out; -map 0:%u picks it", url, i,
                stream->codecpar->width, stream->codecpar->height, i);
    }
}

cgv_status cgv_select(cgv_selection *out, AVFormatContext *input, const cgv_select_params *params,
                      const char *url) {
    *out = (cgv_selection){.streams = calloc(input->nb_streams + 1, sizeof *out->streams)};
    if (!out->streams)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", url);
    for (unsigned i = 0; !params->map_count && i < input->nb_streams; i++)
        add(out, (int)i);
    for (int i = 0; i < params->map_count; i++) {
        cgv_status status = apply_map(out, input, params->maps[i]);
        if (status)
            return status;
    }
    for (unsigned i = 0; i < input->nb_streams; i++)
        if (excluded(input->streams[i], params))
            leave_out(out, (int)i);
    cgv_status status = choose_video(out, input, url);
    if (!status)
        leave_out_other_videos(out, input, url);
    return status;
}
