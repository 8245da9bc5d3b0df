// The run of a translation: open everything, watch it, close it.
#include "app/translate.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavformat/avio.h>
#include <libavutil/avstring.h>
#include <libavutil/time.h>

#include "app/app.h"
#include "app/console.h"
#include "app/model_path.h"
#include "app/preview.h"
#include "app/progress.h"
#include "app/translate_job.h"
#include "app/yield.h"
#include "base/log.h"
#include "video/av.h"
#include "video/richest.h"

// ---- signals

static atomic_bool stop;
static volatile sig_atomic_t signals;
static char part_names[CGV_MAX_OUTPUTS][4096]; // unfinished files, removed by the second signal

static void on_signal(int number) {
    (void)number;
    if (++signals > 1) {
        cgv_console_keys_end();
        for (int i = 0; i < CGV_MAX_OUTPUTS; i++)
            if (part_names[i][0])
                unlink(part_names[i]);
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
    cgv_app_catch_hangup(on_signal);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_wake}, NULL);
}

static bool reads_standard_input(const char *url) {
    return !strcmp(url, "-") || !strncmp(url, "pipe:", 5) || !strncmp(url, "fd:", 3) ||
           !strcmp(url, "/dev/stdin");
}

static cgv_status may_write(const cgv_translate_options *o, const cgv_output_options *output) {
    char *path = cgv_sink_regular_file(output->device);
    bool exists = path && !access(path, F_OK);
    free(path);
    // What is gone on with was allowed when it began.
    if (!exists || o->overwrite || (!o->never_overwrite && cgv_translate_resumes(o)))
        return CGV_OK;
    char question[512];
    bool yes = false;
    snprintf(question, sizeof question, "%s exists. Overwrite?", output->url);
    if (!o->never_overwrite && !reads_standard_input(o->input) &&
        !cgv_console_ask(&yes, question) && !yes)
        return cgv_fail(CGV_ERROR_INTERRUPTED, "%s exists: not overwritten", output->url);
    return yes ? CGV_OK
               : cgv_fail(CGV_ERROR_ARGUMENT, "%s exists: add -y to overwrite it", output->url);
}

typedef struct run {
    const cgv_translate_options *o;
    cgv_wanted_part part;
    bool live, paced;
    cgv_processor_times begin;
    cgv_source_params from;
    cgv_source *source;
    cgv_job *job; // NULL: its output is not written in segments
    cgv_sink *sinks[CGV_MAX_OUTPUTS];
    int sink_count;
    AVFrame *format; // of the translated pictures; NULL without sinks
    cgv_preview *preview;
    cgv_device *device;
    cgv_model *model;
    int failed; // outputs
} run;

// No device, no filter, nothing from elsewhere.
static bool reads_file(const cgv_translate_options *o) {
    const char *protocol = avio_find_protocol_name(o->input);
    return !o->input_format && protocol && !strcmp(protocol, "file");
}

// Whether nobody waits for a frame: files, neither played nor looked at.
static bool at_leisure(const cgv_translate_options *o) {
    struct stat about;
    const char *path = o->input;
    av_strstart(path, "file:", &path);
    bool special =
        reads_standard_input(o->input) || (!stat(path, &about) && !S_ISREG(about.st_mode));
    return reads_file(o) && !special && !o->live && !o->paced && !o->preview;
}

// A mistyped name is told at once, not behind the opening of a model and a device.
static cgv_status check_input(const cgv_translate_options *o) {
    const char *path = o->input;
    if (!reads_file(o) || strpbrk(path, "%*?[{")) // patterns
        return CGV_OK;
    av_strstart(path, "file:", &path);
    if (!strcmp(path, "-") || !access(path, F_OK) || errno != ENOENT)
        return CGV_OK;
    cgv_av_clear_error();
    return cgv_av_fail(AVERROR(ENOENT), "%s: cannot open", o->input);
}

// A file that is only looked at is played.
static bool paced(const run *r, const cgv_source_info *info) {
    return r->o->paced || (r->o->preview && !r->o->outputs.count && !info->live);
}

static cgv_status open_source(run *r) {
    const cgv_translate_options *o = r->o;
    // What no output wants is not even read; a window is silent.
    cgv_select_params select = {o->maps, o->map_count, true, true, true};
    for (int i = 0; i < o->outputs.count; i++) {
        select.no_audio &= o->outputs.list[i].no_audio;
        select.no_subtitles &= o->outputs.list[i].no_subtitles;
        select.no_data &= o->outputs.list[i].no_data;
    }
    r->from = (cgv_source_params){
        .url = o->input,
        .format = o->input_format,
        .rate = o->input_rate,
        .start = r->part.start,
        .length = r->part.length,
        .select = select,
        .deinterlace = (cgv_deinterlacing)o->deinterlace,
        .hdr = (cgv_hdr_manner)o->hdr,
        .hwaccel = o->hwaccel,
        .options = o->input_libav,
        .threads = o->threads,
        .live = o->live,
        .patience = (int64_t)(o->patience * AV_TIME_BASE),
        .stop = &stop,
    };
    cgv_status status = cgv_source_open(&r->source, &r->from);
    if (status)
        return status;
    const cgv_source_info *info = cgv_source_get_info(r->source);
    r->paced = paced(r, info);
    r->live = info->live || r->paced;
    if (o->auto_height && !r->live)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "-quality auto: %s is not live: there is no time to "
                        "keep up with; add -live or -re",
                        o->input);
    return CGV_OK;
}

static cgv_status open_sink(run *r, const cgv_output_options *out) {
    cgv_sink_params to = {
        .url = out->device,
        .format = out->format,
        .codec = out->codec,
        .preset = out->preset,
        .bit_rate = out->bit_rate,
        .pixel_format = out->pixel_format,
        .crf = out->crf,
        .quality = out->quality,
        .tag = out->tag,
        .rate = out->constant_rate,
        .sync = (cgv_sync)(out->sync % 4),
        .threads = r->o->threads,
        .live = r->live,
        .segmented = r->job ? cgv_job_part(r->job) : NULL,
        .stop = &stop,
        .options = &out->libav,
        .carry = {.audio_codec = out->audio_codec,
                  .subtitle_codec = out->subtitle_codec,
                  .audio_bit_rate = out->audio_bit_rate,
                  .no_audio = out->no_audio,
                  .no_subtitles = out->no_subtitles,
                  .no_data = out->no_data,
                  .audio_options = out->libav.audio},
    };
    cgv_sink **sink = &r->sinks[r->sink_count];
    cgv_status status = cgv_sink_open(sink, &to, cgv_source_get_info(r->source));
    if (status)
        return status;
    if (r->job)
        cgv_sink_set_place(*sink, cgv_job_get_done(r->job).place);
    if (cgv_sink_part(*sink) && !r->live) // what was recorded live stays
        snprintf(part_names[r->sink_count], sizeof part_names[0], "%s", cgv_sink_part(*sink));
    r->sink_count++;
    return CGV_OK;
}

// Pictures are translated into one format, from which the outputs make theirs.
static cgv_status choose_format(run *r) {
    const AVFrame *formats[CGV_MAX_OUTPUTS];
    for (int i = 0; i < r->sink_count; i++)
        formats[i] = cgv_sink_format(r->sinks[i]);
    r->format = av_frame_alloc();
    if (!r->format)
        return cgv_fail(CGV_ERROR_MEMORY, "translate: out of memory");
    cgv_richest(r->format, formats, r->sink_count, cgv_source_get_info(r->source)->first);
    return CGV_OK;
}

static cgv_status open_sinks(run *r) {
    const cgv_outputs *outputs = &r->o->outputs;
    cgv_status status = CGV_OK;
    for (int i = 0; i < outputs->count && !status; i++)
        status = open_sink(r, &outputs->list[i]);
    return status || !r->sink_count ? status : choose_format(r);
}

typedef struct opening {
    run *r;
    cgv_status status;
    atomic_bool done;
} opening;

static void *open_sinks_apart(void *opaque) {
    opening *o = opaque;
    o->status = open_sinks(o->r);
    atomic_store(&o->done, true);
    return NULL;
}

// An output may wait for somebody to connect: the window is there meanwhile, and answers.
static cgv_status open_sinks_beside_window(run *r) {
    opening o = {.r = r};
    pthread_t thread;
    if (pthread_create(&thread, NULL, open_sinks_apart, &o))
        return cgv_fail(CGV_ERROR_MEMORY, "cannot start a thread");
    while (!atomic_load(&o.done)) {
        if (cgv_preview_update(r->preview).quit)
            atomic_store(&stop, true);
        av_usleep(10000);
    }
    pthread_join(thread, NULL);
    return o.status;
}

static cgv_status open_all(run *r) {
    const cgv_translate_options *o = r->o;
    cgv_status status = check_input(o);
    if (!status)
        status = cgv_model_open(&r->model, o->model, CGV_APP_MODEL_PARAMS(o));
    if (!status && o->wants_stabilize && !cgv_model_get_info(r->model)->steadies)
        cgv_log(CGV_LOG_WARNING,
                "-stabilize does nothing with %s, which leaves pictures as they are", o->model);
    // First, for all threads of what is opened behind it to yield to the device's.
    if (!status)
        status = cgv_app_open_device(&r->device, &o->common);
    if (!status && cgv_device_get_info(r->device)->type == CGV_DEVICE_CPU)
        cgv_yield(r->begin, at_leisure(o));
    if (!status)
        status = open_source(r);
    if (!status && cgv_translate_segmented(o))
        status =
            cgv_translate_job_open(&r->job, o, &r->from, cgv_source_get_info(r->source), r->device);
    if (!status && o->preview)
        status = cgv_preview_open(&r->preview, o->input, cgv_source_get_info(r->source),
                                  (float)o->strength);
    if (!status)
        status = r->preview && o->outputs.count ? open_sinks_beside_window(r) : open_sinks(r);
    return status;
}

static cgv_progress_numbers numbers(const run *r, cgv_pipeline *pipeline) {
    cgv_progress_numbers n = {
        .live = r->live,
        .pipeline = cgv_pipeline_get_stats(pipeline),
        .latency_median = cgv_pipeline_latency(pipeline, .5),
        .latency_95 = cgv_pipeline_latency(pipeline, .95),
    };
    n.pipeline.dropped += cgv_source_skipped(r->source);
    int living = 0;
    for (int i = 0; i < r->sink_count; i++) {
        cgv_sink_stats stats = cgv_sink_get_stats(r->sinks[i]);
        n.sink.bytes += stats.bytes;
        if (cgv_pipeline_output_failed(pipeline, i))
            continue;
        living++;
        n.sink.frames = FFMAX(n.sink.frames, stats.frames);
        n.sink.time = FFMAX(n.sink.time, stats.time);
    }
    if (r->preview && !living) {
        n.sink.frames = cgv_preview_frames(r->preview);
        n.latency_median = cgv_preview_latency(r->preview, .5);
        n.latency_95 = cgv_preview_latency(r->preview, .95);
    }
    return n;
}

static bool window_failed(const run *r) {
    return r->preview && cgv_preview_failed(r->preview);
}

static void obey(const run *r, cgv_pipeline *pipeline, cgv_preview_wish wish) {
    // Outputs go on without the window.
    if (wish.quit || (window_failed(r) && !r->sink_count))
        atomic_store(&stop, true);
    cgv_pipeline_pause(pipeline, wish.paused);
    cgv_pipeline_set_strength(pipeline, wish.strength);
}

// The last picture of a file that is only looked at stays until somebody closes the window.
static void linger(run *r) {
    while (!atomic_load(&stop) && !window_failed(r) && !cgv_preview_update(r->preview).quit)
        av_usleep(20000);
}

static void watch(run *r, cgv_pipeline *pipeline, cgv_progress *progress) {
    enum { WAIT = 50, FRAME = 5, ROUNDS = WAIT / FRAME }; // milliseconds
    int round = 0;
    bool keys = !reads_standard_input(r->o->input), ended;
    if (keys)
        cgv_console_keys_begin();
    do {
        ended = cgv_pipeline_wait(pipeline, r->preview ? FRAME : WAIT);
        if (r->preview)
            obey(r, pipeline, cgv_preview_update(r->preview));
        if (!r->preview || ended || !(++round % ROUNDS))
            cgv_progress_update(progress, numbers(r, pipeline), ended);
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
    const cgv_translate_options *o = r->o;
    const cgv_source_info *info = cgv_source_get_info(r->source);
    cgv_pipeline_params params = {
        .source = r->source,
        .sinks = r->sinks,
        .sink_count = r->sink_count,
        .job = r->job,
        .format = r->format ? r->format : cgv_preview_format(r->preview),
        .device = r->device,
        .model = r->model,
        .translator = CGV_TRANSLATOR_DEFAULTS,
        // What a single file drops need not be translated.
        .rate = r->sink_count == 1 && !r->live ? cgv_sink_rate(r->sinks[0]) : (AVRational){0, 1},
        .live = r->live,
        .paced = r->paced,
        .auto_height = o->auto_height && !o->net_height,
        .show = r->preview ? cgv_preview_take : NULL,
        .show_to = r->preview,
        .stop = &stop,
    };
    params.translator.strength = (float)o->strength;
    params.translator.net_height = o->net_height;
    params.translator.tile = o->tile;
    params.translator.batch = o->batch ? o->batch : r->live || is_picture(r) ? 1 : CGV_BATCH_AUTO;
    params.translator.stabilize = is_picture(r) ? 0 : (float)o->stabilize;
    params.translator.compare = (float)o->compare;
    params.translator.precision = (cgv_precision)o->precision;
    // Not in the middle of a live source, whenever its height changes.
    bool measures = o->kernels == CGV_KERNELS_AUTO && !params.auto_height;
    params.translator.kernels =
        o->kernels == CGV_KERNELS_AUTO && !measures ? CGV_KERNELS_RULES : (cgv_kernels)o->kernels;
    params.translator.slots = r->live ? 1 : params.translator.slots;
    cgv_status status = cgv_progress_open(&progress, o->progress, info->length);
    if (status)
        return status;
    if (r->job)
        progress.before = cgv_sink_get_stats(r->sinks[0]);
    status = cgv_pipeline_start(&pipeline, &params);
    if (!status) {
        watch(r, pipeline, &progress);
        status = cgv_pipeline_end(&pipeline, &r->failed);
    }
    cgv_progress_close(&progress);
    if (!status && r->preview && !r->sink_count && !info->live)
        linger(r);
    return status;
}

static int exit_code(run *r, cgv_status status) {
    // A job that is stopped is not finished, however it is stopped. What breaks off behind a signal
    // for a reason of its own has failed; an input that is being opened has its own ways to be
    // stopped.
    bool stopped = signals || (r->job && atomic_load(&stop));
    if (status)
        return stopped && (status == CGV_ERROR_INTERRUPTED || !r->source) ? CGV_EXIT_SIGNAL
                                                                          : CGV_EXIT_FAILED;
    cgv_source_errors errors = cgv_source_get_errors(r->source);
    bool mostly = (double)errors.damaged > r->o->max_error_rate * (double)errors.packets;
    if (errors.damaged)
        cgv_log(mostly ? CGV_LOG_ERROR : CGV_LOG_WARNING,
                "%s: decode: %lld of %lld packets were damaged or missing", r->o->input,
                (long long)errors.damaged, (long long)errors.packets);
    if (r->failed)
        cgv_log(CGV_LOG_WARNING, "%d of %d outputs failed%s", r->failed, r->sink_count,
                r->failed < r->sink_count ? "; the others are whole" : "");
    if (signals && !r->job && !r->failed) { // a job that is here is whole
        for (int i = 0; i < r->sink_count; i++)
            cgv_log(CGV_LOG_INFO, "stopped by a signal: %s is whole up to there",
                    r->o->outputs.list[i].url);
        return CGV_EXIT_SIGNAL;
    }
    if (r->failed || window_failed(r) || cgv_source_lost(r->source))
        return CGV_EXIT_FAILED;
    return mostly ? CGV_EXIT_DAMAGED : CGV_EXIT_OK;
}

int cgv_translate_run(const cgv_translate_options *o, const cgv_wanted_part *part) {
    run r = {.o = o, .part = *part, .begin = cgv_processor_times_now()};
    cgv_av_log_init();
    catch_signals();
    for (int i = 0; i < o->outputs.count; i++)
        if (may_write(o, &o->outputs.list[i]))
            return signals ? CGV_EXIT_SIGNAL : CGV_EXIT_FAILED; // Ctrl-C is no answer
    cgv_status status = open_all(&r);
    if (!status)
        status = translate(&r);
    int code = exit_code(&r, status);
    for (int i = 0; i < r.sink_count; i++) {
        part_names[i][0] = 0;
        cgv_sink_close(&r.sinks[i]);
    }
    cgv_job_close(&r.job);
    av_frame_free(&r.format);
    cgv_preview_close(&r.preview);
    cgv_source_close(&r.source);
    cgv_model_destroy(&r.model);
    return cgv_app_close_device(&r.device, code);
}
