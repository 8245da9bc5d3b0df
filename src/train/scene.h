// What a picture taken by day shows that changes at night: the mask that the losses of nights and
// windows ask for (ops/grad.h).
#ifndef CGV_TRAIN_SCENE_H
#define CGV_TRAIN_SCENE_H

#include "train/bitmap.h"

// A picture of the same proportions, as large as windows are looked for in (train/panes.h): red is
// the sky (train/sky.h), green are panes and blue what else may be one, both black where the sky
// may be. out->rgb is allocated here, *out is {0} on failure.
CGV_NODISCARD cgv_status cgv_scene_find(cgv_bitmap *out, const cgv_bitmap *picture);

#endif
