// cgvideo -i INPUT [-m MODEL] OUTPUT: translate a video, a picture or a sequence of pictures.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/eval.h>
#include <libavutil/parseutils.h>

#include "app/app.h"
#include "app/console.h"
#include "app/model_path.h"
#include "app/pipeline.h"
#include "app/progress.h"
#include "base/log.h"
#include "video/av.h"

enum { MAX_MAPS = 64 };

typedef struct translate_options {
    cgv_app_common common;
    const char *input, *output, *model;
    bool overwrite, never_overwrite;
    const char *start, *length, *end;
    const char *codec, *bit_rate, *preset, *pixel_format, *rate, *format;
    const char *input_rate, *input_format; // -r and -f before -i
    const char *map, *maps[MAX_MAPS];
    int map_count;
    const char *audio_codec, *audio_bit_rate, *subtitle_codec, *tag, *hwaccel;
    int sync, deinterlace, hdr;
    cgv_av_options libav;
    AVDictionary *input_libav;
    double crf, quality, strength, stabilize, compare, max_error_rate;
    bool wants_stabilize; // -stabilize was given
    int net_height, model_range, model_order;
    bool no_audio, no_subtitles, no_data;
    int threads;
    const char *progress;
    bool version;
} translate_options;

// As in ffmpeg, -f and -r before -i describe the input.
static void input_seen(void *target) {
    translate_options *o = target;
    o->input_format = o->format;
    o->input_rate = o->rate;
    o->format = o->rate = NULL;
    cgv_av_options_begin_output(&o->libav, &o->input_libav);
}

static void map_seen(void *target) {
    translate_options *o = target;
    if (o->map_count < MAX_MAPS)
        o->maps[o->map_count++] = o->map;
}

static void stabilize_seen(void *target) {
    translate_options *o = target;
    o->wants_stabilize = o->stabilize > 0;
}

static cgv_status other_option(void *target, const char *name, const char *value) {
    return cgv_av_options_add(&((translate_options *)target)->libav, name, value);
}

// In the order of cgv_sync; ffmpeg's old numbers for the same follow.
static const char *const deinterlace_names[] = {"auto", "on", "off", NULL};
static const char *const hdr_names[] = {"tonemap", "refuse", NULL};
static const char *const sync_names[] = {"auto", "passthrough", "cfr", "vfr", "-1",
                                         "0",    "1",           "2",   NULL};

#define FIELD(field) .offset = offsetof(translate_options, field)
#define TEXT(option, field, value_name, text)                                                      \
    { .name = option, .kind = CGV_CLI_TEXT, FIELD(field), .value = value_name, .help = text }
#define FLAG(option, field, text)                                                                  \
    { .name = option, .kind = CGV_CLI_FLAG, FIELD(field), .help = text }

static const cgv_cli_option options[] = {
    {.name = "i",
     .kind = CGV_CLI_TEXT,
     FIELD(input),
     .value = "INPUT",
     .help = "video, picture, sequence (img%03d.png), or - for standard input",
     .seen = input_seen},
    TEXT("o", output, "OUTPUT",
         "where to write; the last word may be it too; - is standard output"),
    TEXT("m", model, "MODEL",
         "generator: a .pth, .safetensors or .onnx file, or a name as cgvideo models lists it "
         "(day2night)"),
    CGV_APP_MODEL_OPTIONS(translate_options),
    FLAG("y", overwrite, "overwrite the output"),
    FLAG("n", never_overwrite, "never overwrite the output, do not ask"),
    TEXT("ss", start, "TIME", "begin there ([HH:]MM:SS[.m…] or seconds)"),
    TEXT("t", length, "TIME", "translate that much"),
    TEXT("to", end, "TIME", "end there, on the input's clock"),
    {.name = "map",
     .kind = CGV_CLI_TEXT,
     FIELD(map),
     .value = "STREAMS",
     .help = "only these streams: 0:v:1, 0:a, 0:s?, -0:d …; may be repeated",
     .seen = map_seen},
    TEXT("c:v", codec, "ENCODER", "video encoder (by the container, for mp4 and mkv libx264)"),
    {.name = "crf",
     .kind = CGV_CLI_REAL,
     FIELD(crf),
     .value = "N",
     .help = "constant quality, lower is better (libx264: 20)",
     .min = 0,
     .max = 63},
    TEXT("b:v", bit_rate, "RATE", "bit rate, e.g. 2M"),
    TEXT("preset", preset, "NAME", "encoder preset, e.g. ultrafast"),
    TEXT("pix_fmt", pixel_format, "FORMAT", "pixel format of the output (as the input's)"),
    {.name = "q:v",
     .kind = CGV_CLI_REAL,
     FIELD(quality),
     .value = "N",
     .help = "constant quantiser of mjpeg, mpeg4 and the like, lower is better",
     .min = 0,
     .max = 255},
    TEXT("tag:v", tag, "TAG", "codec tag of the video, e.g. hvc1"),
    TEXT("c:a", audio_codec, "ENCODER",
         "audio encoder (copy where the container can hold what there is)"),
    TEXT("b:a", audio_bit_rate, "RATE", "bit rate of audio that is encoded"),
    TEXT("c:s", subtitle_codec, "ENCODER", "subtitle encoder (copy where possible)"),
    TEXT("r", rate, "FPS", "constant output rate; before -i: rate of a picture sequence"),
    {.name = "fps_mode",
     .kind = CGV_CLI_CHOICE,
     FIELD(sync),
     .value = "MODE",
     .help = "auto, passthrough, cfr or vfr: whether frames are dropped and repeated",
     .choices = sync_names},
    {.name = "vsync",
     .kind = CGV_CLI_CHOICE,
     FIELD(sync),
     .value = "MODE",
     .help = "the same as -fps_mode",
     .choices = sync_names},
    TEXT("f", format, "FORMAT", "container of the output; before -i: of the input"),
    FLAG("an", no_audio, "leave out audio"),
    FLAG("sn", no_subtitles, "leave out subtitles"),
    FLAG("dn", no_data, "leave out data"),
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
     .help = "exit with 69 when more of the video's packets are damaged (0.667)",
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
    TEXT("progress", progress, "URL",
         "write machine-readable progress there (- is standard output)"),
    CGV_APP_COMMON_OPTIONS,
    FLAG("version", version, "print the program's version"),
    {.other = other_option},
};

// ---- signals

static atomic_bool stop;
static volatile sig_atomic_t signals;
static char part_name[4096]; // the unfinished output, removed by the second signal

static void on_signal(int number) {
    (void)number;
    if (++signals > 1) {
        cgv_console_keys_end();
        if (part_name[0])
            unlink(part_name);
        _exit(CGV_EXIT_SIGNAL);
    }
    atomic_store(&stop, true);
}

static void on_wake(int number) {
    (void)number; // its only use is that a blocked read returns
}

static void catch_signals(void) {
    // Without SA_RESTART, so that reads from pipes come back.
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_wake}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

// ---- command line

typedef struct wanted_part {
    int64_t start, length;
    AVRational rate;
} wanted_part;

static cgv_status parse_time(int64_t *out, const char *option, const char *text) {
    if (text && (av_parse_time(out, text, 1) < 0 || *out < 0))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-%s takes a time like 12.5 or 00:01:30, not '%s'",
                        option, text);
    return CGV_OK;
}

static cgv_status parse_part(wanted_part *part, const translate_options *o) {
    int64_t end = INT64_MAX;
    *part = (wanted_part){.length = INT64_MAX, .rate = {0, 1}};
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
    if (o->rate && av_parse_video_rate(&part->rate, o->rate) < 0)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-r takes a rate like 25 or 30000/1001, not '%s'",
                        o->rate);
    if (o->input_rate && av_parse_video_rate(&ignored, o->input_rate) < 0)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-r takes a rate like 25 or 30000/1001, not '%s'",
                        o->input_rate);
    return CGV_OK;
}

static cgv_status check_bit_rate(const char *option, const char *text) {
    char *end = NULL;
    if (text && (!*text || !(av_strtod(text, &end) >= 0) || *end))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-%s takes a bit rate like 2M or 800k, not '%s'",
                        option, text);
    return CGV_OK;
}

static cgv_status check_options(const translate_options *o) {
    if (!o->input)
        return cgv_fail(CGV_ERROR_ARGUMENT, "no input: add -i INPUT");
    if (!o->output)
        return cgv_fail(CGV_ERROR_ARGUMENT, "no output: add its name at the end");
    if (o->overwrite && o->never_overwrite)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-y and -n exclude each other");
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
                        sync_names[o->sync % 4]);
    if (o->map_count == MAX_MAPS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "too many -map");
    struct stat in, out;
    if (!stat(o->input, &in) && !stat(o->output, &out) && S_ISREG(in.st_mode) &&
        in.st_dev == out.st_dev && in.st_ino == out.st_ino)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s is both input and output", o->output);
    return CGV_OK;
}

static bool reads_standard_input(const char *url) {
    return !strcmp(url, "-") || !strncmp(url, "pipe:", 5) || !strncmp(url, "fd:", 3) ||
           !strcmp(url, "/dev/stdin");
}

static cgv_status may_write(const translate_options *o) {
    char *path = cgv_sink_regular_file(o->output);
    bool exists = path && !access(path, F_OK);
    free(path);
    if (!exists || o->overwrite)
        return CGV_OK;
    char question[512];
    bool yes = false;
    snprintf(question, sizeof question, "%s exists. Overwrite?", o->output);
    if (!o->never_overwrite && !reads_standard_input(o->input) &&
        !cgv_console_ask(&yes, question) && !yes)
        return cgv_fail(CGV_ERROR_INTERRUPTED, "%s exists: not overwritten", o->output);
    return yes ? CGV_OK
               : cgv_fail(CGV_ERROR_ARGUMENT, "%s exists: add -y to overwrite it", o->output);
}

// ---- the run

typedef struct run {
    const translate_options *o;
    wanted_part part;
    cgv_source *source;
    cgv_sink *sink;
    cgv_device *device;
    cgv_model *model;
} run;

static cgv_status open_all(run *r) {
    const translate_options *o = r->o;
    cgv_source_params from = {
        .url = o->input,
        .format = o->input_format,
        .rate = o->input_rate,
        .start = r->part.start,
        .length = r->part.length,
        .select = {.maps = o->maps,
                   .map_count = o->map_count,
                   .no_audio = o->no_audio,
                   .no_subtitles = o->no_subtitles,
                   .no_data = o->no_data},
        .deinterlace = (cgv_deinterlacing)o->deinterlace,
        .hdr = (cgv_hdr_manner)o->hdr,
        .hwaccel = o->hwaccel,
        .options = o->input_libav,
        .threads = o->threads,
        .stop = &stop,
    };
    cgv_sink_params to = {
        .url = o->output,
        .format = o->format,
        .codec = o->codec,
        .preset = o->preset,
        .bit_rate = o->bit_rate,
        .pixel_format = o->pixel_format,
        .crf = o->crf,
        .quality = o->quality,
        .tag = o->tag,
        .rate = r->part.rate,
        .sync = (cgv_sync)(o->sync % 4),
        .threads = o->threads,
        .options = &o->libav,
        .carry = {.audio_codec = o->audio_codec,
                  .subtitle_codec = o->subtitle_codec,
                  .audio_bit_rate = o->audio_bit_rate,
                  .audio_options = o->libav.audio},
    };
    cgv_status status = cgv_model_open(&r->model, o->model, CGV_APP_MODEL_PARAMS(o));
    if (!status && o->wants_stabilize && !cgv_model_get_info(r->model)->steadies)
        cgv_log(CGV_LOG_WARNING,
                "-stabilize does nothing with %s, which leaves pictures as they are", o->model);
    if (!status)
        status = cgv_source_open(&r->source, &from);
    if (!status)
        status = cgv_sink_open(&r->sink, &to, cgv_source_get_info(r->source));
    if (!status && cgv_sink_part(r->sink))
        snprintf(part_name, sizeof part_name, "%s", cgv_sink_part(r->sink));
    return status ? status : cgv_app_open_device(&r->device, &o->common);
}

static void watch(run *r, cgv_pipeline *pipeline, cgv_progress *progress) {
    bool keys = !reads_standard_input(r->o->input), ended;
    if (keys)
        cgv_console_keys_begin();
    do {
        int64_t dropped, repeated;
        ended = cgv_pipeline_wait(pipeline, 50);
        cgv_pipeline_rate_counts(pipeline, &dropped, &repeated);
        cgv_progress_update(progress, cgv_sink_get_stats(r->sink), dropped, repeated, ended);
        if (keys && cgv_console_key() == 'q')
            atomic_store(&stop, true);
        if (atomic_load(&stop) && !ended)
            cgv_pipeline_interrupt(pipeline);
    } while (!ended);
    cgv_console_keys_end();
}

// A file that is one picture has no past to hold.
static bool is_picture(const run *r) {
    const cgv_source_info *info = cgv_source_get_info(r->source);
    const char *demuxer = info->input->iformat->name, *end = strrchr(demuxer, '_');
    struct stat file;
    if (!strcmp(demuxer, "image2"))
        return info->video->duration == 1; // a sequence has as many ticks as pictures
    return end && !strcmp(end, "_pipe") && !stat(r->o->input, &file) && S_ISREG(file.st_mode);
}

static cgv_status translate(run *r) {
    cgv_pipeline *pipeline;
    cgv_progress progress = {0};
    cgv_pipeline_params params = {
        .source = r->source,
        .sink = r->sink,
        .device = r->device,
        .model = r->model,
        .translator = CGV_TRANSLATOR_DEFAULTS,
        .rate = cgv_sink_rate(r->sink),
    };
    params.translator.strength = (float)r->o->strength;
    params.translator.net_height = r->o->net_height;
    params.translator.stabilize = is_picture(r) ? 0 : (float)r->o->stabilize;
    params.translator.compare = (float)r->o->compare;
    cgv_status status =
        cgv_progress_open(&progress, r->o->progress, cgv_source_get_info(r->source)->length);
    if (status)
        return status;
    status = cgv_pipeline_start(&pipeline, &params);
    if (!status) {
        watch(r, pipeline, &progress);
        status = cgv_pipeline_end(&pipeline);
    }
    cgv_progress_close(&progress);
    return status;
}

static int exit_code(const run *r, cgv_status status) {
    if (status)
        return signals ? CGV_EXIT_SIGNAL : CGV_EXIT_FAILED;
    cgv_source_errors errors = cgv_source_get_errors(r->source);
    if (errors.damaged)
        cgv_log(CGV_LOG_WARNING, "%s: decode: %lld of %lld packets were damaged", r->o->input,
                (long long)errors.damaged, (long long)errors.packets);
    if (signals) {
        cgv_log(CGV_LOG_INFO, "stopped by a signal: %s is whole up to there", r->o->output);
        return CGV_EXIT_SIGNAL;
    }
    return (double)errors.damaged > r->o->max_error_rate * (double)errors.packets ? CGV_EXIT_DAMAGED
                                                                                  : CGV_EXIT_OK;
}

static int execute(const translate_options *o, const wanted_part *part) {
    run r = {.o = o, .part = *part};
    cgv_av_log_init();
    catch_signals();
    if (may_write(o))
        return CGV_EXIT_FAILED;
    cgv_status status = open_all(&r);
    if (!status)
        status = translate(&r);
    int code = exit_code(&r, status);
    part_name[0] = 0;
    cgv_sink_close(&r.sink);
    cgv_source_close(&r.source);
    cgv_model_destroy(&r.model);
    return cgv_app_close_device(&r.device, code);
}

int cgv_app_translate(int argc, char **argv) {
    translate_options o = {.model = CGV_DEFAULT_MODEL,
                           .crf = -1,
                           .quality = -1,
                           .strength = 1,
                           .stabilize = CGV_STABILIZE,
                           .max_error_rate = 2. / 3};
    wanted_part part;
    const char *word = NULL;
    int words;
    if (cgv_cli_parse(options, &o, argc, argv, &word, 1, &words))
        return CGV_EXIT_USAGE;
    o.common.hide_banner |= o.version || o.common.help;
    if (cgv_app_begin(&o.common))
        return CGV_EXIT_USAGE;
    if (o.version) {
        cgv_app_print_version();
        return CGV_EXIT_OK;
    }
    if (o.common.help) {
        puts("usage: cgvideo -i INPUT [-m MODEL] [options] OUTPUT");
        cgv_cli_help(options, stdout);
        return CGV_EXIT_OK;
    }
    if (word && o.output) {
        cgv_log(CGV_LOG_ERROR, "two outputs, '%s' and '%s': cgvideo writes one", o.output, word);
        return CGV_EXIT_USAGE;
    }
    if (word)
        o.output = word;
    if (check_options(&o) || parse_part(&part, &o))
        return CGV_EXIT_USAGE;
    int code = execute(&o, &part);
    cgv_av_options_free(&o.libav);
    av_dict_free(&o.input_libav);
    return code;
}
