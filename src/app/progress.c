#include "app/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/time.h>

#include "app/console.h"
#include "base/log.h"
#include "video/av.h"

cgv_status cgv_progress_open(cgv_progress *progress, const char *url, int64_t length) {
    int64_t now = av_gettime_relative();
    *progress = (cgv_progress){.begun = now, .line_at = now, .report_at = now, .length = length};
    if (!url)
        return CGV_OK;
    cgv_av_clear_error();
    int error = avio_open2(&progress->report, strcmp(url, "-") ? url : "pipe:1", AVIO_FLAG_WRITE,
                           NULL, NULL);
    return error < 0 ? cgv_av_fail(error, "-progress %s: cannot open", url) : CGV_OK;
}

static void format_time(char *text, size_t size, int64_t microseconds) {
    int64_t s = microseconds / 1000000;
    snprintf(text, size, "%02" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
}

static void print_line(const cgv_progress *progress, cgv_sink_stats stats, double seconds,
                       bool last) {
    char line[512], time[32], eta[64] = "";
    format_time(time, sizeof time, stats.time);
    double speed = (double)stats.time / 1e6 / seconds;
    if (!last && progress->length > stats.time && speed > 0) {
        char left[32];
        format_time(left, sizeof left, (int64_t)((double)(progress->length - stats.time) / speed));
        snprintf(eta, sizeof eta, " eta=%s", left);
    }
    snprintf(line, sizeof line,
             "frame=%5" PRId64 " fps=%.*f size=%" PRId64 "KiB time=%s.%02d speed=%.3gx%s",
             stats.frames, (double)stats.frames / seconds < 10 ? 2 : 0,
             (double)stats.frames / seconds, stats.bytes / 1024, time,
             (int)(stats.time / 10000 % 100), speed, eta);
    cgv_console_progress(line);
}

static void write_report(AVIOContext *report, cgv_sink_stats stats, double seconds, int64_t dropped,
                         int64_t repeated, bool last) {
    char time[32];
    format_time(time, sizeof time, stats.time);
    avio_printf(report, "frame=%" PRId64 "\nfps=%.2f\n", stats.frames,
                (double)stats.frames / seconds);
    if (stats.time)
        avio_printf(report, "bitrate=%.1fkbits/s\n",
                    (double)stats.bytes * 8000 / (double)stats.time);
    else
        avio_printf(report, "bitrate=N/A\n");
    avio_printf(report,
                "total_size=%" PRId64 "\nout_time_us=%" PRId64 "\nout_time_ms=%" PRId64
                "\nout_time=%s.%06d\ndup_frames=%" PRId64 "\ndrop_frames=%" PRId64
                "\nspeed=%.3gx\nprogress=%s\n",
                stats.bytes, stats.time, stats.time, time, (int)(stats.time % 1000000), repeated,
                dropped, (double)stats.time / 1e6 / seconds, last ? "end" : "continue");
    avio_flush(report);
}

void cgv_progress_update(cgv_progress *progress, cgv_sink_stats stats, int64_t dropped,
                         int64_t repeated, bool last) {
    // Logs and terminals of others keep every line: fewer there.
    const int64_t line_interval = cgv_console_is_terminal() ? 250000 : 5000000;
    int64_t now = av_gettime_relative();
    double seconds = (double)(now - progress->begun + 1) / 1e6;
    if (cgv_log_wants(CGV_LOG_INFO) && (last || now - progress->line_at >= line_interval)) {
        print_line(progress, stats, seconds, last);
        progress->line_at = now;
    }
    if (progress->report && (last || now - progress->report_at >= 500000)) {
        write_report(progress->report, stats, seconds, dropped, repeated, last);
        progress->report_at = now;
    }
}

void cgv_progress_close(cgv_progress *progress) {
    if (cgv_log_wants(CGV_LOG_INFO))
        cgv_console_progress(NULL);
    avio_closep(&progress->report);
}
