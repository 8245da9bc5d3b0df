// Sliced Wasserstein distance of two collections of pictures on patches of their Laplacian
// pyramids (Karras et al. 2018, arXiv:1710.10196, section 5): how unlike they look, by scale.
#ifndef CGV_EVAL_SWD_H
#define CGV_EVAL_SWD_H

#include <stdbool.h>

#include "eval/plane.h"

enum {
    CGV_SWD_PATCH = 7,
    CGV_SWD_VALUES = 3 * CGV_SWD_PATCH * CGV_SWD_PATCH,
    CGV_SWD_PATCHES = 128,   // of a picture, at each level
    CGV_SWD_LEAST_SIDE = 16, // of the coarsest level
    CGV_SWD_REPEATS = 4,
    CGV_SWD_DIRECTIONS = 128, // of each repeat
};

// Patches at random places of every level of every picture, in the order in which the pictures
// were added.
typedef struct cgv_descriptors {
    int levels;
    int pictures;
    bool borrowed;                     // a part of other descriptors
    float *values[CGV_PYRAMID_LEVELS]; // [pictures][CGV_SWD_PATCHES][CGV_SWD_VALUES]; R, then G, B
} cgv_descriptors;

// Room for pictures of one size, sides of at least CGV_SWD_LEAST_SIDE.
CGV_NODISCARD cgv_status cgv_descriptors_create(cgv_descriptors *out, int width, int height,
                                                int room);
// At most `room` times. `seed` and the picture's number decide the places of its patches.
CGV_NODISCARD cgv_status cgv_descriptors_add(cgv_descriptors *descriptors,
                                             const cgv_bitmap *picture, uint64_t seed);
// Those of `count` pictures from `first` on; borrows their memory.
cgv_descriptors cgv_descriptors_part(const cgv_descriptors *descriptors, int first, int count);
void cgv_descriptors_free(cgv_descriptors *descriptors);

typedef struct cgv_swd {
    int levels;
    // In codes of 0..255: feels brightness, colour balance and contrast.
    double plain[CGV_PYRAMID_LEVELS], plain_mean; // the finest level first; their mean
    // In thousandths: descriptors of each side are first brought to mean 0 and deviation 1 in each
    // channel, as in the paper, which leaves structure: no linear change of a channel matters.
    double normalised[CGV_PYRAMID_LEVELS], normalised_mean;
} cgv_swd;

// Both sides must have been created with one size and hold pictures. As many descriptors of
// each as the smaller side has, but at most those of `most` pictures; drawn from all pictures of a
// side that has more. The same seed draws the same directions.
CGV_NODISCARD cgv_status cgv_swd_distance(cgv_swd *out, const cgv_descriptors *a,
                                          const cgv_descriptors *b, int most, uint64_t seed);

#endif
