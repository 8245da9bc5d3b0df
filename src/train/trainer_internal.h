// What training keeps, shared by trainer.c, which sets it up and runs it, and step.c, which records
// the step.
#ifndef CGV_TRAIN_TRAINER_INTERNAL_H
#define CGV_TRAIN_TRAINER_INTERNAL_H

#include "ops/grad.h"
#include "train/pool.h"
#include "train/trainer.h"

// One application of a network within the step, with its activations and its result. With
// params.recompute the applications of a network share one tape, and keep their results apart.
typedef struct application {
    int net;
    cgv_tape *tape;
    cgv_tensor output;
    cgv_buffer kept; // recompute: the memory of `output`
} application;

#define MAX_TAPES 10

// A step is `accumulate` batches: the first one starts from zero gradients, the last one updates.
enum { FIRST = 1, LAST = 2, PARTS = 4 };

struct cgv_trainer {
    cgv_device *device;
    cgv_trainer_params params;
    cgv_net_state nets[CGV_NETS];
    cgv_plan *plans[CGV_NETS];
    cgv_tape tapes[MAX_TAPES];
    int tape_count;

    // G_A: A -> B. fake_b = G_A(a), recovered_a = G_B(fake_b), and the other way round.
    application fake_b, recovered_a, fake_a, recovered_b;
    application same_b, same_a;   // identities G_A(b), G_B(a); only with params.identity
    application moved_b, moved_a; // of warped pictures; only with params.equivariance
    application judge_b, judge_a; // D_A, D_B: each is done with one picture before the next

    cgv_buffer staging, pictures;           // a and b: as the host wrote them, and for the shaders
    cgv_tensor a, b, scenes;                // scenes: of a; for night and windows
    cgv_buffer gradients;                   // of pictures and predictions, cut up below
    cgv_tensor d_fake_b, d_fake_a, d_other; // of the fakes; d_other: any other picture
    cgv_tensor d_cycle;                     // of a fake, as far as the cycle goes
    cgv_tensor d_judgement;
    uint64_t loss_scratch;
    cgv_tensor real_pair, fake_pair, d_pair; // paired: a with b, a with fake_b, and their gradient
    cgv_buffer pairs;                        // their memory
    cgv_tensor moved, target; // equivariance: a warped picture, and what should come of it
    cgv_buffer warped;        // their memory
    cgv_buffer maps;          // cgv_warp_map of every picture of a batch, drawn for every batch
    cgv_tensor wanted;        // histogram, night, windows: what a fake should be
    uint64_t histograms;
    cgv_buffer wanting; // their memory
    cgv_buffer losses;  // a cgv_losses
    cgv_buffer hyper;   // cgv_adam_hyper of generators and discriminators
    cgv_pool pool_b, pool_a;
    cgv_cmd *cmds[PARTS]; // by FIRST and LAST; NULL where accumulate does not need it
    cgv_cmd *view;
    int64_t steps;
};

// The warps of the batch of this number: small movements as between frames of a video, and their
// inverses as often. From the number alone: a resumed run draws the same.
void cgv_trainer_draw_warps(cgv_warp_map *maps, int count, int64_t batch);

// Whether the weights of a network change: those of a frozen generator do not, nor does a
// discriminator that has nobody to tell.
bool cgv_trainer_learns(const cgv_trainer *trainer, int net);

void cgv_trainer_record_step(cgv_trainer *trainer, cgv_cmd *cmd, int part);
void cgv_trainer_record_view(cgv_trainer *trainer, cgv_cmd *cmd);

#endif
