// The numbers of a run over its steps: losses.csv, and thinned in memory for curves.
#ifndef CGV_TRAIN_HISTORY_H
#define CGV_TRAIN_HISTORY_H

#include <stdint.h>

#include "train/trainer.h"

typedef struct cgv_history_row {
    int64_t step;
    double epoch, seconds; // of training, without interruptions
    float lr_g, lr_d, images_per_second;
    cgv_losses losses;
} cgv_history_row;

// Its numbers besides step, epoch and seconds: their names in the file, where they are in a row.
enum { CGV_HISTORY_COLUMNS = 17 }; // at most
typedef struct cgv_history_column {
    const char *name;
    size_t offset; // of a float
} cgv_history_column;
typedef struct cgv_history_columns {
    int count;
    cgv_history_column list[CGV_HISTORY_COLUMNS];
} cgv_history_columns;
extern const cgv_history_columns cgv_history_unpaired, cgv_history_paired;

typedef struct cgv_history cgv_history;

// Opens a run's losses.csv: rows after `step`, the one of the checkpoint that the run goes on from,
// are cut off, since they will come again. step 0 begins a new file in the place of any old one.
CGV_NODISCARD cgv_status cgv_history_create(cgv_history **out, const char *path,
                                            const cgv_history_columns *columns, int64_t step);
void cgv_history_destroy(cgv_history **history);

// Steps grow from row to row. Written and flushed at once; CGV_ERROR_IO when the disk is full.
CGV_NODISCARD cgv_status cgv_history_append(cgv_history *history, const cgv_history_row *row);

// At most CGV_HISTORY_POINTS rows over the whole run, each the mean of as many rows of the file as
// the others; the last one, of fewer. (Its step and seconds are those of its last row.) Valid until
// the next append.
#define CGV_HISTORY_POINTS 1024
const cgv_history_row *cgv_history_points(const cgv_history *history, int *count);

const cgv_history_columns *cgv_history_get_columns(const cgv_history *history);

// The last row itself, NULL when there is none.
const cgv_history_row *cgv_history_last(const cgv_history *history);

#endif
