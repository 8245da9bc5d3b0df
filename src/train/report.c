#include "train/report.h"

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fs.h"
#include "base/log.h"

extern const char cgv_report_page[]; // report.html

static const char mark[] = "/*DATA*/"; // in the page, where the data go

// In a script, "</script" or "<!--" would end the data. In JSON, < only occurs within strings.
static void print_json(FILE *out, const json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    for (const char *c = text ? text : "null"; *c; c++) {
        if (*c == '<')
            fputs("\\u003c", out);
        else
            fputc(*c, out);
    }
    free(text);
}

static void print_string(FILE *out, const char *name, const char *text) {
    json_t *json = json_string(text);
    fprintf(out, ",\n%s:", name);
    print_json(out, json);
    json_decref(json);
}

static void print_number(FILE *out, double value) {
    if (isfinite(value))
        fprintf(out, "%.5g", value);
    else
        fputs("null", out);
}

static void print_curves(FILE *out, const cgv_history *history) {
    int count;
    const cgv_history_row *rows = cgv_history_points(history, &count);
    fprintf(out, ",\nstep:[");
    for (int i = 0; i < count; i++)
        fprintf(out, "%s%" PRId64, i ? "," : "", rows[i].step);
    fprintf(out, "]");
    const cgv_history_columns *columns = cgv_history_get_columns(history);
    for (int c = 0; c < columns->count; c++) {
        fprintf(out, ",\n%s:[", columns->list[c].name);
        for (int i = 0; i < count; i++) {
            const char *row = (const char *)&rows[i];
            if (i)
                fputc(',', out);
            print_number(out, *(const float *)(const void *)(row + columns->list[c].offset));
        }
        fprintf(out, "]");
    }
}

static int is_sample(const struct dirent *entry) {
    int64_t step;
    int end = 0;
    return sscanf(entry->d_name, "step_%" SCNd64 ".png%n", &step, &end) == 1 && end &&
           !entry->d_name[end];
}

// Names are "step_", zeros and digits: version order is that of the steps.
static void print_samples(FILE *out, const char *dir) {
    char *path = cgv_fs_format("%s/samples", dir);
    struct dirent **entries = NULL;
    int count = path ? scandir(path, &entries, is_sample, versionsort) : 0;
    fprintf(out, ",\nsamples:[");
    for (int i = 0; i < count; i++) {
        fprintf(out, "%s\"%s\"", i ? "," : "", entries[i]->d_name);
        free(entries[i]);
    }
    fprintf(out, "]");
    free(entries);
    free(path);
}

static void print_name(FILE *out, const char *dir) {
    char *full = realpath(dir, NULL);
    const char *slash = full ? strrchr(full, '/') : NULL;
    print_string(out, "name", slash && slash[1] ? slash + 1 : dir);
    free(full);
}

static void print_data(FILE *out, const char *dir, const cgv_history *history,
                       const cgv_report_params *p, const json_t *config) {
    char now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    strftime(now, sizeof now, "%Y-%m-%d %H:%M UTC", gmtime_r(&seconds, &utc));
    fprintf(out, "{at:%" PRId64 ",\nsteps:%" PRId64 ",\nepoch:", p->step, p->steps);
    print_number(out, p->epoch);
    fprintf(out, ",\nseconds:");
    print_number(out, p->seconds);
    fprintf(out, ",\nleft:");
    print_number(out, p->seconds_left);
    print_string(out, "written", now);
    print_string(out, "state", p->state);
    print_name(out, dir);
    print_curves(out, history);
    print_samples(out, dir);
    fprintf(out, ",\nconfig:");
    print_json(out, config);
    fprintf(out, "}");
}

static cgv_status write_page(const char *path, const char *dir, const cgv_history *history,
                             const cgv_report_params *params, const json_t *config) {
    cgv_fs_writer writer;
    cgv_status status = cgv_fs_writer_open(&writer, path);
    if (status)
        return status;
    const char *at = strstr(cgv_report_page, mark);
    fwrite(cgv_report_page, 1, (size_t)(at - cgv_report_page), writer.file);
    print_data(writer.file, dir, history, params, config);
    fputs(at + strlen(mark), writer.file);
    return cgv_fs_writer_commit(&writer);
}

cgv_status cgv_report_write(const char *dir, const cgv_history *history,
                            const cgv_report_params *params) {
    json_error_t error;
    json_t *config = params->config ? json_loads(params->config, 0, &error) : NULL;
    if (params->config && !json_is_object(config)) {
        json_decref(config);
        return cgv_fail(CGV_ERROR_FORMAT, "%s: its configuration is no JSON object", dir);
    }
    char *path = cgv_fs_format("%s/index.html", dir);
    cgv_status status = path ? write_page(path, dir, history, params, config)
                             : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", dir);
    free(path);
    json_decref(config);
    return status;
}
