// Batches of training pictures, unpaired or in pairs, prepared by worker threads a few steps ahead.
//
// What a step gets is a pure function of (seed, step, position in the batch): starting at step N
// gives what a run from 0 would have got there, whatever the number of workers.
#ifndef CGV_TRAIN_DATASET_H
#define CGV_TRAIN_DATASET_H

#include <stdbool.h>

#include "train/frames.h"

// How a picture becomes one of the training size. Names as in the public CycleGAN code; but here
// all training pictures have one size, whatever the mode, and where a picture is too small for it
// it is enlarged evenly.
typedef enum cgv_preprocess {
    CGV_PREPROCESS_RESIZE_AND_CROP,      // squeezed to the load size, a random crop
    CGV_PREPROCESS_CROP,                 // a random crop at the picture's own size
    CGV_PREPROCESS_SCALE_WIDTH,          // its width to the training width, the middle of it
    CGV_PREPROCESS_SCALE_WIDTH_AND_CROP, // its width to the load size, a random crop
    CGV_PREPROCESS_SCALE_SHORTSIDE,      // its short side to the load size, a random crop
    CGV_PREPROCESS_NONE,                 // the whole picture, resized only if its size differs
} cgv_preprocess;

typedef struct cgv_dataset_params {
    int batch;
    // Of the training picture, rounded to multiples of 4. 0 both with SCALE_WIDTH and NONE: from
    // the first picture of A (as wide as load_size with SCALE_WIDTH).
    int width, height;
    // See cgv_preprocess; with RESIZE_AND_CROP the width, the height in proportion to the training
    // picture's. 0: width * 286 / 256, of the short side with SCALE_SHORTSIDE.
    int load_size;
    cgv_preprocess preprocess;
    bool flip; // half of the pictures, left to right
    // 0: crops are of the training size. Else they are a random fraction, min_scale..1, of the
    // largest that fits, resized to the training size (a larger load_size keeps them sharp).
    float min_scale;
    // Pictures of A, of B are exposed at random by up to this many stops less or more: light is
    // doubled by each, and what becomes brighter than white is white. 0: as they are.
    float exposure[2];
    bool scenes; // masks of what A shows come along: train/scene.h
    // Picture i of A belongs to picture i of B: they come together, cropped and flipped alike.
    bool paired;
    uint64_t seed;
    int workers;    // threads; 0: one a core, at most 4
    int64_t memory; // bytes of pictures at load size, and of their masks, that are kept; 0: none,
                    // all are read each time
} cgv_dataset_params;

#define CGV_DATASET_DEFAULTS                                                                       \
    ((cgv_dataset_params){                                                                         \
        .batch = 1, .width = 256, .height = 256, .flip = true, .memory = INT64_C(1) << 30})

typedef struct cgv_dataset cgv_dataset;

// params NULL means defaults. The frames must outlive the dataset.
CGV_NODISCARD cgv_status cgv_dataset_create(cgv_dataset **out, cgv_frames *frames_a,
                                            cgv_frames *frames_b, const cgv_dataset_params *params);
// Stops the workers. NULL-safe.
void cgv_dataset_destroy(cgv_dataset **dataset);

// The size of the training pictures: multiples of 4.
void cgv_dataset_size(const cgv_dataset *dataset, int *width, int *height);

// max(|A|, |B|) / batch, at least 1. Any |A| pictures of A in a row are all of A, in an order of
// their own; B is drawn at random, or is what belongs to them.
int64_t cgv_dataset_epoch_steps(const cgv_dataset *dataset);

// Begin to prepare batches from `step` on; again to go to another step. Before the first next.
CGV_NODISCARD cgv_status cgv_dataset_start(cgv_dataset *dataset, int64_t step);

// The batches of the next step: a, b [batch, 3, height, width] in [-1, 1], in the caller's memory,
// and with params.scenes the masks of a, likewise: of skies (1 there, -1 on the ground, around 0
// where that is not known), panes and what may be one. scenes may be NULL. A picture that cannot
// be read is replaced by the one after it; an error when several in a row cannot, or one of a pair.
CGV_NODISCARD cgv_status cgv_dataset_next(cgv_dataset *dataset, float *a, float *b, float *scenes);

// Seconds that cgv_dataset_next has waited for workers so far.
double cgv_dataset_waited(const cgv_dataset *dataset);

#endif
