// One training step on the device.
//
// Unpaired: both generators and both discriminators. Source: Zhu, Park, Isola, Efros 2017,
// CycleGAN, arXiv:1703.10593. Names as in PyTorch checkpoints: G_A maps A to B, G_B maps B to A,
// D_A judges pictures of domain B (the paper's D_Y), D_B those of A.
//
// Paired: G_A maps A to B, and D_A, whose input has 6 channels, judges whether a picture of B is
// the one that belongs to that of A. Source: Isola, Zhu, Zhou, Efros 2017, pix2pix,
// arXiv:1611.07004.
#ifndef CGV_TRAIN_TRAINER_H
#define CGV_TRAIN_TRAINER_H

#include "base/rng.h"
#include "model/model.h"
#include "nn/plan.h"

enum { CGV_G_A, CGV_G_B, CGV_D_A, CGV_D_B, CGV_NETS };

typedef enum cgv_gan_mode {
    CGV_GAN_LSGAN,   // least squares (Mao et al. 2017), labels 1 and 0
    CGV_GAN_VANILLA, // the log loss; the generator maximises log D (non-saturating)
    CGV_GAN_HINGE,   // Lim, Ye 2017
} cgv_gan_mode;

// A generator that keeps its weights while the other one learns the way back from it. Nothing of
// its own is computed then: no loss of its fakes, no discriminator of them.
typedef enum cgv_frozen {
    CGV_FROZEN_NONE,
    CGV_FROZEN_G_A, // night and windows, losses of A -> B, must be 0
    CGV_FROZEN_G_B,
} cgv_frozen;

typedef struct cgv_trainer_params {
    int batch, height, width;
    int accumulate; // batches of which the gradients are added up for one step
    bool recompute; // run the generators twice to keep fewer activations: see trainer.c
    cgv_gan_mode gan;
    cgv_frozen frozen;
    float lambda_a, lambda_b; // weights of the cycles A -> B -> A and B -> A -> B
    float identity;           // weight of the identity losses, relative to the lambdas; 0: none
    float equivariance;       // weight of the equivariance losses; 0: none
    float histogram;          // weight of the histogram losses; 0: none
    float night;              // weight of the night loss of A -> B (ops/grad.h); 0: none
    // Of night and windows (light: of night alone): cgv_night_ground. most and light: 0 to 1.
    float night_gamma, night_most, night_light;
    float windows;          // weight of the loss that lights windows of A -> B; 0: none
    int histogram_bands;    // of rows, which have histograms of their own
    float histogram_chroma; // how much of them is of colours too: 0 to 1
    // Pictures come in pairs. lambda_l1: weight of their difference; the lambdas, identity,
    // equivariance, histogram, night, windows, frozen and pool are not for pairs and must be 0.
    bool paired;
    float lambda_l1;
    int pool; // past fakes a direction that the discriminators also see; 0: none
    float beta1, beta2, epsilon;
    float average_decay; // of the exponential moving average of the generators; 0: none is kept
    uint64_t seed;       // of the pool's choices
    bool profile;        // time every command, for cgv_trainer_profile
    cgv_kernels kernels; // direct sums all: the bytes are the same
    // The pictures are scaled down to what they show, not cut out of larger ones: exported models
    // say their size, at which they see footage as they learned it.
    bool scaled_pictures;
} cgv_trainer_params;

#define CGV_TRAINER_DEFAULTS                                                                       \
    ((cgv_trainer_params){.batch = 1,                                                              \
                          .accumulate = 1,                                                         \
                          .height = 256,                                                           \
                          .width = 256,                                                            \
                          .lambda_a = 10,                                                          \
                          .lambda_b = 10,                                                          \
                          .identity = 0.5f,                                                        \
                          .histogram_bands = 1,                                                    \
                          .histogram_chroma = 1,                                                   \
                          .night_light = 0.5f,                                                     \
                          .night_gamma = 1,                                                        \
                          .night_most = 1,                                                         \
                          .pool = 50,                                                              \
                          .beta1 = 0.5f,                                                           \
                          .beta2 = 0.999f,                                                         \
                          .epsilon = 1e-8f})

#define CGV_TRAINER_PAIRED_DEFAULTS                                                                \
    ((cgv_trainer_params){.batch = 1,                                                              \
                          .accumulate = 1,                                                         \
                          .height = 256,                                                           \
                          .width = 256,                                                            \
                          .gan = CGV_GAN_VANILLA,                                                  \
                          .paired = true,                                                          \
                          .lambda_l1 = 100,                                                        \
                          .beta1 = 0.5f,                                                           \
                          .beta2 = 0.999f,                                                         \
                          .epsilon = 1e-8f})

// Adversarial terms unweighted, cycle and identity terms weighted, discriminators' halved.
typedef struct cgv_losses {
    float g_a, g_b, cycle_a, cycle_b, identity_a, identity_b, d_a, d_b;
    float equivariance_a, equivariance_b, histogram_a, histogram_b, night_a; // weighted
    float windows_a;                                                         // weighted
    float l1_a;                                                              // weighted; of pairs
} cgv_losses;

// What Adam and the moving average keep beside the weights of one network.
typedef struct cgv_net_state {
    const cgv_model
        *model; // its net; the weights in it are the initial ones. NULL: no such network
    cgv_params params;
    cgv_buffer grads, m, v, average; // as params.values; average: generators with average_decay
} cgv_net_state;

typedef struct cgv_trainer cgv_trainer;

// models: G_A, G_B, D_A, D_B in this order, with initial weights, of a paired training G_B and D_B
// NULL; they and the device must outlive the trainer.
CGV_NODISCARD cgv_status cgv_trainer_create(cgv_trainer **out, cgv_device *device,
                                            const cgv_model *const models[CGV_NETS],
                                            const cgv_trainer_params *params);
void cgv_trainer_destroy(cgv_trainer **trainer);

// One step on pictures of each domain, [accumulate, batch, 3, height, width] in [-1, 1], with the
// learning rates of the generators' and the discriminators' optimizers. scenes: of a, [accumulate,
// batch, 3, height, width], as cgv_dataset_next gives them; only with params.night or
// windows, else NULL.
// CGV_ERROR_NUMERIC when a loss is NaN or infinite: the weights are then spoilt.
CGV_NODISCARD cgv_status cgv_trainer_step(cgv_trainer *trainer, cgv_losses *losses, const float *a,
                                          const float *b, const float *scenes, float lr_g,
                                          float lr_d);

// Steps taken.
int64_t cgv_trainer_steps(const cgv_trainer *trainer);
const cgv_trainer_params *cgv_trainer_settings(const cgv_trainer *trainer);

// The networks' state, valid as long as the trainer.
const cgv_net_state *cgv_trainer_net(const cgv_trainer *trainer, int net);

// Only look: run the generators, as they are exported (averaged where averages are kept), over a
// batch from each domain, for cgv_trainer_last. Leaves all that training depends on as it is.
CGV_NODISCARD cgv_status cgv_trainer_view(cgv_trainer *trainer, const float *a, const float *b);

// Pictures of the last step or view, [batch, 3, height, width], on the device. Of a paired training
// a, fake_b and b.
typedef struct cgv_trainer_pictures {
    cgv_tensor a, fake_b, recovered_a, b, fake_a, recovered_b;
} cgv_trainer_pictures;
cgv_trainer_pictures cgv_trainer_last(const cgv_trainer *trainer);

// Read one of them into host memory of cgv_tensor_bytes.
CGV_NODISCARD cgv_status cgv_trainer_read(const cgv_trainer *trainer, float *out,
                                          cgv_tensor picture);

// Times of the last step's commands; needs params.profile. As cgv_cmd_profile.
CGV_NODISCARD cgv_status cgv_trainer_profile(cgv_trainer *trainer,
                                             const cgv_profile_entry **entries, int *count);

// What steps change besides the networks, for checkpoints: the pools of fakes of CGV_G_A and
// CGV_G_B (train/pool.h), and the number of steps.
struct cgv_pool *cgv_trainer_pool(const cgv_trainer *trainer, int generator);
void cgv_trainer_set_steps(cgv_trainer *trainer, int64_t steps);

// Device memory in use.
uint64_t cgv_trainer_bytes(const cgv_trainer *trainer);

#endif
