#include "game.h"

#include <stdlib.h>

#include "model/model.h"
#include "nn/arch.h"
#include "numbers.h"
#include "support.h"

static cgv_model *model_of(cgv_rng *rng, cgv_net *net, float deviation) {
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "built in"), CGV_OK);
    for (size_t i = 0; i < net->param_floats; i++)
        model->params[i] = deviation * cgv_rng_normal(rng);
    return model;
}

// The least of a generator: its only step takes doutput and gives dinput.
static cgv_model *tiny_generator(cgv_rng *rng) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "tiny generator", 3), CGV_OK);
    int x = cgv_net_conv(net, 0, "c", &(cgv_conv_desc){.channels = 3, .kernel = 3, .pad = 1});
    cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    return model_of(rng, net, 0.3f);
}

static cgv_model *tiny_discriminator(cgv_rng *rng) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "tiny discriminator", 3), CGV_OK);
    int x = cgv_net_conv(net, 0, "c",
                         &(cgv_conv_desc){.channels = 2, .kernel = 4, .stride = 2, .pad = 1});
    x = cgv_net_activation(net, x, CGV_ACT_LEAKY_RELU, 0.2f);
    cgv_net_conv(net, x, "d", &(cgv_conv_desc){.channels = 1, .kernel = 3, .pad = 1});
    return model_of(rng, net, 0.3f);
}

static float *pictures(cgv_rng *rng, ref_shape shape) {
    float *data = numbers_allocate(ref_count(shape), sizeof *data);
    for (size_t i = 0; i < ref_count(shape); i++)
        data[i] = 2 * cgv_rng_float(rng) - 1;
    return data;
}

game game_create(cgv_rng *rng, const cgv_trainer_params *params, bool tiny) {
    game g = {.params = *params,
              .shape = {params->accumulate * params->batch, 3, params->height, params->width}};
    for (int i = 0; i < CGV_NETS; i++) {
        bool generator = i == CGV_G_A || i == CGV_G_B;
        cgv_net *net;
        if (tiny) {
            g.models[i] = generator ? tiny_generator(rng) : tiny_discriminator(rng);
            continue;
        }
        cgv_arch_options options = {
            .name = generator ? "resnet_1blocks" : "patchgan", .ngf = 4, .ndf = 4, .layers = 1};
        CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
        g.models[i] = model_of(rng, net, 0.05f);
    }
    g.a = pictures(rng, g.shape);
    g.b = pictures(rng, g.shape);
    return g;
}

void game_destroy(game *g) {
    for (int i = 0; i < CGV_NETS; i++)
        cgv_model_destroy(&g->models[i]);
    free(g->a);
    free(g->b);
}

cgv_trainer *game_trainer(const game *g, cgv_device *device) {
    cgv_trainer *trainer;
    CU_ASSERT_EQUAL_FATAL(
        cgv_trainer_create(&trainer, device, (const cgv_model *const *)g->models, &g->params),
        CGV_OK);
    return trainer;
}

cgv_losses game_step(cgv_trainer *trainer, const game *g, float lr_g, float lr_d) {
    cgv_losses losses;
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_step(trainer, &losses, g->a, g->b, NULL, lr_g, lr_d), CGV_OK);
    return losses;
}

float *game_read(const cgv_buffer *buffer, size_t count) {
    float *data = numbers_allocate(count, sizeof *data);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(buffer, 0, data, count * sizeof *data), CGV_OK);
    return data;
}

cgv_trainer_params game_small(void) {
    cgv_trainer_params p = CGV_TRAINER_DEFAULTS;
    p.height = 6;
    p.width = 8;
    return p;
}
