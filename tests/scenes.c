#include "scenes.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"

enum { WAVES = 24 };

test_scene test_scene_of(int width, int height, int seed) {
    return (test_scene){
        .width = width, .height = height, .seed = seed, .detail = 0.12, .gain = {1, 1, 1}};
}

cgv_bitmap test_scene_draw(const test_scene *scene) {
    double fx[WAVES], fy[WAVES], phase[3][WAVES];
    cgv_rng rng;
    cgv_rng_seed(&rng, (uint64_t)scene->seed, 77);
    for (int i = 0; i < WAVES; i++) {
        double turn = 6.283 * (double)cgv_rng_float(&rng);
        double frequency = scene->detail * exp2(-4.0 * i / WAVES) * 6.283;
        fx[i] = frequency * cos(turn);
        fy[i] = frequency * sin(turn);
        for (int c = 0; c < 3; c++)
            phase[c][i] = 6.283 * (double)cgv_rng_float(&rng);
    }
    cgv_bitmap picture;
    if (cgv_bitmap_create(&picture, scene->width, scene->height))
        exit(1);
    uint8_t *p = picture.rgb;
    for (int y = 0; y < scene->height; y++)
        for (int x = 0; x < scene->width; x++)
            for (int c = 0; c < 3; c++) {
                double sum = 0;
                for (int i = 0; i < WAVES; i++)
                    sum += sin(fx[i] * (x - scene->dx) + fy[i] * (y - scene->dy) + phase[c][i]);
                double code = 128 + scene->offset[c] + scene->gain[c] * 14 * sum;
                *p++ = (uint8_t)lround(fmin(fmax(code, 0), 255));
            }
    return picture;
}
