// Smooth random pictures that exist between pixels too, for tests of motion and of patches.
#ifndef CGV_TESTS_SCENES_H
#define CGV_TESTS_SCENES_H

#include "train/bitmap.h"

typedef struct test_scene {
    int width, height;
    int seed;         // another scene
    double dx, dy;    // what is shown moves right and down by this, in pixels
    double detail;    // cycles a pixel of its finest waves, e.g. 0.15
    double gain[3];   // of each channel's deviation from its mean
    double offset[3]; // of each channel, in codes, from mid-grey
} test_scene;

// Grey of middle brightness, moderate contrast.
test_scene test_scene_of(int width, int height, int seed);

// The caller's; out of memory ends the program.
cgv_bitmap test_scene_draw(const test_scene *scene);

#endif
