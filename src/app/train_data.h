// The two domains of a training run, opened as the options say.
#ifndef CGV_APP_TRAIN_DATA_H
#define CGV_APP_TRAIN_DATA_H

#include "app/train.h"
#include "train/dataset.h"
#include "train/pairs.h"

typedef struct cgv_train_data {
    cgv_frames *a, *b; // as they were opened; b NULL: both are in the pictures of a, side by side
    cgv_pairs *pairs;  // paired
    cgv_dataset *dataset;
} cgv_train_data;

// Gives up with CGV_ERROR_INTERRUPTED once *stop is set.
CGV_NODISCARD cgv_status cgv_train_data_open(cgv_train_data *out, const cgv_train_options *options,
                                             const atomic_bool *stop);
// Which pictures they are: how many of each side, and a checksum of their names. With others a
// resumed run is not what the uninterrupted one would have been. NULL: out of memory.
json_t *cgv_train_data_describe(const cgv_train_data *data);
void cgv_train_data_close(cgv_train_data *data);

#endif
