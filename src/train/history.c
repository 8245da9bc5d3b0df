#include "train/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"

const cgv_history_column cgv_history_columns[CGV_HISTORY_COLUMNS] = {
#define COLUMN(name, field)                                                                        \
    { name, offsetof(cgv_history_row, field) }
    COLUMN("lr_g", lr_g),
    COLUMN("lr_d", lr_d),
    COLUMN("images_per_second", images_per_second),
    COLUMN("G_A", losses.g_a),
    COLUMN("G_B", losses.g_b),
    COLUMN("cycle_A", losses.cycle_a),
    COLUMN("cycle_B", losses.cycle_b),
    COLUMN("idt_A", losses.identity_a),
    COLUMN("idt_B", losses.identity_b),
    COLUMN("equi_A", losses.equivariance_a),
    COLUMN("equi_B", losses.equivariance_b),
    COLUMN("D_A", losses.d_a),
    COLUMN("D_B", losses.d_b),
#undef COLUMN
};

struct cgv_history {
    FILE *file;
    char *path;
    cgv_history_row points[CGV_HISTORY_POINTS], last;
    int count;              // of points
    int64_t group, growing; // rows that make a point; of them, rows in the last point so far
};

static float *number(cgv_history_row *row, int column) {
    return (float *)(void *)((char *)row + cgv_history_columns[column].offset);
}

static float number_of(const cgv_history_row *row, int column) {
    return *(const float *)(const void *)((const char *)row + cgv_history_columns[column].offset);
}

// ---- thinning ----

// The mean of `rows` rows becomes that of these and of `row`, which counts `weight` times.
static void mix(cgv_history_row *mean, int64_t rows, const cgv_history_row *row, int64_t weight) {
    double share = (double)weight / (double)(rows + weight);
    mean->step = row->step;
    mean->epoch = row->epoch;
    mean->seconds = row->seconds;
    for (int c = 0; c < CGV_HISTORY_COLUMNS; c++)
        *number(mean, c) = (float)((1 - share) * number_of(mean, c) + share * number_of(row, c));
}

static void remember(cgv_history *h, const cgv_history_row *row) {
    h->last = *row;
    if (h->count && h->growing < h->group) {
        mix(&h->points[h->count - 1], h->growing++, row, 1);
        return;
    }
    if (h->count == CGV_HISTORY_POINTS) {
        h->count /= 2;
        for (int i = 0; i < h->count; i++) {
            h->points[i] = h->points[2 * i];
            mix(&h->points[i], 1, &h->points[2 * i + 1], 1);
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

static void print_header(FILE *file) {
    fprintf(file, "step,epoch,seconds");
    for (int c = 0; c < CGV_HISTORY_COLUMNS; c++)
        fprintf(file, ",%s", cgv_history_columns[c].name);
    fputc('\n', file);
}

static void print_row(FILE *file, const cgv_history_row *row) {
    fprintf(file, "%" PRId64 ",%.6g,%.3f", row->step, row->epoch, row->seconds);
    for (int c = 0; c < CGV_HISTORY_COLUMNS; c++)
        fprintf(file, ",%.9g", number_of(row, c)); // the digits that tell floats apart
    fputc('\n', file);
}

static bool parse_row(cgv_history_row *row, const char *line) {
    char *at;
    row->step = strtoll(line, &at, 10);
    if (at == line || *at != ',')
        return false;
    for (int c = -2; c < CGV_HISTORY_COLUMNS; c++) {
        const char *start = at + 1;
        double value = strtod(start, &at);
        if (at == start || *at != (c + 1 < CGV_HISTORY_COLUMNS ? ',' : '\n'))
            return false;
        if (c == -2)
            row->epoch = value;
        else if (c == -1)
            row->seconds = value;
        else
            *number(row, c) = (float)value;
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
        if (!parse_row(&row, line)) {
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

static cgv_status open_file(cgv_history *h, int64_t step) {
    h->file = step ? fopen(h->path, "r+") : NULL;
    if (h->file) {
        cgv_status status = read_rows(h, step);
        if (status || ftello(h->file))
            return status;
    } else if (!step || errno == ENOENT) {
        h->file = fopen(h->path, "w");
    }
    if (!h->file)
        return cgv_fail(CGV_ERROR_IO, "%s: cannot open: %s", h->path, strerror(errno));
    print_header(h->file);
    return flush(h);
}

cgv_status cgv_history_create(cgv_history **out, const char *path, int64_t step) {
    cgv_history *h = *out = calloc(1, sizeof *h);
    if (h)
        h->path = strdup(path);
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
    print_row(h->file, row);
    return flush(h);
}
