#include "train/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"

#define COLUMN(name, field)                                                                        \
    { name, offsetof(cgv_history_row, field) }
const cgv_history_columns cgv_history_unpaired = {
    17,
    {COLUMN("lr_g", lr_g), COLUMN("lr_d", lr_d), COLUMN("images_per_second", images_per_second),
     COLUMN("G_A", losses.g_a), COLUMN("G_B", losses.g_b), COLUMN("cycle_A", losses.cycle_a),
     COLUMN("cycle_B", losses.cycle_b), COLUMN("idt_A", losses.identity_a),
     COLUMN("idt_B", losses.identity_b), COLUMN("equi_A", losses.equivariance_a),
     COLUMN("equi_B", losses.equivariance_b), COLUMN("hist_A", losses.histogram_a),
     COLUMN("hist_B", losses.histogram_b), COLUMN("night", losses.night_a),
     COLUMN("windows", losses.windows_a), COLUMN("D_A", losses.d_a), COLUMN("D_B", losses.d_b)}};
const cgv_history_columns cgv_history_paired = {
    6,
    {COLUMN("lr_g", lr_g), COLUMN("lr_d", lr_d), COLUMN("images_per_second", images_per_second),
     COLUMN("G_A", losses.g_a), COLUMN("L1_A", losses.l1_a), COLUMN("D_A", losses.d_a)}};
#undef COLUMN

struct cgv_history {
    FILE *file;
    char *path;
    const cgv_history_columns *columns;
    cgv_history_row points[CGV_HISTORY_POINTS], last;
    int count;              // of points
    int64_t group, growing; // rows that make a point; of them, rows in the last point so far
};

static float *number(cgv_history_row *row, const cgv_history_columns *columns, int column) {
    return (float *)(void *)((char *)row + columns->list[column].offset);
}

static float number_of(const cgv_history_row *row, const cgv_history_columns *columns, int column) {
    return *(const float *)(const void *)((const char *)row + columns->list[column].offset);
}

// ---- thinning ----

// The mean of `rows` rows becomes that of these and of `row`, which counts `weight` times.
static void mix(const cgv_history_columns *columns, cgv_history_row *mean, int64_t rows,
                const cgv_history_row *row, int64_t weight) {
    double share = (double)weight / (double)(rows + weight);
    mean->step = row->step;
    mean->epoch = row->epoch;
    mean->seconds = row->seconds;
    for (int c = 0; c < columns->count; c++)
        *number(mean, columns, c) =
            (float)((1 - share) * number_of(mean, columns, c) + share * number_of(row, columns, c));
}

static void remember(cgv_history *h, const cgv_history_row *row) {
    h->last = *row;
    if (h->count && h->growing < h->group) {
        mix(h->columns, &h->points[h->count - 1], h->growing++, row, 1);
        return;
    }
    if (h->count == CGV_HISTORY_POINTS) {
        h->count /= 2;
        for (int i = 0; i < h->count; i++) {
            h->points[i] = h->points[2 * i];
            mix(h->columns, &h->points[i], 1, &h->points[2 * i + 1], 1);
        }
        h->group *= 2;
    }
    h->points[h->count++] = *row;
    h->growing = 1;
}

const cgv_history_row *cgv_history_points(const cgv_history *h, int *count) {
    *count = h->count;
    return h->points;
}

const cgv_history_row *cgv_history_last(const cgv_history *h) {
    return h->count ? &h->last : NULL;
}

// ---- the file ----

enum { HEADER_SIZE = 512 };

static void header_of(const cgv_history *h, char text[HEADER_SIZE]) {
    int length = snprintf(text, HEADER_SIZE, "step,epoch,seconds");
    for (int c = 0; c < h->columns->count; c++)
        length += snprintf(text + length, (size_t)(HEADER_SIZE - length), ",%s",
                           h->columns->list[c].name);
    snprintf(text + length, (size_t)(HEADER_SIZE - length), "\n");
}

static void print_header(const cgv_history *h) {
    char text[HEADER_SIZE];
    header_of(h, text);
    fputs(text, h->file);
}

static void print_row(const cgv_history *h, const cgv_history_row *row) {
    fprintf(h->file, "%" PRId64 ",%.6g,%.3f", row->step, row->epoch, row->seconds);
    for (int c = 0; c < h->columns->count; c++) // in the digits that tell floats apart
        fprintf(h->file, ",%.9g", number_of(row, h->columns, c));
    fputc('\n', h->file);
}

static bool parse_row(cgv_history_row *row, const cgv_history_columns *columns, const char *line) {
    char *at;
    *row = (cgv_history_row){0};
    row->step = strtoll(line, &at, 10);
    if (at == line || *at != ',')
        return false;
    for (int c = -2; c < columns->count; c++) {
        const char *start = at + 1;
        double value = strtod(start, &at);
        if (at == start || *at != (c + 1 < columns->count ? ',' : '\n'))
            return false;
        if (c == -2)
            row->epoch = value;
        else if (c == -1)
            row->seconds = value;
        else
            *number(row, columns, c) = (float)value;
    }
    return true;
}

// Reads the rows up to `step` and cuts the file after them.
static cgv_status read_rows(cgv_history *h, int64_t step) {
    char *line = NULL;
    size_t capacity = 0;
    off_t end = 0;
    ssize_t length = getline(&line, &capacity, h->file); // the names of the columns
    while (length > 0) {
        cgv_history_row row;
        end += length;
        length = getline(&line, &capacity, h->file);
        if (length <= 0)
            break;
        if (!parse_row(&row, h->columns, line)) {
            cgv_log(CGV_LOG_WARNING, "%s: cut after byte %lld, where it is damaged", h->path,
                    (long long)end);
            break;
        }
        if (row.step > step)
            break;
        remember(h, &row);
    }
    free(line);
    bool failed = ferror(h->file) || fflush(h->file) || ftruncate(fileno(h->file), end) ||
                  fseeko(h->file, end, SEEK_SET);
    return failed ? cgv_fail(CGV_ERROR_IO, "%s: %s", h->path, strerror(errno)) : CGV_OK;
}

static cgv_status flush(cgv_history *h) {
    if (!fflush(h->file) && !ferror(h->file))
        return CGV_OK;
    return cgv_fail(CGV_ERROR_IO, "%s: cannot write: %s", h->path, strerror(errno));
}

static cgv_status cannot_open(const cgv_history *h) {
    return cgv_fail(CGV_ERROR_IO, "%s: cannot open: %s", h->path, strerror(errno));
}

static bool has_other_columns(cgv_history *h) {
    char header[HEADER_SIZE], line[HEADER_SIZE];
    header_of(h, header);
    bool other = fgets(line, sizeof line, h->file) && strcmp(line, header);
    rewind(h->file);
    return other;
}

// What an older program wrote has fewer columns, and is somebody's run of days.
static cgv_status put_aside(cgv_history *h) {
    char *aside = cgv_fs_format("%s.old", h->path);
    cgv_status status = CGV_OK;
    fclose(h->file);
    h->file = NULL;
    if (!aside)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", h->path);
    if (rename(h->path, aside))
        status = cgv_fail(CGV_ERROR_IO, "%s: cannot rename: %s", h->path, strerror(errno));
    else
        cgv_log(CGV_LOG_WARNING, "%s: has other columns: it is now %s", h->path, aside);
    free(aside);
    return status;
}

static cgv_status open_file(cgv_history *h, int64_t step) {
    cgv_status status = CGV_OK;
    if (step && !(h->file = fopen(h->path, "r+")) && errno != ENOENT)
        return cannot_open(h);
    if (h->file && has_other_columns(h))
        status = put_aside(h);
    if (h->file) {
        status = read_rows(h, step);
        if (status || ftello(h->file))
            return status;
    } else if (!status) {
        h->file = fopen(h->path, "w");
        status = h->file ? CGV_OK : cannot_open(h);
    }
    if (status)
        return status;
    print_header(h);
    return flush(h);
}

const cgv_history_columns *cgv_history_get_columns(const cgv_history *h) {
    return h->columns;
}

cgv_status cgv_history_create(cgv_history **out, const char *path,
                              const cgv_history_columns *columns, int64_t step) {
    cgv_history *h = *out = calloc(1, sizeof *h);
    if (h) {
        h->path = strdup(path);
        h->columns = columns;
    }
    if (!h || !h->path) {
        cgv_history_destroy(out);
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    }
    h->group = 1;
    cgv_status status = open_file(h, step);
    if (status)
        cgv_history_destroy(out);
    return status;
}

void cgv_history_destroy(cgv_history **history) {
    if (!*history)
        return;
    if ((*history)->file)
        fclose((*history)->file); // every row was flushed, and its failure reported
    free((*history)->path);
    free(*history);
    *history = NULL;
}

cgv_status cgv_history_append(cgv_history *h, const cgv_history_row *row) {
    remember(h, row);
    print_row(h, row);
    return flush(h);
}
