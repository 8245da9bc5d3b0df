// What a training run leaves for its reader: losses.csv, TensorBoard events, sample grids and
// index.html.
#ifndef CGV_APP_TRAIN_RECORD_H
#define CGV_APP_TRAIN_RECORD_H

#include "app/train.h"
#include "train/dataset.h"
#include "train/history.h"

typedef struct cgv_train_record cgv_train_record;

// dir: the run directory; config: the text of its config.json. What earlier processes recorded
// after `step`, the checkpoint's, is dropped. A few pictures of the dataset's first steps are taken
// as the fixed samples of the grids, so the dataset must be started again afterwards.
CGV_NODISCARD cgv_status cgv_train_record_create(cgv_train_record **out, const char *dir,
                                                 const char *config, cgv_trainer *trainer,
                                                 cgv_dataset *dataset,
                                                 const cgv_train_options *options);
void cgv_train_record_destroy(cgv_train_record **record);

// Seconds that earlier processes spent on this run up to its checkpoint.
double cgv_train_record_seconds(const cgv_train_record *record);

CGV_NODISCARD cgv_status cgv_train_record_losses(cgv_train_record *record,
                                                 const cgv_history_row *row);

// A grid of what the generators, as they would be exported now, make of the samples.
CGV_NODISCARD cgv_status cgv_train_record_samples(cgv_train_record *record);

// Rewrite index.html. state: "running", "finished", "stopped".
CGV_NODISCARD cgv_status cgv_train_record_report(cgv_train_record *record, const char *state,
                                                 int64_t total, double seconds_left);

#endif
