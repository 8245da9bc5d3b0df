// cgvideo -i INPUT -m MODEL OUTPUT: translate a video, a picture or a sequence of pictures.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/parseutils.h>

#include "app/app.h"
#include "app/console.h"
#include "app/pipeline.h"
#include "app/progress.h"
#include "base/log.h"
#include "video/av.h"

typedef struct translate_options {
    cgv_app_common common;
    const char *input, *output, *model;
    bool overwrite, never_overwrite;
    const char *start, *length, *end;
    const char *codec, *bit_rate, *preset, *pixel_format, *rate, *format;
    const char *input_rate, *input_format; // -r and -f before -i
    double crf, strength;
    bool no_audio, no_subtitles;
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
}

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
    TEXT("m", model, "MODEL", "generator: .pth, .safetensors, or identity"),
    FLAG("y", overwrite, "overwrite the output"),
    FLAG("n", never_overwrite, "never overwrite the output, do not ask"),
    TEXT("ss", start, "TIME", "begin there ([HH:]MM:SS[.m…] or seconds)"),
    TEXT("t", length, "TIME", "translate that much"),
    TEXT("to", end, "TIME", "end there, on the input's clock"),
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
    TEXT("r", rate, "FPS", "constant output rate; before -i: rate of a picture sequence"),
    TEXT("f", format, "FORMAT", "container of the output; before -i: of the input"),
    FLAG("an", no_audio, "leave out audio"),
    FLAG("sn", no_subtitles, "leave out subtitles"),
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
    TEXT("progress", progress, "URL",
         "write machine-readable progress there (- is standard output)"),
    CGV_APP_COMMON_OPTIONS,
    FLAG("version", version, "print the program's version"),
    {0},
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

static cgv_status check_options(const translate_options *o) {
    if (!o->input)
        return cgv_fail(CGV_ERROR_ARGUMENT, "no input: add -i INPUT");
    if (!o->output)
        return cgv_fail(CGV_ERROR_ARGUMENT, "no output: add its name at the end");
    if (!o->model)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "no model: add -m FILE, a CycleGAN generator as .pth or "
                        ".safetensors (or -m identity to try the video path)");
    if (o->overwrite && o->never_overwrite)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-y and -n exclude each other");
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
        .no_audio = o->no_audio,
        .no_subtitles = o->no_subtitles,
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
        .rate = r->part.rate,
        .threads = o->threads,
    };
    cgv_status status = cgv_model_load(&r->model, o->model);
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

static cgv_status translate(run *r) {
    cgv_pipeline *pipeline;
    cgv_progress progress = {0};
    cgv_pipeline_params params = {
        .source = r->source,
        .sink = r->sink,
        .device = r->device,
        .model = r->model,
        .translator = CGV_TRANSLATOR_DEFAULTS,
        .rate = r->part.rate,
    };
    params.translator.strength = (float)r->o->strength;
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
    return 3 * errors.damaged > 2 * errors.packets ? CGV_EXIT_DAMAGED : CGV_EXIT_OK;
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
    translate_options o = {.crf = -1, .strength = 1};
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
        puts("usage: cgvideo -i INPUT -m MODEL [options] OUTPUT");
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
    return execute(&o, &part);
}
