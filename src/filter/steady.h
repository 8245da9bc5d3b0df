// What holds a video steady, in memory that the lists of all slots share: averages over frames of
// the network's instance norm statistics, and of a bilateral grid, which follows what moves in the
// picture; and in the picture itself a short memory of pixels.
#ifndef CGV_FILTER_STEADY_H
#define CGV_FILTER_STEADY_H

#include "nn/chain.h"
#include "ops/steady.h"

enum { CGV_STEADY_LEVELS = 3 };

typedef struct cgv_steady {
    cgv_buffer memory; // of what follows; size 0: nothing is held
    float weight;
    uint64_t state;   // of ops/steady.h
    cgv_tensor small; // a small copy of the frame
    // Luma of this frame and of the last one: level by level half the size, and smaller still what
    // tells a cut; all of a frame together are `now` and `last`.
    cgv_tensor level[2][CGV_STEADY_LEVELS], signature[2], now, last;
    cgv_tensor motion[2]; // of the cells of the picture: of the level at hand, of the one before
    cgv_tensor average;   // of the grid; address 0: there is none
    cgv_past past;        // of pixels
} cgv_steady;

// Make the chain hold its statistics; before recording. weight: 0 creates nothing. picture: of its
// shape are the full input and the result. grid: the chain's output is a bilateral grid.
CGV_NODISCARD cgv_status cgv_steady_create(cgv_steady *out, cgv_device *device, cgv_chain *chain,
                                           float weight, cgv_tensor picture, bool grid);
void cgv_steady_destroy(cgv_steady *steady);

// Both record nothing where nothing is held.
// Before the network reads `input`: what of the past this frame keeps, and where it was. The word
// at `begins` is not 0 where a frame has no past.
void cgv_steady_record_begin(const cgv_steady *steady, cgv_cmd *cmd, cgv_tensor input,
                             uint64_t begins);
// Behind the network: its output, if a grid, joins the average, and becomes it.
void cgv_steady_record_output(const cgv_steady *steady, cgv_cmd *cmd, cgv_tensor output);
// What the result is to be blended with, at the end; NULL where nothing is held.
const cgv_past *cgv_steady_past(const cgv_steady *steady);
// Where nothing else does that: it joins those of the frames before, as far as `picture`, which it
// was made from, looks like theirs. past: may be NULL.
void cgv_steady_record_result(cgv_cmd *cmd, cgv_tensor result, cgv_tensor picture,
                              const cgv_past *past);

#endif
