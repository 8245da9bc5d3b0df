// Checkpoints: all that a run needs to go on as if it had never stopped, byte for byte. One
// .safetensors file holds weights, Adam's moments, averages and the pools' pictures; its metadata
// hold the step, the pools' random numbers, the settings, and a checksum of the numbers.
//
// Tensors: G_A/NAME (weights), G_A/adam_m/NAME, G_A/adam_v/NAME, G_A/average/NAME, with PyTorch's
// names and shapes; pool_B/pictures [filled, 3, h, w] holds past fakes of domain B.
#ifndef CGV_TRAIN_CHECKPOINT_H
#define CGV_TRAIN_CHECKPOINT_H

#include "train/trainer.h"

// "G_A", "G_B", "D_A", "D_B".
extern const char *const cgv_net_names[CGV_NETS];

// extra: the caller's own state, any UTF-8 text, NULL: none. The file appears whole or not at all:
// whatever fails, earlier checkpoints stay as they are. Its folder must exist. CGV_ERROR_NUMERIC
// when a number is NaN or infinite.
CGV_NODISCARD cgv_status cgv_checkpoint_save(const cgv_trainer *trainer, const char *path,
                                             const char *extra);

// Into a trainer made with the same networks and settings (its seed and initial weights do not
// matter). *extra: malloc'ed, "" where none was saved; extra NULL: not wanted.
// CGV_ERROR_FORMAT when the file is damaged or no checkpoint, CGV_ERROR_ARGUMENT when it is of
// other networks or settings: the trainer is then unchanged. After any other failure it is spoilt.
CGV_NODISCARD cgv_status cgv_checkpoint_load(cgv_trainer *trainer, const char *path, char **extra);

// Network `net` of a checkpoint, recognised as that of a model file is.
CGV_NODISCARD cgv_status cgv_checkpoint_net(cgv_net **out, const char *path, int net);

// Is the file a whole checkpoint? CGV_ERROR_FORMAT when it is not.
CGV_NODISCARD cgv_status cgv_checkpoint_verify(const char *path);

// DIR/step_00001000.safetensors (malloc'ed), NULL when out of memory.
char *cgv_checkpoint_path(const char *dir, int64_t step);

// The newest checkpoint of a folder that is whole (malloc'ed): damaged ones are skipped with a
// warning. CGV_END when the folder holds no checkpoint at all, which is no error;
// CGV_ERROR_FORMAT when all are damaged. Where one cannot be read nobody knows, and nothing is
// skipped.
CGV_NODISCARD cgv_status cgv_checkpoint_latest(char **path, const char *dir);

// After the checkpoint of `step` was saved: keep it and the keep - 1 before it, delete older ones;
// also those of later steps, which a run that was resumed from before them left behind, and what
// interrupted runs left half written. keep < 1 keeps all up to `step`.
CGV_NODISCARD cgv_status cgv_checkpoint_rotate(const char *dir, int64_t step, int keep);

// Write a network as a model file. averaged: the moving average of its weights where the trainer
// keeps one, else the weights themselves.
CGV_NODISCARD cgv_status cgv_trainer_export(const cgv_trainer *trainer, int net, const char *path,
                                            bool averaged);

#endif
