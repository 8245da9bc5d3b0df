// A network on a small copy of the picture, and its change carried to the full one: gains and
// offsets of every small pixel, interpolated along the edges of the full picture. A net with an
// affine head says them itself; to any other's small result they are fitted, and corrected by what
// the full result, made small again, lacks of it. A grid is sliced by the full picture.
#ifndef CGV_FILTER_CARRY_H
#define CGV_FILTER_CARRY_H

#include "cgvideo/model.h"
#include "nn/plan.h"
#include "ops/steady.h"

typedef struct cgv_carry {
    cgv_buffer memory;       // of what follows
    cgv_tensor picture;      // [1, 3, H, W], address 0: nothing is carried
    cgv_tensor result;       // the same, in the same place where the picture is not wanted any more
    cgv_tensor back;         // of fitted ones: the result, made small again
    cgv_tensor coefficients; // fitted ones; address 0: the net's output is them
    cgv_tensor guide;        // the picture at the size of the net's coefficients; address 0: where
                             // that is the size of its input
    bool grid;               // the net's output is a bilateral grid
} cgv_carry;

// Makes plan->h and plan->w the size of the small picture: about plan->h high, of the shape of
// width x height. *net, a view of a model's net, loses its head, and the enlargement of its
// coefficients: following the edges of the full picture does better. keep_picture: carry->picture
// outlives cgv_carry_record. Both sides of the full picture hold net->multiple.
CGV_NODISCARD cgv_status cgv_carry_create(cgv_carry *out, cgv_device *device, cgv_net *net,
                                          cgv_plan_params *plan, int width, int height,
                                          bool keep_picture);
void cgv_carry_destroy(cgv_carry *carry);

// Does the net end in a bilateral grid that is sliced by its input?
bool cgv_carry_has_grid(const cgv_net *net);

// Where nobody says a height: that of a picture shaped as width x height with as many pixels as the
// training pictures of a model with an affine head or a grid; 0, for the full picture, of any other
// model.
int cgv_carry_height(const cgv_model *model, int width, int height);

// carry->result, from carry->picture and what the net gave for `small`, its scaled copy. past: what
// of the frames before it is blended with, where that is wanted.
void cgv_carry_record(const cgv_carry *carry, cgv_cmd *cmd, cgv_tensor output, cgv_tensor small,
                      const cgv_past *past);

#endif
