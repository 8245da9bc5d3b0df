#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "train/trainer_internal.h"

// Of the equivariance loss.
#define WARPS      3     // stream of random numbers; 1 and 2 are the pools'
#define WARP_SHIFT 8     // pixels, at most
#define WARP_ZOOM  0.04f // in natural logarithms, at most

static cgv_adam_hyper hyper_at(const cgv_trainer_params *p, int64_t step, float lr) {
    // In double: 1 - beta2^t has few digits to lose in the first steps.
    double t = (double)step;
    return (cgv_adam_hyper){
        .step_size = (float)(lr / (1 - pow(p->beta1, t))),
        .sqrt_correction = (float)sqrt(1 - pow(p->beta2, t)),
        .beta1 = p->beta1,
        .beta2 = p->beta2,
        .epsilon = p->epsilon,
        .average_decay = p->average_decay,
    };
}

// Run a list on one batch of pictures.
static cgv_status submit(cgv_trainer *t, cgv_cmd *cmd, const float *a, const float *b,
                         const float *scenes) {
    uint64_t bytes = cgv_tensor_bytes(t->a);
    memcpy(t->staging.host, a, bytes);
    memcpy((char *)t->staging.host + bytes, b, bytes);
    if (scenes)
        memcpy((char *)t->staging.host + 2 * bytes, scenes, cgv_tensor_bytes(t->scenes));
    cgv_status status = cgv_cmd_submit(cmd);
    return status ? status : cgv_cmd_wait(cmd);
}

cgv_status cgv_trainer_view(cgv_trainer *t, const float *a, const float *b) {
    return submit(t, t->view, a, b, NULL);
}

void cgv_trainer_draw_warps(cgv_warp_map *maps, int count, int64_t batch) {
    cgv_rng rng;
    cgv_rng_seed(&rng, (uint64_t)batch, WARPS);
    for (int i = 0; i < count; i++) {
        float zoom = expf(WARP_ZOOM * (2 * cgv_rng_float(&rng) - 1));
        maps[i] = (cgv_warp_map){.m = {zoom, 0, 0, zoom}};
        for (int axis = 0; axis < 2; axis++)
            maps[i].t[axis] = WARP_SHIFT * (2 * cgv_rng_float(&rng) - 1);
    }
}

static int part_of(const cgv_trainer_params *p, int batch) {
    return (batch == 0 ? FIRST : 0) | (batch == p->accumulate - 1 ? LAST : 0);
}

cgv_status cgv_trainer_step(cgv_trainer *t, cgv_losses *losses, const float *a, const float *b,
                            const float *scenes, float lr_g, float lr_d) {
    size_t count = cgv_tensor_bytes(t->a) / sizeof(float);
    if (t->scenes.address && !scenes)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "a step with a loss of nights or windows needs the masks of A");
    cgv_adam_hyper *hyper = t->hyper.host;
    hyper[0] = hyper_at(&t->params, t->steps + 1, lr_g);
    hyper[1] = hyper_at(&t->params, t->steps + 1, lr_d);
    for (int i = 0; i < t->params.accumulate; i++) {
        cgv_pool_draw(&t->pool_b);
        cgv_pool_draw(&t->pool_a);
        if (t->params.equivariance > 0)
            cgv_trainer_draw_warps(t->maps.host, t->params.batch,
                                   t->steps * t->params.accumulate + i);
        const float *scene = t->scenes.address ? scenes + (size_t)i * count : NULL;
        cgv_status status = submit(t, t->cmds[part_of(&t->params, i)], a + (size_t)i * count,
                                   b + (size_t)i * count, scene);
        if (status)
            return status;
    }
    t->steps++;
    memcpy(losses, t->losses.host, sizeof *losses);
    const float *values = (const float *)losses;
    for (size_t i = 0; i < sizeof *losses / sizeof *values; i++)
        if (!isfinite(values[i]))
            return cgv_fail(CGV_ERROR_NUMERIC, "step %lld: a loss is NaN or infinite",
                            (long long)t->steps);
    return CGV_OK;
}

// ---- setting up ----

static cgv_status create_state(cgv_net_state *state, cgv_device *device, const cgv_model *model,
                               bool average) {
    uint64_t bytes = model->net->param_floats * sizeof(float);
    cgv_buffer *zeroed[] = {&state->grads, &state->m, &state->v};
    state->model = model;
    cgv_status status = cgv_params_create(&state->params, device, model->net, model->params);
    for (int i = 0; i < 3 && !status; i++)
        status = cgv_buffer_create(zeroed[i], device, bytes, CGV_MEMORY_DEVICE, "optimizer state");
    if (!status && average)
        status = cgv_buffer_create(&state->average, device, bytes, CGV_MEMORY_DEVICE,
                                   "averaged weights");
    if (!status && average)
        status = cgv_buffer_write(&state->average, 0, model->params, bytes);
    return status;
}

static cgv_status create_nets(cgv_trainer *t, const cgv_model *const models[CGV_NETS]) {
    cgv_plan_params shape = {.n = t->params.batch,
                             .h = t->params.height,
                             .w = t->params.width,
                             .external_input = true,
                             .train = true,
                             .kernels = t->params.kernels};
    cgv_status status = CGV_OK;
    for (int i = 0; i < CGV_NETS && !status; i++) {
        if (!models[i])
            continue;
        bool average = t->params.average_decay > 0 && (i == CGV_G_A || i == CGV_G_B);
        status = create_state(&t->nets[i], t->device, models[i], average);
        if (!status)
            status = cgv_plan_create(&t->plans[i], t->device, models[i]->net, &shape);
    }
    return status;
}

// The tape of a new application: its own, or with recompute the one that its network has.
static cgv_status find_tape(cgv_trainer *t, int net, cgv_tape **out) {
    int index = t->params.recompute ? net : t->tape_count++;
    *out = &t->tapes[index];
    return (*out)->block_count ? CGV_OK : cgv_tape_create(*out, t->plans[net]);
}

static cgv_status create_application(cgv_trainer *t, application *app, int net, bool keep) {
    app->net = net;
    cgv_status status = find_tape(t, net, &app->tape);
    if (status)
        return status;
    app->output = app->tape->output;
    if (t->params.recompute && keep) {
        status = cgv_buffer_create(&app->kept, t->device, cgv_tensor_bytes(app->output),
                                   CGV_MEMORY_DEVICE, "training pictures");
        app->output.address = app->kept.address;
    }
    return status;
}

static cgv_status create_applications(cgv_trainer *t) {
    const bool a_learns = cgv_trainer_learns(t, CGV_G_A), b_learns = cgv_trainer_learns(t, CGV_G_B);
    const struct {
        application *app;
        int net;
        bool keep; // its result is wanted after its tape has gone on
        bool wanted;
    } all[] = {
        {&t->fake_b, CGV_G_A, true, true},
        {&t->recovered_a, CGV_G_B, true, !t->params.paired},
        {&t->fake_a, CGV_G_B, true, !t->params.paired},
        {&t->recovered_b, CGV_G_A, true, !t->params.paired},
        {&t->judge_b, CGV_D_A, false, true},
        {&t->judge_a, CGV_D_B, false, !t->params.paired},
        {&t->same_b, CGV_G_A, false, t->params.identity > 0 && a_learns},
        {&t->same_a, CGV_G_B, false, t->params.identity > 0 && b_learns},
        {&t->moved_b, CGV_G_A, false, t->params.equivariance > 0 && a_learns},
        {&t->moved_a, CGV_G_B, false, t->params.equivariance > 0 && b_learns},
    };
    cgv_status status = CGV_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && !status; i++)
        if (all[i].wanted)
            status = create_application(t, all[i].app, all[i].net, all[i].keep);
    return status;
}

// A tensor shaped as `like` at `*offset` of a buffer, which moves on.
static cgv_tensor cut(const cgv_buffer *buffer, uint64_t *offset, cgv_tensor like) {
    like.address = buffer->address + *offset;
    *offset += (cgv_tensor_bytes(like) + 255) / 256 * 256;
    return like;
}

static cgv_status create_warps(cgv_trainer *t) {
    cgv_tensor picture = t->fake_b.output;
    uint64_t offset = 0, bytes = cgv_tensor_bytes(picture);
    if (t->params.equivariance == 0)
        return CGV_OK;
    cgv_status status = cgv_buffer_create(&t->warped, t->device, 2 * (bytes + 255),
                                          CGV_MEMORY_DEVICE, "warped pictures");
    if (!status)
        status = cgv_buffer_create(&t->maps, t->device, (uint64_t)picture.n * sizeof(cgv_warp_map),
                                   CGV_MEMORY_UPLOAD, "warps");
    if (status)
        return status;
    t->moved = cut(&t->warped, &offset, picture);
    t->target = cut(&t->warped, &offset, picture);
    return CGV_OK;
}

static bool needs_scenes(const cgv_trainer_params *params) {
    return params->night > 0 || params->windows > 0;
}

// What fakes should be, for the histogram, night and window losses, one after the other.
static cgv_status create_wanted(cgv_trainer *t) {
    bool matched = t->params.histogram > 0;
    cgv_tensor picture = t->fake_b.output;
    uint64_t offset = 0, bytes = cgv_tensor_bytes(picture) + 255;
    if (matched)
        bytes += cgv_histogram_scratch(picture, t->params.histogram_bands);
    if (!matched && !needs_scenes(&t->params))
        return CGV_OK;
    cgv_status status =
        cgv_buffer_create(&t->wanting, t->device, bytes, CGV_MEMORY_DEVICE, "wanted pictures");
    if (status)
        return status;
    t->wanted = cut(&t->wanting, &offset, picture);
    t->histograms = t->wanting.address + offset;
    return CGV_OK;
}

static cgv_status create_pairs(cgv_trainer *t) {
    if (!t->params.paired)
        return CGV_OK;
    cgv_tensor pair = t->fake_b.output;
    pair.c *= 2;
    uint64_t offset = 0, bytes = (cgv_tensor_bytes(pair) + 255) / 256 * 256;
    cgv_status status =
        cgv_buffer_create(&t->pairs, t->device, 3 * bytes, CGV_MEMORY_DEVICE, "pairs of pictures");
    if (status)
        return status;
    t->real_pair = cut(&t->pairs, &offset, pair);
    t->fake_pair = cut(&t->pairs, &offset, pair);
    t->d_pair = cut(&t->pairs, &offset, pair);
    return CGV_OK;
}

static cgv_status create_tensors(cgv_trainer *t) {
    cgv_tensor picture = t->fake_b.output, judgement = t->judge_b.output;
    uint64_t bytes = cgv_tensor_bytes(picture), offset = 0;
    uint64_t pictures = (needs_scenes(&t->params) ? 3 : 2) * bytes;
    cgv_device *device = t->device;
    cgv_status status =
        cgv_buffer_create(&t->staging, device, pictures, CGV_MEMORY_UPLOAD, "training pictures");
    if (!status)
        status = cgv_buffer_create(&t->pictures, device, pictures, CGV_MEMORY_DEVICE,
                                   "training pictures");
    uint64_t judgements = (cgv_tensor_bytes(judgement) + 255) / 256 * 256;
    uint64_t total = 4 * ((bytes + 255) / 256 * 256) + judgements + cgv_loss_scratch(picture) +
                     cgv_loss_scratch(judgement);
    if (!status)
        status = cgv_buffer_create(&t->gradients, device, total, CGV_MEMORY_DEVICE, "gradients");
    if (!status)
        status = cgv_buffer_create(&t->losses, device, sizeof(cgv_losses), CGV_MEMORY_READBACK,
                                   "losses");
    if (!status)
        status = cgv_buffer_create(&t->hyper, device, 2 * sizeof(cgv_adam_hyper), CGV_MEMORY_UPLOAD,
                                   "optimizer settings");
    if (status)
        return status;
    t->a = t->b = t->scenes = picture;
    t->a.address = t->pictures.address;
    t->b.address = t->pictures.address + bytes;
    t->scenes.address = needs_scenes(&t->params) ? t->pictures.address + 2 * bytes : 0;
    t->d_fake_b = cut(&t->gradients, &offset, picture);
    t->d_fake_a = cut(&t->gradients, &offset, picture);
    t->d_other = cut(&t->gradients, &offset, picture);
    t->d_cycle = cut(&t->gradients, &offset, picture);
    t->d_judgement = cut(&t->gradients, &offset, judgement);
    t->loss_scratch = t->gradients.address + offset;
    // Fakes that no discriminator learns from are not kept.
    int of_b = cgv_trainer_learns(t, CGV_D_A) ? t->params.pool : 0;
    int of_a = cgv_trainer_learns(t, CGV_D_B) ? t->params.pool : 0;
    status = cgv_pool_create(&t->pool_b, device, t->fake_b.output, of_b, t->params.seed, 1);
    if (!status)
        status = cgv_pool_create(&t->pool_a, device, t->fake_a.output, of_a, t->params.seed, 2);
    return status;
}

static void fill_zero(cgv_cmd *cmd, const cgv_buffer *buffer) {
    cgv_cmd_fill(cmd, buffer, 0, buffer->size, 0);
}

// Adam's moments start from zero.
static cgv_status zero_moments(cgv_trainer *t) {
    cgv_cmd *cmd = t->cmds[part_of(&t->params, 0)];
    cgv_cmd_begin(cmd);
    for (int i = 0; i < CGV_NETS; i++) {
        if (!t->nets[i].model)
            continue;
        fill_zero(cmd, &t->nets[i].m);
        fill_zero(cmd, &t->nets[i].v);
    }
    return cgv_cmd_run(cmd);
}

static cgv_status record_parts(cgv_trainer *t) {
    cgv_status status = CGV_OK;
    for (int i = 0; i < t->params.accumulate && !status; i++) {
        int part = part_of(&t->params, i);
        if (!t->cmds[part])
            status = cgv_cmd_create(&t->cmds[part], t->device, t->params.profile);
    }
    if (!status)
        status = zero_moments(t);
    for (int part = 0; part < PARTS && !status; part++) {
        if (!t->cmds[part])
            continue;
        cgv_cmd_begin(t->cmds[part]);
        cgv_trainer_record_step(t, t->cmds[part], part);
        status = cgv_cmd_end(t->cmds[part]);
    }
    if (!status)
        status = cgv_cmd_create(&t->view, t->device, false);
    if (status)
        return status;
    cgv_cmd_begin(t->view);
    cgv_trainer_record_view(t, t->view);
    return cgv_cmd_end(t->view);
}

static cgv_status check(const cgv_model *const models[CGV_NETS], const cgv_trainer_params *p) {
    for (int i = 0; i < CGV_NETS; i++) {
        bool generator = i == CGV_G_A || i == CGV_G_B;
        int outputs = generator ? 3 : 1, inputs = p->paired && !generator ? 6 : 3;
        if (p->paired && (i == CGV_G_B || i == CGV_D_B)) {
            if (models[i])
                return cgv_fail(CGV_ERROR_ARGUMENT,
                                "a paired training has one generator and one discriminator");
            continue;
        }
        if (models[i]->info.input_channels != inputs || models[i]->info.output_channels != outputs)
            return cgv_fail(CGV_ERROR_ARGUMENT, "%s cannot serve as a %s",
                            models[i]->info.architecture,
                            outputs == 3 ? "generator" : "discriminator");
    }
    if (p->profile && p->accumulate != 1)
        return cgv_fail(CGV_ERROR_ARGUMENT, "only a step of one batch can be timed");
    if (p->paired &&
        (p->lambda_a > 0 || p->lambda_b > 0 || p->identity > 0 || p->equivariance > 0 ||
         p->histogram > 0 || needs_scenes(p) || p->frozen || p->pool > 0))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "a paired training has no cycles, no pool, no frozen generator and no "
                        "losses of identity, equivariance, histograms, nights or windows");
    if (p->frozen == CGV_FROZEN_G_A && needs_scenes(p))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "losses of nights or windows are G_A's, which is frozen");
    if (p->batch < 1 || p->accumulate < 1 || p->pool < 0 || p->lambda_a < 0 || p->lambda_b < 0 ||
        p->identity < 0 || p->equivariance < 0 || p->histogram < 0 || p->night < 0 ||
        p->windows < 0 || (p->night > 0 && !(p->night_light >= 0 && p->night_light <= 1)) ||
        (needs_scenes(p) && !(p->night_most >= 0 && p->night_most <= 1 && p->night_gamma > 0 &&
                              isfinite(p->night_gamma))) ||
        (p->histogram > 0 &&
         (p->histogram_bands < 1 || !(p->histogram_chroma >= 0 && p->histogram_chroma <= 1))) ||
        p->lambda_l1 < 0)
        return cgv_fail(CGV_ERROR_ARGUMENT, "training: a setting is out of range");
    return CGV_OK;
}

cgv_status cgv_trainer_create(cgv_trainer **out, cgv_device *device,
                              const cgv_model *const models[CGV_NETS],
                              const cgv_trainer_params *params) {
    static const cgv_trainer_params defaults = CGV_TRAINER_DEFAULTS;
    *out = NULL;
    if (!params)
        params = &defaults;
    cgv_status status = check(models, params);
    if (status)
        return status;
    cgv_trainer *t = *out = calloc(1, sizeof *t);
    if (!t)
        return cgv_fail(CGV_ERROR_MEMORY, "training: out of memory");
    t->device = device;
    t->params = *params;
    status = create_nets(t, models);
    if (!status)
        status = create_applications(t);
    if (!status)
        status = create_tensors(t);
    if (!status)
        status = create_pairs(t);
    if (!status)
        status = create_warps(t);
    if (!status)
        status = create_wanted(t);
    if (!status)
        status = record_parts(t);
    if (status)
        cgv_trainer_destroy(out);
    return status;
}

void cgv_trainer_destroy(cgv_trainer **out) {
    if (!out || !*out)
        return;
    cgv_trainer *t = *out;
    *out = NULL;
    for (int i = 0; i < PARTS; i++)
        cgv_cmd_destroy(&t->cmds[i]); // waits
    cgv_cmd_destroy(&t->view);
    cgv_pool_destroy(&t->pool_b);
    cgv_pool_destroy(&t->pool_a);
    cgv_buffer *buffers[] = {&t->staging, &t->pictures, &t->gradients, &t->losses, &t->hyper,
                             &t->warped,  &t->maps,     &t->pairs,     &t->wanting};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        cgv_buffer_destroy(buffers[i]);
    application *apps[] = {&t->fake_b, &t->recovered_a, &t->fake_a, &t->recovered_b};
    for (size_t i = 0; i < sizeof apps / sizeof *apps; i++)
        cgv_buffer_destroy(&apps[i]->kept);
    for (int i = 0; i < MAX_TAPES; i++)
        cgv_tape_destroy(&t->tapes[i]);
    for (int i = 0; i < CGV_NETS; i++) {
        cgv_net_state *state = &t->nets[i];
        cgv_plan_destroy(&t->plans[i]);
        cgv_params_destroy(&state->params);
        cgv_buffer_destroy(&state->grads);
        cgv_buffer_destroy(&state->m);
        cgv_buffer_destroy(&state->v);
        cgv_buffer_destroy(&state->average);
    }
    free(t);
}

int64_t cgv_trainer_steps(const cgv_trainer *t) {
    return t->steps;
}

void cgv_trainer_set_steps(cgv_trainer *t, int64_t steps) {
    t->steps = steps;
}

const cgv_trainer_params *cgv_trainer_settings(const cgv_trainer *t) {
    return &t->params;
}

cgv_pool *cgv_trainer_pool(const cgv_trainer *t, int generator) {
    return (cgv_pool *)(generator == CGV_G_A ? &t->pool_b : &t->pool_a);
}

const cgv_net_state *cgv_trainer_net(const cgv_trainer *t, int net) {
    return &t->nets[net];
}

cgv_trainer_pictures cgv_trainer_last(const cgv_trainer *t) {
    return (cgv_trainer_pictures){
        .a = t->a,
        .fake_b = t->fake_b.output,
        .recovered_a = t->recovered_a.output,
        .b = t->b,
        .fake_a = t->fake_a.output,
        .recovered_b = t->recovered_b.output,
    };
}

cgv_status cgv_trainer_read(const cgv_trainer *t, float *out, cgv_tensor picture) {
    cgv_buffer readback;
    cgv_cmd *cmd = NULL;
    uint64_t bytes = cgv_tensor_bytes(picture);
    cgv_status status =
        cgv_buffer_create(&readback, t->device, bytes, CGV_MEMORY_READBACK, "training pictures");
    if (!status)
        status = cgv_cmd_create(&cmd, t->device, false);
    if (!status) {
        cgv_tensor copy = picture;
        copy.address = readback.address;
        cgv_cmd_begin(cmd);
        cgv_activation_apply(cmd, copy, picture, CGV_ACT_NONE, 0);
        status = cgv_cmd_run(cmd);
    }
    if (!status)
        memcpy(out, readback.host, bytes);
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&readback);
    return status;
}

cgv_status cgv_trainer_profile(cgv_trainer *t, const cgv_profile_entry **entries, int *count) {
    return cgv_cmd_profile(t->cmds[FIRST | LAST], entries, count);
}

uint64_t cgv_trainer_bytes(const cgv_trainer *t) {
    const application *apps[] = {&t->fake_b, &t->recovered_a, &t->fake_a, &t->recovered_b};
    const cgv_pool *pools[] = {&t->pool_a, &t->pool_b};
    uint64_t bytes = t->staging.size + t->pictures.size + t->gradients.size + t->losses.size +
                     t->hyper.size + t->warped.size + t->maps.size + t->pairs.size +
                     t->wanting.size;
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
        bytes += pools[i]->pictures.size + pools[i]->shown.size + pools[i]->choices.size;
    for (size_t i = 0; i < sizeof apps / sizeof *apps; i++)
        bytes += apps[i]->kept.size;
    for (int i = 0; i < MAX_TAPES; i++)
        bytes += cgv_tape_bytes(&t->tapes[i]);
    for (int i = 0; i < CGV_NETS; i++)
        bytes += !t->plans[i] ? 0
                              : cgv_plan_bytes(t->plans[i]) + t->nets[i].average.size +
                                    4 * t->nets[i].params.values.size;
    return bytes;
}
