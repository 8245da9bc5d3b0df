// cgvideo -i INPUT [-m MODEL] OUTPUT: translate a video, a picture, a sequence of pictures, or what
// a camera or a stream shows. Here: the command line.
#include "app/translate.h"

#include <signal.h>
#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/parseutils.h>

#include "app/config.h"
#include "app/model_path.h"
#include "app/translate_job.h"
#include "base/log.h"
#include "video/av.h"
#include "video/live.h"

// As in ffmpeg, -f and -r before -i describe the input.
static void input_seen(void *target) {
    cgv_translate_options *o = target;
    o->input_format = o->out.format;
    o->input_rate = o->out.rate;
    o->out.format = o->out.rate = NULL;
    cgv_av_options_begin_output(&o->out.libav, &o->input_libav);
}

static void output_seen(void *target) {
    cgv_translate_options *o = target;
    cgv_outputs_add(&o->outputs, &o->out);
}

// Any other value is for encoders that have an option of this name.
static void quality_seen(void *target) {
    cgv_translate_options *o = target;
    if (strcmp(o->out.quality_name, "auto"))
        return;
    o->auto_height = true;
    o->out.quality_name = NULL;
}

static void map_seen(void *target) {
    cgv_translate_options *o = target;
    if (o->map_count < CGV_MAX_MAPS)
        o->maps[o->map_count++] = o->map;
}

static void stabilize_seen(void *target) {
    cgv_translate_options *o = target;
    o->wants_stabilize = o->stabilize > 0;
}

static cgv_status other_option(void *target, const char *name, const char *value) {
    return cgv_av_options_add(&((cgv_translate_options *)target)->out.libav, name, value);
}

static const char *const deinterlace_names[] = {"auto", "on", "off", NULL};
static const char *const hdr_names[] = {"tonemap", "refuse", NULL};

#define FIELD(field) .offset = offsetof(cgv_translate_options, field)
#define TEXT(option, field, value_name, text)                                                      \
    { .name = option, .kind = CGV_CLI_TEXT, FIELD(field), .value = value_name, .help = text }
#define FLAG(option, field, text)                                                                  \
    { .name = option, .kind = CGV_CLI_FLAG, FIELD(field), .help = text }
// What the result does not depend on.
#define TRANSIENT_FLAG(option, field, text)                                                        \
    { .name = option, .kind = CGV_CLI_FLAG, FIELD(field), .help = text, .transient = true }

static const cgv_cli_option options[] = {
    {.name = "i",
     .kind = CGV_CLI_TEXT,
     FIELD(input),
     .value = "INPUT",
     .help = "video, picture, sequence (img%03d.png), camera, stream, or - for standard input",
     .transient = true,
     .seen = input_seen},
    {.name = "o",
     .kind = CGV_CLI_TEXT,
     FIELD(out.url),
     .value = "OUTPUT",
     .help = "where to write; the last word may be it too; - is standard output; may be repeated, "
             "each with its own encoding options before it",
     .transient = true,
     .seen = output_seen},
    TEXT("m", model, "MODEL",
         "generator: a .pth, .safetensors or .onnx file, or a name as cgvideo models lists it "
         "(day2night)"),
    CGV_APP_MODEL_OPTIONS(cgv_translate_options),
    TRANSIENT_FLAG("y", overwrite, "overwrite the output"),
    TRANSIENT_FLAG("n", never_overwrite, "never overwrite the output, do not ask"),
    TEXT("ss", start, "TIME", "begin there ([HH:]MM:SS[.m…] or seconds)"),
    TEXT("t", length, "TIME", "translate that much"),
    TEXT("to", end, "TIME", "end there, on the input's clock"),
    {.name = "map",
     .kind = CGV_CLI_TEXT,
     FIELD(map),
     .value = "STREAMS",
     .help = "only these streams: 0:v:1, 0:a, 0:s?, -0:d …; may be repeated",
     .seen = map_seen},
    TEXT("c:v", out.codec, "ENCODER", "video encoder (by the container, for mp4 and mkv libx264)"),
    {.name = "crf",
     .kind = CGV_CLI_REAL,
     FIELD(out.crf),
     .value = "N",
     .help = "constant quality, lower is better (libx264: 20)",
     .min = 0,
     .max = 63},
    TEXT("b:v", out.bit_rate, "RATE", "bit rate, e.g. 2M"),
    TEXT("preset", out.preset, "NAME", "encoder preset, e.g. ultrafast"),
    TEXT("pix_fmt", out.pixel_format, "FORMAT", "pixel format of the output (as the input's)"),
    {.name = "q:v",
     .kind = CGV_CLI_REAL,
     FIELD(out.quality),
     .value = "N",
     .help = "constant quantiser of mjpeg, mpeg4 and the like, lower is better",
     .min = 0,
     .max = 255},
    TEXT("tag:v", out.tag, "TAG", "codec tag of the video, e.g. hvc1"),
    TEXT("c:a", out.audio_codec, "ENCODER",
         "audio encoder (copy where the container can hold what there is)"),
    TEXT("b:a", out.audio_bit_rate, "RATE", "bit rate of audio that is encoded"),
    TEXT("c:s", out.subtitle_codec, "ENCODER", "subtitle encoder (copy where possible)"),
    TEXT("r", out.rate, "FPS", "constant output rate; before -i: rate of a picture sequence"),
    {.name = "fps_mode",
     .kind = CGV_CLI_CHOICE,
     FIELD(out.sync),
     .value = "MODE",
     .help = "auto, passthrough, cfr or vfr: whether frames are dropped and repeated",
     .choices = cgv_outputs_sync_names},
    {.name = "vsync",
     .kind = CGV_CLI_CHOICE,
     FIELD(out.sync),
     .value = "MODE",
     .help = "the same as -fps_mode",
     .choices = cgv_outputs_sync_names},
    TEXT("f", out.format, "FORMAT", "container of the output; before -i: of the input"),
    FLAG("an", out.no_audio, "leave out audio"),
    FLAG("sn", out.no_subtitles, "leave out subtitles"),
    FLAG("dn", out.no_data, "leave out data"),
    TEXT("hwaccel", hwaccel, "METHOD",
         "decode by vaapi, cuda, vulkan … or what there is (auto); else on the CPU"),
    {.name = "deinterlace",
     .kind = CGV_CLI_CHOICE,
     FIELD(deinterlace),
     .value = "WHEN",
     .help = "auto (frames that are marked as interlaced), on (all) or off",
     .choices = deinterlace_names},
    {.name = "hdr",
     .kind = CGV_CLI_CHOICE,
     FIELD(hdr),
     .value = "MANNER",
     .help = "tonemap HDR to SDR (default), or refuse it",
     .choices = hdr_names},
    {.name = "max_error_rate",
     .kind = CGV_CLI_REAL,
     FIELD(max_error_rate),
     .value = "0..1",
     .help = "exit with 69 when more of the video's packets are damaged or missing (0.667)",
     .transient = true,
     .min = 0,
     .max = 1},
    {.name = "threads",
     .kind = CGV_CLI_INT,
     FIELD(threads),
     .value = "N",
     .help = "threads of decoder and encoder (0: one a core)",
     .min = 0,
     .max = 1024},
    {.name = "strength",
     .kind = CGV_CLI_REAL,
     FIELD(strength),
     .value = "0..1",
     .help = "blend with the input: 0 leaves it as it is (1)",
     .min = 0,
     .max = 1},
    {.name = "stabilize",
     .kind = CGV_CLI_REAL,
     FIELD(stabilize),
     .value = "0..1",
     .help =
         "hold a video steady: how much of the past stays in averages over frames (0.95; 0: off)",
     .min = 0,
     .max = 1,
     .seen = stabilize_seen},
    {.name = "compare",
     .kind = CGV_CLI_REAL,
     FIELD(compare),
     .value = "0..1",
     .help = "show the input left of this share of the width, with a thin line behind it (0: off)",
     .min = 0,
     .max = 1},
    {.name = "net_height",
     .kind = CGV_CLI_INT,
     FIELD(net_height),
     .value = "N",
     .help =
         "run the generator at this height, carry its change to the full picture (0: as trained)",
     .min = 0,
     .max = 65536},
    {.name = "batch",
     .kind = CGV_CLI_INT,
     FIELD(batch),
     .value = "N",
     .help = "pictures that go through the generator together, with -stabilize 0 (0: as many as "
             "fill the device, one of a live source)",
     .min = 0,
     .max = CGV_BATCH_MOST},
    {.name = "tile",
     .kind = CGV_CLI_INT,
     FIELD(tile),
     .value = "N",
     .help = "work on the generator's large layers in tiles of N pixels: less memory, slower (0)",
     .min = 0,
     .max = 65536},
    CGV_APP_PRECISION_OPTION(cgv_translate_options),
    CGV_APP_KERNELS_OPTION(cgv_translate_options),
    {.name = "quality",
     .kind = CGV_CLI_TEXT,
     FIELD(out.quality_name),
     .value = "auto",
     .help = "auto: choose -net_height so that a live source is kept up with",
     .seen = quality_seen},
    FLAG("preview", preview, "show it in a window: q, space, c, +, - and f are its keys"),
    FLAG("live", live, "the input is live: the latest frame wins (known of cameras and streams)"),
    FLAG("re", paced, "read the input no faster than it plays, as if it were live"),
    {.name = "source_timeout",
     .kind = CGV_CLI_REAL,
     FIELD(patience),
     .value = "SECONDS",
     .help = "end when nothing came from a live input for so long (10; 0: wait for ever)",
     .transient = true,
     .min = 0,
     .max = 86400},
    TEXT("segment_time", out.segment_time, "TIME",
         "write in segments of that much to OUTPUT.segments, and join them in the end"),
    TRANSIENT_FLAG("resume", resume,
                   "with -segment_time: go on behind the last whole segment of the same job"),
    TRANSIENT_FLAG("list_devices", list_devices, "list cameras, screens and loopback devices"),
    {.name = "progress",
     .kind = CGV_CLI_TEXT,
     FIELD(progress),
     .value = "URL",
     .help = "write machine-readable progress there (- is standard output)",
     .transient = true},
    CGV_APP_COMMON_OPTIONS,
    TRANSIENT_FLAG("version", version, "print the program's version"),
    {.other = other_option},
};

// ---- what was asked for

static json_t *dictionary(const AVDictionary *from) {
    json_t *object = json_object();
    const AVDictionaryEntry *e = NULL;
    while (object && (e = av_dict_get(from, "", e, AV_DICT_IGNORE_SUFFIX)))
        if (json_object_set_new(object, e->key, json_string(e->value))) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

json_t *cgv_translate_config(const cgv_translate_options *o) {
    cgv_translate_options flat = *o;
    flat.out = o->outputs.list[0];
    flat.common = (cgv_app_common){0}; // messages; the device by another name
    json_t *config = cgv_config_write(options, &flat), *maps = json_array();
    bool failed = false;
    for (int i = 0; i < o->map_count; i++)
        failed |= json_array_append_new(maps, json_string(o->maps[i]));
    const cgv_av_options *libav = &flat.out.libav;
    failed |= json_object_set_new(config, "map", maps) ||
              json_object_set_new(config, "of the input", dictionary(o->input_libav)) ||
              json_object_set_new(config, "of video", dictionary(libav->video)) ||
              json_object_set_new(config, "of audio", dictionary(libav->audio)) ||
              json_object_set_new(config, "of the container", dictionary(libav->format));
    if (!failed)
        return config;
    json_decref(config);
    return NULL;
}

// ---- command line

static cgv_status parse_time(int64_t *out, const char *option, const char *text) {
    if (text && (av_parse_time(out, text, 1) < 0 || *out < 0))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-%s takes a time like 12.5 or 00:01:30, not '%s'",
                        option, text);
    return CGV_OK;
}

static cgv_status parse_part(cgv_wanted_part *part, const cgv_translate_options *o) {
    int64_t end = INT64_MAX;
    *part = (cgv_wanted_part){.length = INT64_MAX};
    if (parse_time(&part->start, "ss", o->start) || parse_time(&part->length, "t", o->length) ||
        parse_time(&end, "to", o->end))
        return CGV_ERROR_ARGUMENT;
    if (o->length && o->end)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-t and -to exclude each other");
    if (o->end)
        part->length = end - part->start;
    if (part->length <= 0)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        o->end ? "-to must be later than -ss" : "-t must be longer than nothing");
    AVRational ignored;
    if (o->input_rate && av_parse_video_rate(&ignored, o->input_rate) < 0)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-r takes a rate like 25 or 30000/1001, not '%s'",
                        o->input_rate);
    return CGV_OK;
}

static cgv_status pass_quality_on(cgv_output_options *out) {
    cgv_status status = cgv_av_options_add(&out->libav, "quality", out->quality_name);
    return status == CGV_AGAIN
               ? cgv_fail(CGV_ERROR_ARGUMENT, "-quality takes auto, not '%s'", out->quality_name)
               : status;
}

// ffmpeg's own muxer of segments makes many files, and has an option of this name.
static bool is_segment_muxer(const cgv_output_options *out) {
    return out->format && av_match_name(out->format, "segment,stream_segment,ssegment");
}

static cgv_status check_segments(const cgv_translate_options *o, cgv_output_options *out) {
    if (is_segment_muxer(out)) {
        cgv_status status = cgv_av_options_add(&out->libav, "segment_time", out->segment_time);
        out->segment_time = NULL;
        return status;
    }
    if (parse_time(&out->segment, "segment_time", out->segment_time))
        return CGV_ERROR_ARGUMENT;
    if (out->segment_time && out->segment < AV_TIME_BASE / 10)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-segment_time takes 0.1 seconds or more");
    if (out->segment && (o->outputs.count > 1 || o->preview))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-segment_time is for a single output%s",
                        o->preview ? ", without -preview" : "");
    return CGV_OK;
}

static bool writes_standard_output(const char *url) {
    return !strcmp(url, "-") || !strcmp(url, "pipe:") || !strcmp(url, "pipe:1") ||
           !strcmp(url, "/dev/stdout");
}

// Text among the bytes of a video spoils both.
static cgv_status check_progress(const cgv_translate_options *o) {
    for (int i = 0; o->progress && i < o->outputs.count; i++)
        if (writes_standard_output(o->progress) && writes_standard_output(o->outputs.list[i].url))
            return cgv_fail(CGV_ERROR_ARGUMENT,
                            "-progress %s: standard output is an output already: use a file, or "
                            "pipe:2",
                            o->progress);
    return CGV_OK;
}

static cgv_status check_options(cgv_translate_options *o) {
    if (!o->input)
        return cgv_fail(CGV_ERROR_ARGUMENT, "no input: add -i INPUT");
    if (!o->outputs.count && !o->preview)
        return cgv_fail(CGV_ERROR_ARGUMENT, "no output: add its name at the end");
    if (o->overwrite && o->never_overwrite)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-y and -n exclude each other");
    if (o->map_count == CGV_MAX_MAPS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "too many -map");
    if (o->tile && o->tile < CGV_TILE_LEAST)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-tile takes %d or more, or 0 for none",
                        CGV_TILE_LEAST);
    if (o->batch > 1 && (o->stabilize > 0 || o->tile))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-batch needs pictures that are on their own and "
                                            "whole: add -stabilize 0, and no -tile");
    if (o->tile && o->precision == CGV_PRECISION_FP16)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "-tile runs in single precision: leave out -precision fp16");
    for (int i = 0; i < o->outputs.count; i++)
        if (o->outputs.list[i].quality_name && pass_quality_on(&o->outputs.list[i]))
            return CGV_ERROR_ARGUMENT;
    for (int i = 0; i < o->outputs.count; i++)
        if (check_segments(o, &o->outputs.list[i]))
            return CGV_ERROR_ARGUMENT;
    if (o->resume && !cgv_translate_segmented(o))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-resume goes on with a job in segments: %s",
                        o->outputs.count && is_segment_muxer(&o->outputs.list[0])
                            ? "the muxer's own segments are none"
                            : "add its -segment_time");
    if (check_progress(o))
        return CGV_ERROR_ARGUMENT;
    return cgv_outputs_check(&o->outputs, o->input);
}

// Does what the command line asks for; the options are freed by the caller.
static int obey(cgv_translate_options *o, int argc, char **argv) {
    cgv_wanted_part part;
    const char *word = NULL;
    int words;
    if (cgv_cli_parse(options, o, argc, argv, &word, 1, &words))
        return CGV_EXIT_USAGE;
    o->common.hide_banner |= o->version || o->common.help;
    if (!o->version && !o->common.help && !o->list_devices)
        signal(SIGPIPE, SIG_IGN); // before the first message: nobody may be reading them
    if (cgv_app_begin(&o->common))
        return CGV_EXIT_USAGE;
    if (o->version) {
        cgv_app_print_version();
        return CGV_EXIT_OK;
    }
    if (o->common.help) {
        puts("usage: cgvideo -i INPUT [-m MODEL] [options] OUTPUT");
        cgv_cli_help(options, stdout);
        return CGV_EXIT_OK;
    }
    if (o->list_devices) {
        cgv_live_list_devices();
        return CGV_EXIT_OK;
    }
    if (word && o->outputs.count) {
        cgv_log(CGV_LOG_ERROR, "'%s' is one output of several: each needs its -o", word);
        return CGV_EXIT_USAGE;
    }
    if (word) {
        o->out.url = word;
        output_seen(o);
    }
    if (cgv_outputs_end(&o->outputs, &o->out) || check_options(o) || parse_part(&part, o))
        return CGV_EXIT_USAGE;
    return cgv_translate_run(o, &part);
}

int cgv_app_translate(int argc, char **argv) {
    cgv_translate_options o = {.model = CGV_DEFAULT_MODEL,
                               .out = CGV_OUTPUT_DEFAULTS,
                               .strength = 1,
                               .stabilize = CGV_STABILIZE,
                               .kernels = CGV_KERNELS_AUTO,
                               .patience = 10,
                               .max_error_rate = 2. / 3};
    cgv_live_init(); // devices have options of their own
    int code = obey(&o, argc, argv);
    cgv_outputs_free(&o.outputs);
    cgv_av_options_free(&o.out.libav);
    av_dict_free(&o.input_libav);
    return code;
}
