// Where a picture taken by day shows the sky, by rules of thumb: what a flood from its upper border
// reaches over bright grey and blue without crossing an edge. Good enough to teach a network, which
// sees many pictures and so learns what most masks agree on; not to look at.
#ifndef CGV_TRAIN_SKY_H
#define CGV_TRAIN_SKY_H

#include "train/bitmap.h"

// A picture of the same size, white where the sky is and black elsewhere, but grey where it may be:
// where the flood did not get, over something of the same colours no lower than where it did. Black
// all over where less than a fiftieth of it would be sky. out->rgb is allocated here, *out is {0}
// on failure.
CGV_NODISCARD cgv_status cgv_sky_find(cgv_bitmap *out, const cgv_bitmap *picture);

#endif
