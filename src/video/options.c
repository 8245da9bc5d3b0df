#include "video/options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>

#include "base/log.h"

static const AVOption *find(const AVClass *class, const char *name, int flags) {
    return av_opt_find(&class, name, NULL, flags, AV_OPT_SEARCH_CHILDREN | AV_OPT_SEARCH_FAKE_OBJ);
}

static const AVDictionaryEntry *entry(const AVDictionary *dictionary, const char *key) {
    return av_dict_get(dictionary, key, NULL, AV_DICT_MATCH_CASE);
}

static cgv_status set(AVDictionary **dictionary, const char *name, const char *value) {
    if (value && av_dict_set(dictionary, name, value, 0) < 0)
        return cgv_fail(CGV_ERROR_MEMORY, "options: out of memory");
    return CGV_OK;
}

cgv_status cgv_av_options_add(cgv_av_options *options, const char *name, const char *value) {
    char base[128];
    snprintf(base, sizeof base, "%.*s", (int)strcspn(name, ":"), name);
    const char *specifier = strchr(name, ':');
    bool video = !specifier || !strncmp(specifier, ":v", 2);
    bool audio = specifier && !strncmp(specifier, ":a", 2);
    if (!video && !audio)
        return CGV_AGAIN;
    if (!strcmp(base, "ac")) // of libavcodec before FFmpeg 7, now of ffmpeg's program
        return set(&options->audio, base, value);
    const AVOption *codec = find(avcodec_get_class(), base, AV_OPT_FLAG_ENCODING_PARAM);
    // Without a word on whose it is, what only sound has is sound's.
    if (codec && !specifier && codec->flags & AV_OPT_FLAG_AUDIO_PARAM &&
        !(codec->flags & AV_OPT_FLAG_VIDEO_PARAM))
        audio = true;
    const AVClass *format = avformat_get_class();
    bool muxer = !specifier && find(format, base, AV_OPT_FLAG_ENCODING_PARAM);
    bool input = !audio && (find(avcodec_get_class(), base, AV_OPT_FLAG_DECODING_PARAM) ||
                            find(format, base, AV_OPT_FLAG_DECODING_PARAM));
    if (!codec && !muxer && !input)
        return CGV_AGAIN;
    cgv_status status = CGV_OK;
    if (codec)
        status = set(audio ? &options->audio : &options->video, base, value);
    if (!status && muxer)
        status = set(&options->format, base, value);
    if (!status && input)
        status = set(&options->input, base, value);
    return status;
}

void cgv_av_options_begin_output(cgv_av_options *options, AVDictionary **input) {
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(options->input, "", e, AV_DICT_IGNORE_SUFFIX))) {
        av_dict_set(&options->video, e->key, NULL, AV_DICT_MATCH_CASE);
        av_dict_set(&options->format, e->key, NULL, AV_DICT_MATCH_CASE);
    }
    av_dict_free(input);
    *input = options->input;
    options->input = NULL;
}

// Something in `left` that no one else took.
static const AVDictionaryEntry *unused(const AVDictionary *left, const AVDictionary *elsewhere,
                                       const AVDictionary *left_elsewhere) {
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(left, "", e, AV_DICT_IGNORE_SUFFIX)))
        if (!entry(elsewhere, e->key) || entry(left_elsewhere, e->key))
            return e;
    return NULL;
}

cgv_status cgv_av_options_check(const cgv_av_options *given, AVDictionary *left_video,
                                AVDictionary *left_format, const char *encoder, const char *muxer) {
    const AVDictionaryEntry *e = unused(left_video, given->format, left_format);
    if (e)
        return cgv_fail(CGV_ERROR_ARGUMENT, "encode: %s has no option -%s", encoder, e->key);
    e = unused(left_format, given->video, left_video);
    if (e)
        return cgv_fail(CGV_ERROR_ARGUMENT, "mux: %s has no option -%s", muxer, e->key);
    e = NULL;
    while ((e = av_dict_get(given->input, "", e, AV_DICT_IGNORE_SUFFIX)))
        if (!entry(given->video, e->key) && !entry(given->format, e->key))
            return cgv_fail(CGV_ERROR_ARGUMENT, "-%s is an option of the input: put it before -i",
                            e->key);
    return CGV_OK;
}

void cgv_av_options_free(cgv_av_options *options) {
    av_dict_free(&options->video);
    av_dict_free(&options->audio);
    av_dict_free(&options->format);
    av_dict_free(&options->input);
}
