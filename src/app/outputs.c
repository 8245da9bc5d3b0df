#include "app/outputs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libavutil/eval.h>
#include <libavutil/parseutils.h>

#include "base/log.h"
#include "video/live.h"

const char *const cgv_outputs_sync_names[] = {"auto", "passthrough", "cfr", "vfr", "-1",
                                              "0",    "1",           "2",   NULL};

void cgv_outputs_add(cgv_outputs *outputs, cgv_output_options *next) {
    outputs->too_many |= outputs->count == CGV_MAX_OUTPUTS;
    if (outputs->too_many)
        cgv_av_options_free(&next->libav);
    else
        outputs->list[outputs->count++] = *next;
    *next = CGV_OUTPUT_DEFAULTS;
}

static bool take_text(const char **to, const char *from) {
    if (from)
        *to = from;
    return from;
}

static bool take_number(double *to, double from) {
    if (from >= 0)
        *to = from;
    return from >= 0;
}

static bool take_flag(bool *to, bool from) {
    *to |= from;
    return from;
}

static bool take_dictionary(AVDictionary **to, const AVDictionary *from) {
    av_dict_copy(to, from, 0);
    return av_dict_count(from);
}

// Whether there was anything in *from.
static bool take(cgv_output_options *to, const cgv_output_options *from) {
    bool any = take_text(&to->codec, from->codec);
    any |= take_text(&to->bit_rate, from->bit_rate);
    any |= take_text(&to->preset, from->preset);
    any |= take_text(&to->pixel_format, from->pixel_format);
    any |= take_text(&to->rate, from->rate);
    any |= take_text(&to->format, from->format);
    any |= take_text(&to->tag, from->tag);
    any |= take_text(&to->audio_codec, from->audio_codec);
    any |= take_text(&to->audio_bit_rate, from->audio_bit_rate);
    any |= take_text(&to->subtitle_codec, from->subtitle_codec);
    any |= take_text(&to->quality_name, from->quality_name);
    any |= take_text(&to->segment_time, from->segment_time);
    any |= take_number(&to->crf, from->crf);
    any |= take_number(&to->quality, from->quality);
    any |= take_flag(&to->no_audio, from->no_audio);
    any |= take_flag(&to->no_subtitles, from->no_subtitles);
    any |= take_flag(&to->no_data, from->no_data);
    any |= take_dictionary(&to->libav.video, from->libav.video);
    any |= take_dictionary(&to->libav.audio, from->libav.audio);
    any |= take_dictionary(&to->libav.format, from->libav.format);
    any |= take_dictionary(&to->libav.input, from->libav.input);
    if (from->sync)
        to->sync = from->sync;
    return any || from->sync;
}

cgv_status cgv_outputs_end(cgv_outputs *outputs, cgv_output_options *trailing) {
    cgv_output_options scratch = CGV_OUTPUT_DEFAULTS;
    bool single = outputs->count == 1;
    bool any = take(single ? &outputs->list[0] : &scratch, trailing);
    cgv_av_options_free(&scratch.libav);
    cgv_av_options_free(&trailing->libav);
    if (outputs->too_many)
        return cgv_fail(CGV_ERROR_ARGUMENT, "too many outputs: at most %d", CGV_MAX_OUTPUTS);
    if (any && !outputs->count)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "there are options of an output (an encoder, -crf, -an …) but no output: "
                        "add its name at the end, or leave them out");
    if (any && outputs->count > 1)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "options behind the last of several outputs describe none of them: put "
                        "them before the -o of theirs");
    return CGV_OK;
}

static cgv_status check_bit_rate(const char *option, const char *text) {
    char *end = NULL;
    if (text && (!*text || !(av_strtod(text, &end) >= 0) || *end))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-%s takes a bit rate like 2M or 800k, not '%s'",
                        option, text);
    return CGV_OK;
}

static cgv_status check_output(cgv_output_options *o) {
    o->device = cgv_live_output(&o->format, o->url);
    if (check_bit_rate("b:v", o->bit_rate))
        return CGV_ERROR_ARGUMENT;
    if (o->codec && !strcmp(o->codec, "copy"))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "-c:v copy: translated pictures are new ones and must be encoded; leave it "
                        "out, or name an encoder");
    if (o->tag && strlen(o->tag) > 4)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-tag:v %s: a tag is four characters", o->tag);
    if (o->rate && (o->sync % 4 == CGV_SYNC_PASSTHROUGH || o->sync % 4 == CGV_SYNC_VFR))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-r asks for a constant rate, -fps_mode %s for none",
                        cgv_outputs_sync_names[o->sync % 4]);
    if (o->rate && av_parse_video_rate(&o->constant_rate, o->rate) < 0)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-r takes a rate like 25 or 30000/1001, not '%s'",
                        o->rate);
    return CGV_OK;
}

// Whether two paths are names of one file, which need not exist yet: then it is one of its folder.
static bool same_path(const char *a, const char *b) {
    struct stat x, y;
    bool exists = !stat(a, &x), both = !stat(b, &y) && exists;
    if (!both) {
        const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');
        const char *name_a = slash_a ? slash_a + 1 : a, *name_b = slash_b ? slash_b + 1 : b;
        char folder_a[PATH_MAX], folder_b[PATH_MAX];
        snprintf(folder_a, sizeof folder_a, "%.*s.", (int)(name_a - a), a);
        snprintf(folder_b, sizeof folder_b, "%.*s.", (int)(name_b - b), b);
        both = !strcmp(name_a, name_b) && !stat(folder_a, &x) && !stat(folder_b, &y);
    }
    return both && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool same_file(const char *a, const char *b) {
    char *path_a = cgv_sink_regular_file(a), *path_b = cgv_sink_regular_file(b);
    bool same = path_a && path_b && same_path(path_a, path_b);
    free(path_a);
    free(path_b);
    return same;
}

cgv_status cgv_outputs_check(cgv_outputs *outputs, const char *input) {
    for (int i = 0; i < outputs->count; i++) {
        cgv_output_options *o = &outputs->list[i];
        cgv_status status = check_output(o);
        if (status)
            return status;
        if (same_file(input, o->url))
            return cgv_fail(CGV_ERROR_ARGUMENT, "%s is both input and output", o->url);
        for (int k = 0; k < i; k++)
            if (!strcmp(outputs->list[k].device, o->device) ||
                same_file(outputs->list[k].device, o->device))
                return cgv_fail(CGV_ERROR_ARGUMENT, "%s is an output twice", o->url);
    }
    return CGV_OK;
}

void cgv_outputs_free(cgv_outputs *outputs) {
    for (int i = 0; i < outputs->count; i++)
        cgv_av_options_free(&outputs->list[i].libav);
    outputs->count = 0;
}
