// Planes of floats and their pyramids (Burt & Adelson 1983): what the measures compute on.
#ifndef CGV_EVAL_PLANE_H
#define CGV_EVAL_PLANE_H

#include "train/bitmap.h"

typedef struct cgv_plane {
    int width, height;
    float *values; // rows without gaps; malloc'ed
} cgv_plane;

// All 0. *out is {0} on failure.
CGV_NODISCARD cgv_status cgv_plane_create(cgv_plane *out, int width, int height);
void cgv_plane_free(cgv_plane *plane);

// Red, green or blue (0, 1, 2) of a picture, in its codes 0..255.
CGV_NODISCARD cgv_status cgv_plane_channel(cgv_plane *out, const cgv_bitmap *picture, int channel);
// Luma of BT.601, 0..255.
CGV_NODISCARD cgv_status cgv_plane_luma(cgv_plane *out, const cgv_bitmap *picture);

// Half the size, rounded up: smoothed with [1 4 6 4 1]/16 both ways, every second sample kept.
// Mirrored at the edges. Sides must be at least 3.
CGV_NODISCARD cgv_status cgv_plane_shrink(cgv_plane *out, const cgv_plane *in);
// Back to a size that shrinks to `in`'s: zeros put in between, smoothed with twice the same filter.
CGV_NODISCARD cgv_status cgv_plane_grow(cgv_plane *out, const cgv_plane *in, int width, int height);

#define CGV_PYRAMID_LEVELS 16

typedef struct cgv_pyramid {
    int levels;
    cgv_plane level[CGV_PYRAMID_LEVELS]; // the finest first
} cgv_pyramid;

// How many levels a plane of this size has when the sides of none may be below `least`; at least 1.
int cgv_pyramid_depth(int width, int height, int least);

// Gaussian pyramid: each level is the one before, shrunk. Takes *finest over, on failure too.
CGV_NODISCARD cgv_status cgv_pyramid_gauss(cgv_pyramid *out, cgv_plane *finest, int least);
// Laplacian pyramid: each level is what the next one, grown, lacks; the last is what remains.
CGV_NODISCARD cgv_status cgv_pyramid_laplace(cgv_pyramid *out, cgv_plane *finest, int least);
void cgv_pyramid_free(cgv_pyramid *pyramid);

#endif
