#include "video/encoder_manners.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/cpu.h>

#include "base/fs.h"
#include "base/log.h"
#include "video/av.h"

void cgv_encoder_live(AVCodecContext *context, AVDictionary **options,
                      const cgv_sink_params *params) {
    static const struct {
        const char *codec, *key, *value;
    } live[] = {
        {"libx264", "preset", "veryfast"},  {"libx264", "tune", "zerolatency"},
        {"libx265", "preset", "ultrafast"}, {"libx265", "tune", "zerolatency"},
        {"libvpx", "deadline", "realtime"}, {"libvpx", "cpu-used", "8"},
        {"libvpx", "lag-in-frames", "0"},   {"libvpx-vp9", "deadline", "realtime"},
        {"libvpx-vp9", "cpu-used", "8"},    {"libvpx-vp9", "lag-in-frames", "0"},
    };
    for (size_t i = 0; i < sizeof live / sizeof *live; i++)
        if (!strcmp(context->codec->name, live[i].codec))
            av_dict_set(options, live[i].key, live[i].value,
                        strcmp(live[i].key, "preset") ? 0 : AV_DICT_DONT_OVERWRITE);
    context->thread_type = FF_THREAD_SLICE; // others hold back a frame each
    const AVDictionary *given = params->options ? params->options->video : NULL;
    if (!av_dict_get(given, "g", NULL, 0))
        context->gop_size = (int)lrint(2 * av_q2d(context->framerate));
}

// Before those that were given, which win.
static cgv_status add_param(AVDictionary **options, const char *key, const char *param) {
    const AVDictionaryEntry *given = av_dict_get(*options, key, NULL, 0);
    char *params =
        given && *given->value ? cgv_fs_format("%s:%s", param, given->value) : strdup(param);
    int error = params ? av_dict_set(options, key, params, 0) : AVERROR(ENOMEM);
    free(params);
    return error < 0 ? cgv_fail(CGV_ERROR_MEMORY, "encode: out of memory") : CGV_OK;
}

cgv_status cgv_encoder_hush(const AVCodec *codec, AVDictionary **options) {
    static const char key[] = "x265-params";
    if (cgv_log_wants(CGV_LOG_VERBOSE))
        return CGV_OK;
    // The environment is the only way to it; fatal errors remain, the others have a code.
    if (!strcmp(codec->name, "libsvtav1"))
        setenv("SVT_LOG", "0", 0);
    if (strcmp(codec->name, "libx265"))
        return CGV_OK;
    const AVDictionaryEntry *given = av_dict_get(*options, key, NULL, 0);
    if (given && strstr(given->value, "log"))
        return CGV_OK; // log-level, log or no-log
    return add_param(options, key, "log-level=error");
}

cgv_status cgv_encoder_repeat(const AVCodec *codec, AVDictionary **options) {
    static const char key[] = "x264-params";
    const AVDictionaryEntry *given = av_dict_get(*options, key, NULL, 0);
    // x264 (164) weighs blocks by memory that nobody wrote, where its code for AVX-512 runs and, as
    // was found by trying, the macroblocks of a row do not divide by 8: the second encoder of a
    // process gives other packets than the first.
    bool affected = !strncmp(codec->name, "libx264", 7) && av_get_cpu_flags() & AV_CPU_FLAG_AVX512;
    return !affected || (given && strstr(given->value, "asm"))
               ? CGV_OK
               : add_param(options, key, "asm=AVX2");
}

cgv_status cgv_encoder_refused(const AVCodec *codec, const AVCodecContext *context, int error) {
    const char *name = codec->name; // a context that failed to open has forgotten it
    enum { SVT_SIDE = 64 };         // newer releases take less
    if (!strcmp(name, "libsvtav1") && (context->width < SVT_SIDE || context->height < SVT_SIDE))
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "encode: %s cannot store %dx%d pictures: it takes %d columns and rows or "
                        "more; choose another -c:v (libaom-av1 takes any)",
                        name, context->width, context->height, SVT_SIDE);
    return cgv_av_fail(error, "encode: cannot open %s", name);
}

cgv_status cgv_encoder_check_preset(const AVCodec *codec, const char *preset) {
    // Those of x264 and x265, which also take their numbers.
    static const char *const presets[] = {"ultrafast", "superfast", "veryfast", "faster",
                                          "fast",      "medium",    "slow",     "slower",
                                          "veryslow",  "placebo"};
    if (strncmp(codec->name, "libx264", 7) && strcmp(codec->name, "libx265"))
        return CGV_OK;
    if (preset[0] >= '0' && preset[0] <= '9' && !preset[1])
        return CGV_OK;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (!strcmp(preset, presets[i]))
            return CGV_OK;
    return cgv_fail(CGV_ERROR_ARGUMENT,
                    "encode: %s has no -preset %s; there are ultrafast, superfast, veryfast, "
                    "faster, fast, medium, slow, slower, veryslow and placebo",
                    codec->name, preset);
}
