#include "app/train_record.h"

#include <stdlib.h>
#include <string.h>

#include "app/folder.h"
#include "base/fs.h"
#include "base/log.h"
#include "train/events.h"
#include "train/grid.h"
#include "train/png.h"
#include "train/report.h"

#define SAMPLES 4

struct cgv_train_record {
    const char *dir, *config;
    cgv_trainer *trainer;
    cgv_history *history;
    cgv_events *events;
    bool paired;
    int height, width, batch, samples;
    float *a, *b; // the samples, whole batches of them
    double seconds;
};

static size_t picture_floats(const cgv_train_record *r) {
    return 3 * (size_t)r->height * (size_t)r->width;
}

// The pictures of the first steps, as many whole steps as give SAMPLES pictures.
static cgv_status draw_samples(cgv_train_record *r, cgv_dataset *dataset, int step_pictures) {
    int steps = (SAMPLES + step_pictures - 1) / step_pictures;
    size_t step_floats = (size_t)step_pictures * picture_floats(r);
    r->a = malloc((size_t)steps * step_floats * sizeof *r->a);
    r->b = malloc((size_t)steps * step_floats * sizeof *r->b);
    if (!r->a || !r->b)
        return cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    r->samples = steps * step_pictures;
    cgv_status status = cgv_dataset_start(dataset, 0);
    for (int i = 0; i < steps && !status; i++)
        status = cgv_dataset_next(dataset, r->a + (size_t)i * step_floats,
                                  r->b + (size_t)i * step_floats, NULL);
    return status;
}

static cgv_status open_files(cgv_train_record *r, int64_t step) {
    char *losses = cgv_fs_format("%s/losses.csv", r->dir);
    char *samples = cgv_fs_format("%s/samples", r->dir);
    cgv_status status = losses && samples ? cgv_make_folder(samples)
                                          : cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    if (!status)
        status = cgv_history_create(&r->history, losses,
                                    r->paired ? &cgv_history_paired : &cgv_history_unpaired, step);
    if (!status)
        status = cgv_events_create(&r->events, r->dir, step);
    const cgv_history_row *last = status ? NULL : cgv_history_last(r->history);
    r->seconds = last ? last->seconds : 0;
    free(losses);
    free(samples);
    return status;
}

cgv_status cgv_train_record_create(cgv_train_record **out, const char *dir, const char *config,
                                   cgv_trainer *trainer, cgv_dataset *dataset,
                                   const cgv_train_options *options) {
    cgv_train_record *r = *out = calloc(1, sizeof *r);
    if (!r)
        return cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    r->dir = dir;
    r->config = config;
    r->trainer = trainer;
    r->batch = options->batch;
    r->paired = options->paired;
    cgv_dataset_size(dataset, &r->width, &r->height);
    cgv_status status = draw_samples(r, dataset, options->batch * options->accumulate);
    if (!status)
        status = open_files(r, cgv_trainer_steps(trainer));
    if (status)
        cgv_train_record_destroy(out);
    return status;
}

void cgv_train_record_destroy(cgv_train_record **out) {
    cgv_train_record *r = *out;
    *out = NULL;
    if (!r)
        return;
    cgv_history_destroy(&r->history);
    cgv_events_destroy(&r->events);
    free(r->a);
    free(r->b);
    free(r);
}

double cgv_train_record_seconds(const cgv_train_record *r) {
    return r->seconds;
}

cgv_status cgv_train_record_losses(cgv_train_record *r, const cgv_history_row *row) {
    cgv_scalar scalars[CGV_HISTORY_COLUMNS];
    char tags[CGV_HISTORY_COLUMNS][64];
    const cgv_history_columns *columns = cgv_history_get_columns(r->history);
    for (int i = 0; i < columns->count; i++) {
        const cgv_history_column *column = &columns->list[i];
        bool loss = column->offset >= offsetof(cgv_history_row, losses);
        snprintf(tags[i], sizeof tags[i], "%s/%s", loss ? "loss" : "run", column->name);
        memcpy(&scalars[i].value, (const char *)row + column->offset, sizeof scalars[i].value);
        scalars[i].tag = tags[i];
    }
    cgv_status status = cgv_history_append(r->history, row);
    return status ? status : cgv_events_scalars(r->events, row->step, scalars, columns->count);
}

static int column_count(const cgv_train_record *r) {
    return r->paired ? CGV_GRID_PAIR_COLUMNS : CGV_GRID_COLUMNS;
}

// Read one batch of the last view into the columns, at sample `first`.
static cgv_status read_view(const cgv_train_record *r, float *columns[CGV_GRID_COLUMNS],
                            int first) {
    cgv_trainer_pictures p = cgv_trainer_last(r->trainer);
    const cgv_tensor cycles[CGV_GRID_COLUMNS] = {p.a, p.fake_b, p.recovered_a,
                                                 p.b, p.fake_a, p.recovered_b};
    const cgv_tensor pairs[CGV_GRID_PAIR_COLUMNS] = {p.a, p.fake_b, p.b};
    cgv_status status = CGV_OK;
    for (int c = 0; c < column_count(r) && !status; c++)
        status = cgv_trainer_read(r->trainer, columns[c] + (size_t)first * picture_floats(r),
                                  r->paired ? pairs[c] : cycles[c]);
    return status;
}

static cgv_status write_grid(cgv_train_record *r, const cgv_grid *grid) {
    int64_t step = cgv_trainer_steps(r->trainer);
    void *png = NULL;
    size_t size;
    char *path = cgv_fs_format("%s/samples/step_%08lld.png", r->dir, (long long)step);
    cgv_status status = path ? cgv_png_write(path, grid->rgb, grid->width, grid->height)
                             : cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    if (!status)
        status = cgv_png_encode(&png, &size, grid->rgb, grid->width, grid->height);
    if (!status)
        status =
            cgv_events_picture(r->events, step, "samples", png, size, grid->width, grid->height);
    free(png);
    free(path);
    return status;
}

cgv_status cgv_train_record_samples(cgv_train_record *r) {
    float *columns[CGV_GRID_COLUMNS] = {0};
    cgv_grid grid = {0};
    cgv_status status = CGV_OK;
    for (int c = 0; c < column_count(r) && !status; c++) {
        columns[c] = malloc((size_t)r->samples * picture_floats(r) * sizeof(float));
        if (!columns[c])
            status = cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    }
    for (int i = 0; i < r->samples && !status; i += r->batch) {
        size_t offset = (size_t)i * picture_floats(r);
        status = cgv_trainer_view(r->trainer, r->a + offset, r->b + offset);
        if (!status)
            status = read_view(r, columns, i);
    }
    if (!status)
        status = cgv_grid_create(&grid, (const float *const *)columns, column_count(r), r->samples,
                                 r->height, r->width);
    if (!status)
        status = write_grid(r, &grid);
    cgv_grid_free(&grid);
    for (int c = 0; c < CGV_GRID_COLUMNS; c++)
        free(columns[c]);
    return status;
}

cgv_status cgv_train_record_report(cgv_train_record *r, const char *state, int64_t total,
                                   double seconds_left) {
    const cgv_history_row *last = cgv_history_last(r->history);
    return cgv_report_write(r->dir, r->history,
                            &(cgv_report_params){
                                .config = r->config,
                                .state = state,
                                .step = cgv_trainer_steps(r->trainer),
                                .steps = total,
                                .epoch = last ? last->epoch : 0,
                                .seconds = last ? last->seconds : 0,
                                .seconds_left = seconds_left,
                            });
}
