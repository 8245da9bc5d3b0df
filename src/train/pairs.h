// Pictures of A and B that belong together: two collections matched by the names of their files, or
// one of pictures that show both side by side.
#ifndef CGV_TRAIN_PAIRS_H
#define CGV_TRAIN_PAIRS_H

#include "train/frames.h"

typedef struct cgv_pairs cgv_pairs;

// Pictures of a and b whose files are called the same but for folder and ending; frames of videos
// called the same, at the same second. What has no partner is left out, and counted (CGV_LOG_INFO);
// CGV_ERROR_ARGUMENT when nothing has one. A picture of b is brought to the size of its partner.
CGV_NODISCARD cgv_status cgv_pairs_match(cgv_pairs **out, cgv_frames *a, cgv_frames *b);

// The left halves are A, the right ones B. A column in the middle of an odd width is in neither.
CGV_NODISCARD cgv_status cgv_pairs_split(cgv_pairs **out, cgv_frames *side_by_side);

// The frames must outlive the pairs. NULL-safe.
void cgv_pairs_destroy(cgv_pairs **pairs);

// The pictures of A (0) or B (1), as many of each and in the same order. Owned by the pairs.
cgv_frames *cgv_pairs_side(cgv_pairs *pairs, int side);

#endif
