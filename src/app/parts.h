// What the parts of a picture's way on the device cost.
#ifndef CGV_APP_PARTS_H
#define CGV_APP_PARTS_H

#include "gpu/gpu.h"

enum { CGV_PART_IN, CGV_PART_NETWORK, CGV_PART_CARRY, CGV_PART_OUT, CGV_PART_STEADY, CGV_PARTS };
extern const char *const cgv_part_names[CGV_PARTS];

// Milliseconds of each part of one picture, from the profile of its commands.
void cgv_parts_sum(double ms[CGV_PARTS], const cgv_profile_entry *entries, int count);

#endif
