// A whole training in small: four networks with weights, and pictures of both domains.
#ifndef CGV_TESTS_GAME_H
#define CGV_TESTS_GAME_H

#include "base/rng.h"
#include "reference.h"
#include "train/trainer.h"

typedef struct game {
    cgv_model *models[CGV_NETS];
    cgv_trainer_params params;
    ref_shape shape; // of the pictures of one step: params.accumulate batches
    float *a, *b;
} game;

// The defaults, for pictures so small that differences of the whole game are quick.
cgv_trainer_params game_small(void);

// Weights and pictures by chance. `tiny`: the least of networks; else a ResNet generator of one
// block and a PatchGAN. The functions of this file end the test where something fails.
game game_create(cgv_rng *rng, const cgv_trainer_params *params, bool tiny);
void game_destroy(game *g);

cgv_trainer *game_trainer(const game *g, cgv_device *device);

// One step with all of the game's pictures.
cgv_losses game_step(cgv_trainer *trainer, const game *g, float lr_g, float lr_d);

// What a buffer of the device holds; free() it.
float *game_read(const cgv_buffer *buffer, size_t count);

#endif
