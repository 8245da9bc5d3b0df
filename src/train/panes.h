// Where a picture taken by day shows windows, by rules of thumb: small dark shapes in something
// brighter, in rows or columns of their like. Good enough to teach a network, as train/sky.h is.
#ifndef CGV_TRAIN_PANES_H
#define CGV_TRAIN_PANES_H

#include "train/bitmap.h"

#define CGV_PANES_SIDE 400 // of the picture in which panes are looked for, in pixels, at most

// A picture of the same proportions, not larger (a short side of more than CGV_PANES_SIDE has been
// made that, and a wide picture smaller still): green where a pane is, blue where one may be:
// where something has the size and shape, or is dark and near one; black elsewhere. out->rgb is
// allocated here, *out is {0} on failure.
CGV_NODISCARD cgv_status cgv_panes_find(cgv_bitmap *out, const cgv_bitmap *picture);

#endif
