// What the dataset draws and does to one picture; pure functions.
#ifndef CGV_TRAIN_AUGMENT_H
#define CGV_TRAIN_AUGMENT_H

#include "base/rng.h"
#include "train/dataset.h"

// The i-th (0..count-1) number of a random order of 0..count-1 that `key` names, without a table.
uint32_t cgv_shuffled(uint32_t i, uint32_t count, uint64_t key);

// The generator of what is drawn for one picture.
cgv_rng cgv_augment_rng(uint64_t seed, int64_t step, int position, int domain);

// Bring a whole picture to the size at which crops are taken (and pictures are kept). *out may
// take over *in's memory; *in is freed or emptied, on failure too.
CGV_NODISCARD cgv_status cgv_augment_load(cgv_bitmap *out, cgv_bitmap *in,
                                          const cgv_dataset_params *params);

// Crop at random, resize if need be, flip and expose at random, scale to [-1, 1]: out [3, height,
// width]. domain: 0 of A, 1 of B.
CGV_NODISCARD cgv_status cgv_augment(float *out, const cgv_bitmap *loaded, cgv_rng *rng,
                                     const cgv_dataset_params *params, int domain);

// The same part of a mask of that picture, with the same draws: out [3, height, width].
CGV_NODISCARD cgv_status cgv_augment_mask(float *out, const cgv_bitmap *mask, cgv_rng *rng,
                                          const cgv_dataset_params *params);

#endif
