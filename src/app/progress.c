#include "app/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/time.h>

#include "app/console.h"
#include "app/text.h"
#include "base/log.h"
#include "video/av.h"

cgv_status cgv_progress_open(cgv_progress *progress, const char *url, int64_t length) {
    int64_t now = av_gettime_relative();
    *progress = (cgv_progress){
        .opened = now, .line_at = now, .report_at = now, .rates_at = now, .length = length};
    if (!url)
        return CGV_OK;
    cgv_av_clear_error();
    int error = avio_open2(&progress->report, strcmp(url, "-") ? url : "pipe:1", AVIO_FLAG_WRITE,
                           NULL, NULL);
    return error < 0 ? cgv_av_fail(error, "-progress %s: cannot open", url) : CGV_OK;
}

static void measure_rates(cgv_progress *progress, const cgv_progress_numbers *n, int64_t now) {
    const int64_t interval = 2000000;
    bool others = n->pipeline.failed != progress->failed; // frames of another output are counted
    if (!others && now - progress->rates_at < interval)
        return;
    double seconds = (double)(now - progress->rates_at) / 1e6;
    if (!others) {
        progress->in_rate = (double)(n->pipeline.received - progress->received) / seconds;
        progress->out_rate = (double)(n->sink.frames - progress->written) / seconds;
    }
    progress->failed = n->pipeline.failed;
    progress->rates_at = now;
    progress->received = n->pipeline.received;
    progress->written = n->sink.frames;
}

// An output that has failed may have been ahead of those that go on: what was told stays.
static void keep_told(cgv_progress *progress, cgv_progress_numbers *n) {
    n->sink.frames = progress->told.frames = FFMAX(progress->told.frames, n->sink.frames);
    n->sink.time = progress->told.time = FFMAX(progress->told.time, n->sink.time);
}

static double milliseconds(int64_t microseconds) {
    return (double)microseconds / 1000;
}

// What matters of a live source only. The device's parts: in, network, held steady, carried to full
// size, out.
static void format_live(const cgv_progress *progress, char *text, size_t size,
                        const cgv_progress_numbers *n) {
    const double *gpu = n->pipeline.device;
    snprintf(text, size,
             " in=%.1f out=%.1f drop=%" PRId64
             " N=%d gpu=%.0f+%.0f+%.0f+%.0f+%.0fms translate=%.0fms latency=%.0f/%.0fms",
             progress->in_rate, progress->out_rate, n->pipeline.dropped, n->pipeline.net_height,
             gpu[CGV_PART_IN], gpu[CGV_PART_NETWORK], gpu[CGV_PART_STEADY], gpu[CGV_PART_CARRY],
             gpu[CGV_PART_OUT], milliseconds(n->pipeline.translate),
             milliseconds(n->latency_median), milliseconds(n->latency_95));
}

// Since the first frame, as soon as there is anything to tell from.
typedef struct pace {
    double rate, speed; // frames a second, and the output's seconds a second
    bool steady;        // nothing of the start is in them
    int64_t frames;     // that they are taken from
    double seconds;
} pace;

static pace pace_of(const cgv_progress *progress, const cgv_sink_stats *stats, int64_t now) {
    const int64_t least = 1000000, shortest = 1000; // microseconds
    bool steady = progress->first_at && now - progress->first_at >= least &&
                  stats->frames > progress->first.frames;
    const cgv_sink_stats *from = steady ? &progress->first : &progress->before;
    int64_t passed = now - (steady ? progress->first_at : progress->opened);
    pace p = {.steady = steady,
              .frames = stats->frames - from->frames,
              .seconds = (double)FFMAX(passed, shortest) / 1e6};
    p.rate = (double)p.frames / p.seconds;
    p.speed = (double)(stats->time - from->time) / 1e6 / p.seconds;
    return p;
}

static void print_line(const cgv_progress *progress, const cgv_progress_numbers *n, const pace *p,
                       bool last) {
    cgv_sink_stats stats = n->sink;
    char line[512], time[32], eta[64] = "", live[192] = "";
    cgv_text_time(time, sizeof time, stats.time);
    if (!last && progress->length > stats.time && p->steady && p->speed > 0) {
        char left[32];
        cgv_text_time(left, sizeof left,
                      (int64_t)((double)(progress->length - stats.time) / p->speed));
        snprintf(eta, sizeof eta, " eta=%s", left);
    }
    if (n->live)
        format_live(progress, live, sizeof live, n);
    snprintf(line, sizeof line,
             "frame=%5" PRId64 " fps=%.*f size=%" PRId64 "KiB time=%s.%02d speed=%.3gx%s%s",
             stats.frames, p->rate < 10 ? 2 : 0, p->rate, stats.bytes / 1024, time,
             (int)(stats.time / 10000 % 100), p->speed, live, eta);
    cgv_console_progress(line);
}

// Once, of a long job: what it takes, as the first frames tell.
static void estimate(cgv_progress *progress, const cgv_progress_numbers *n, const pace *p) {
    enum { LEAST_FRAMES = 2 };
    const double first = 3, long_job = 60;
    if (progress->estimated || n->live || !progress->length || !p->steady || p->seconds < first ||
        p->frames < LEAST_FRAMES || !(p->speed > 0))
        return;
    progress->estimated = true;
    double whole = (double)(progress->length - progress->before.time) / p->speed; // microseconds
    if (whole < long_job * 1e6)
        return;
    char time[32], memory[64] = "";
    cgv_text_time(time, sizeof time, (int64_t)whole);
    if (n->pipeline.memory)
        snprintf(memory, sizeof memory, ", and %.0f MiB on the device",
                 (double)n->pipeline.memory / (1 << 20));
    cgv_log(CGV_LOG_INFO, "at %.3g frames a second this takes about %s%s", p->rate, time, memory);
}

static void write_report(const cgv_progress *progress, const cgv_progress_numbers *n, const pace *p,
                         bool last) {
    AVIOContext *report = progress->report;
    cgv_sink_stats stats = n->sink;
    char time[32];
    cgv_text_time(time, sizeof time, stats.time);
    avio_printf(report, "frame=%" PRId64 "\nfps=%.2f\n", stats.frames, p->rate);
    if (stats.time)
        avio_printf(report, "bitrate=%.1fkbits/s\n",
                    (double)stats.bytes * 8000 / (double)stats.time);
    else
        avio_printf(report, "bitrate=N/A\n");
    avio_printf(report,
                "total_size=%" PRId64 "\nout_time_us=%" PRId64 "\nout_time_ms=%" PRId64
                "\nout_time=%s.%06d\ndup_frames=%" PRId64 "\ndrop_frames=%" PRId64
                "\nspeed=%.3gx\n",
                stats.bytes, stats.time, stats.time, time, (int)(stats.time % 1000000),
                n->pipeline.repeated, n->pipeline.dropped, p->speed);
    avio_printf(report,
                "net_height=%d\ntranslate_ms=%.1f\nin_fps=%.2f\nout_fps=%.2f\n"
                "latency_p50_ms=%.1f\nlatency_p95_ms=%.1f\noutputs=%d\nfailed_outputs=%d\n",
                n->pipeline.net_height, milliseconds(n->pipeline.translate), progress->in_rate,
                progress->out_rate, milliseconds(n->latency_median), milliseconds(n->latency_95),
                n->pipeline.outputs, n->pipeline.failed);
    if (n->live)
        avio_printf(report,
                    "gpu_in_ms=%.1f\ngpu_network_ms=%.1f\ngpu_steady_ms=%.1f\ngpu_carry_ms=%.1f\n"
                    "gpu_out_ms=%.1f\n",
                    n->pipeline.device[CGV_PART_IN], n->pipeline.device[CGV_PART_NETWORK],
                    n->pipeline.device[CGV_PART_STEADY], n->pipeline.device[CGV_PART_CARRY],
                    n->pipeline.device[CGV_PART_OUT]);
    avio_printf(report, "progress=%s\n", last ? "end" : "continue");
    avio_flush(report);
}

void cgv_progress_update(cgv_progress *progress, cgv_progress_numbers numbers, bool last) {
    // Logs and terminals of others keep every line: fewer there.
    const int64_t line_interval = cgv_console_is_terminal() ? 250000 : 5000000;
    int64_t now = av_gettime_relative();
    measure_rates(progress, &numbers, now);
    keep_told(progress, &numbers);
    if (!progress->first_at && numbers.sink.frames > progress->before.frames) {
        progress->first_at = now;
        progress->first = numbers.sink;
    }
    pace p = pace_of(progress, &numbers.sink, now);
    estimate(progress, &numbers, &p);
    if (cgv_log_wants(CGV_LOG_INFO) && (last || now - progress->line_at >= line_interval)) {
        print_line(progress, &numbers, &p, last);
        progress->line_at = now;
    }
    if (progress->report && (last || now - progress->report_at >= 500000)) {
        write_report(progress, &numbers, &p, last);
        progress->report_at = now;
    }
}

void cgv_progress_close(cgv_progress *progress) {
    if (cgv_log_wants(CGV_LOG_INFO))
        cgv_console_progress(NULL);
    avio_closep(&progress->report);
}
