#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ops/grad.h"
#include "train/pool.h"

// One application of a network within the step, with its activations and its result. With
// params.recompute the applications of a network share one tape, and keep their results apart.
typedef struct application {
    int net;
    cgv_tape *tape;
    cgv_tensor output;
    cgv_buffer kept; // recompute: the memory of `output`
} application;

#define MAX_TAPES 8

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
    application judge_b, judge_a; // D_A, D_B: each is done with one picture before the next

    cgv_buffer staging, pictures; // a and b: as the host wrote them, and for the shaders
    cgv_tensor a, b;
    cgv_buffer gradients;                   // of pictures and predictions, cut up below
    cgv_tensor d_fake_b, d_fake_a, d_other; // of the fakes; d_other: any other picture
    cgv_tensor d_cycle;                     // of a fake, as far as the cycle goes
    cgv_tensor d_judgement;
    uint64_t loss_scratch;
    cgv_buffer losses; // a cgv_losses
    cgv_buffer hyper;  // cgv_adam_hyper of generators and discriminators
    cgv_pool pool_b, pool_a;
    cgv_cmd *cmds[PARTS]; // by FIRST and LAST; NULL where accumulate does not need it
    cgv_cmd *view;
    int64_t steps;
};

static void fill_zero(cgv_cmd *cmd, const cgv_buffer *buffer) {
    cgv_cmd_fill(cmd, buffer, 0, buffer->size, 0);
}

// ---- the step ----

static void forward(cgv_trainer *t, cgv_cmd *cmd, application *app, cgv_tensor input) {
    cgv_tape_bind(app->tape, input);
    cgv_plan_record(t->plans[app->net], cmd, &t->nets[app->net].params, app->tape);
    if (app->output.address != app->tape->output.address)
        cgv_activation_apply(cmd, app->output, app->tape->output, CGV_ACT_NONE, 0);
}

// Before the backward pass of an application whose tape has served others since.
static void recompute(cgv_trainer *t, cgv_cmd *cmd, application *app, cgv_tensor input) {
    if (t->params.recompute)
        forward(t, cmd, app, input);
}

// Gradients of the parameters are wanted of a network that learns, and of its input where
// d_input has an address. d_output is overwritten.
static void backward(cgv_trainer *t, cgv_cmd *cmd, const application *app, bool learns,
                     cgv_tensor d_output, cgv_tensor d_input) {
    cgv_net_state *net = &t->nets[app->net];
    cgv_plan_record_backward(t->plans[app->net], cmd, &net->params, learns ? &net->grads : NULL,
                             app->tape, d_output, d_input);
}

static const cgv_tensor nothing;

static uint64_t loss_address(const cgv_trainer *t, size_t offset) {
    return t->losses.address + offset;
}
#define LOSS(name) loss_address(t, offsetof(cgv_losses, name))

// The loss of a judgement that should say `real`, and its gradient in d_judgement.
static void judge_loss(cgv_trainer *t, cgv_cmd *cmd, cgv_tensor judgement, bool real,
                       bool generator, uint64_t value) {
    cgv_loss_params loss = {.weight = (generator ? 1 : 0.5f) / (float)t->params.accumulate,
                            .value = value};
    switch (t->params.gan) {
    case CGV_GAN_LSGAN:
        loss.kind = CGV_LOSS_SQUARED;
        loss.target = real;
        break;
    case CGV_GAN_VANILLA:
        loss.kind = CGV_LOSS_BCE;
        loss.target = real;
        break;
    case CGV_GAN_HINGE:
        loss.kind = generator ? CGV_LOSS_LINEAR : CGV_LOSS_HINGE;
        loss.target = real ? 1 : -1;
        break;
    }
    cgv_loss(cmd, t->d_judgement, judgement, nothing, t->loss_scratch, &loss);
}

// weight * mean |picture - original|; its gradient in d_other.
static void picture_loss(cgv_trainer *t, cgv_cmd *cmd, cgv_tensor picture, cgv_tensor original,
                         float weight, uint64_t value) {
    cgv_loss(cmd, t->d_other, picture, original, t->loss_scratch,
             &(cgv_loss_params){.kind = CGV_LOSS_L1,
                                .weight = weight / (float)t->params.accumulate,
                                .value = value});
}

// A discriminator learns from a real picture and a fake one.
static void discriminate(cgv_trainer *t, cgv_cmd *cmd, application *judge, cgv_tensor real,
                         cgv_tensor fake, uint64_t value) {
    forward(t, cmd, judge, real);
    judge_loss(t, cmd, judge->output, true, false, value);
    backward(t, cmd, judge, true, t->d_judgement, nothing);
    forward(t, cmd, judge, fake);
    judge_loss(t, cmd, judge->output, false, false, value);
    backward(t, cmd, judge, true, t->d_judgement, nothing);
}

static void adam(cgv_trainer *t, cgv_cmd *cmd, int net) {
    cgv_net_state *state = &t->nets[net];
    bool generator = net == CGV_G_A || net == CGV_G_B;
    cgv_adam(cmd,
             &(cgv_adam_state){.values = state->params.values.address,
                               .grads = state->grads.address,
                               .m = state->m.address,
                               .v = state->v.address,
                               .average = state->average.address,
                               .count = state->model->net->param_floats},
             t->hyper.address + (generator ? 0 : sizeof(cgv_adam_hyper)));
}

// L_GAN(G, D_Y) + L_GAN(F, D_X) + lambda * L_cyc(G, F) [+ identity], minimised over the generators;
// then each discriminator on real pictures and on fakes of this and earlier steps. §3 of the paper;
// its G is G_A here, F is G_B, D_Y is D_A, D_X is D_B.
static void record_step(cgv_trainer *t, cgv_cmd *cmd, int part) {
    const cgv_trainer_params *p = &t->params;
    cgv_tensor a = t->a, b = t->b;

    cgv_cmd_copy(cmd, &t->pictures, 0, &t->staging, 0, t->staging.size);
    if (part & FIRST) {
        fill_zero(cmd, &t->losses);
        for (int net = 0; net < CGV_NETS; net++) {
            cgv_plan_pack(t->plans[net], cmd, &t->nets[net].params);
            fill_zero(cmd, &t->nets[net].grads);
        }
    }

    forward(t, cmd, &t->fake_b, a); // G(a)
    forward(t, cmd, &t->fake_a, b); // F(b)

    // The generators against frozen discriminators …
    forward(t, cmd, &t->judge_b, t->fake_b.output);
    judge_loss(t, cmd, t->judge_b.output, true, true, LOSS(g_a));
    backward(t, cmd, &t->judge_b, false, t->d_judgement, t->d_fake_b);
    forward(t, cmd, &t->judge_a, t->fake_a.output);
    judge_loss(t, cmd, t->judge_a.output, true, true, LOSS(g_b));
    backward(t, cmd, &t->judge_a, false, t->d_judgement, t->d_fake_a);

    // … with both cycles, F(G(a)) = a and G(F(b)) = b …
    forward(t, cmd, &t->recovered_a, t->fake_b.output);
    picture_loss(t, cmd, t->recovered_a.output, a, p->lambda_a, LOSS(cycle_a));
    backward(t, cmd, &t->recovered_a, true, t->d_other, t->d_cycle);
    cgv_add(cmd, t->d_fake_b, t->d_fake_b, t->d_cycle);
    forward(t, cmd, &t->recovered_b, t->fake_a.output);
    picture_loss(t, cmd, t->recovered_b.output, b, p->lambda_b, LOSS(cycle_b));
    backward(t, cmd, &t->recovered_b, true, t->d_other, t->d_cycle);
    cgv_add(cmd, t->d_fake_a, t->d_fake_a, t->d_cycle);
    recompute(t, cmd, &t->fake_b, a);
    backward(t, cmd, &t->fake_b, true, t->d_fake_b, nothing);
    recompute(t, cmd, &t->fake_a, b);
    backward(t, cmd, &t->fake_a, true, t->d_fake_a, nothing);

    // … and, where wanted, leaving alone what is already in the target domain (§5.2).
    if (p->identity > 0) {
        forward(t, cmd, &t->same_b, b);
        picture_loss(t, cmd, t->same_b.output, b, p->lambda_b * p->identity, LOSS(identity_a));
        backward(t, cmd, &t->same_b, true, t->d_other, nothing);
        forward(t, cmd, &t->same_a, a);
        picture_loss(t, cmd, t->same_a.output, a, p->lambda_a * p->identity, LOSS(identity_b));
        backward(t, cmd, &t->same_a, true, t->d_other, nothing);
    }

    // The discriminators, behind the pools.
    cgv_pool_record(&t->pool_b, cmd, t->fake_b.output);
    cgv_pool_record(&t->pool_a, cmd, t->fake_a.output);
    discriminate(t, cmd, &t->judge_b, b, t->pool_b.output, LOSS(d_a));
    discriminate(t, cmd, &t->judge_a, a, t->pool_a.output, LOSS(d_b));

    if (part & LAST)
        for (int net = 0; net < CGV_NETS; net++)
            adam(t, cmd, net);
}

static void record_view(cgv_trainer *t, cgv_cmd *cmd) {
    cgv_cmd_copy(cmd, &t->pictures, 0, &t->staging, 0, t->staging.size);
    cgv_plan_pack(t->plans[CGV_G_A], cmd, &t->nets[CGV_G_A].params);
    cgv_plan_pack(t->plans[CGV_G_B], cmd, &t->nets[CGV_G_B].params);
    forward(t, cmd, &t->fake_b, t->a);
    forward(t, cmd, &t->fake_a, t->b);
    forward(t, cmd, &t->recovered_a, t->fake_b.output);
    forward(t, cmd, &t->recovered_b, t->fake_a.output);
}

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
static cgv_status submit(cgv_trainer *t, cgv_cmd *cmd, const float *a, const float *b) {
    uint64_t bytes = cgv_tensor_bytes(t->a);
    memcpy(t->staging.host, a, bytes);
    memcpy((char *)t->staging.host + bytes, b, bytes);
    cgv_status status = cgv_cmd_submit(cmd);
    return status ? status : cgv_cmd_wait(cmd);
}

cgv_status cgv_trainer_view(cgv_trainer *t, const float *a, const float *b) {
    return submit(t, t->view, a, b);
}

static int part_of(const cgv_trainer_params *p, int batch) {
    return (batch == 0 ? FIRST : 0) | (batch == p->accumulate - 1 ? LAST : 0);
}

cgv_status cgv_trainer_step(cgv_trainer *t, cgv_losses *losses, const float *a, const float *b,
                            float lr_g, float lr_d) {
    size_t count = cgv_tensor_bytes(t->a) / sizeof(float);
    cgv_adam_hyper *hyper = t->hyper.host;
    hyper[0] = hyper_at(&t->params, t->steps + 1, lr_g);
    hyper[1] = hyper_at(&t->params, t->steps + 1, lr_d);
    for (int i = 0; i < t->params.accumulate; i++) {
        cgv_pool_draw(&t->pool_b);
        cgv_pool_draw(&t->pool_a);
        cgv_status status = submit(t, t->cmds[part_of(&t->params, i)], a + (size_t)i * count,
                                   b + (size_t)i * count);
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
                             .train = true};
    cgv_status status = CGV_OK;
    for (int i = 0; i < CGV_NETS && !status; i++) {
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
    const struct {
        application *app;
        int net;
        bool keep; // its result is wanted after its tape has gone on
    } all[] = {
        {&t->fake_b, CGV_G_A, true},   {&t->recovered_a, CGV_G_B, true},
        {&t->fake_a, CGV_G_B, true},   {&t->recovered_b, CGV_G_A, true},
        {&t->judge_b, CGV_D_A, false}, {&t->judge_a, CGV_D_B, false},
        {&t->same_b, CGV_G_A, false},  {&t->same_a, CGV_G_B, false},
    };
    int count = t->params.identity > 0 ? 8 : 6;
    cgv_status status = CGV_OK;
    for (int i = 0; i < count && !status; i++)
        status = create_application(t, all[i].app, all[i].net, all[i].keep);
    return status;
}

// A tensor shaped as `like` at `*offset` of a buffer, which moves on.
static cgv_tensor cut(const cgv_buffer *buffer, uint64_t *offset, cgv_tensor like) {
    like.address = buffer->address + *offset;
    *offset += (cgv_tensor_bytes(like) + 255) / 256 * 256;
    return like;
}

static cgv_status create_tensors(cgv_trainer *t) {
    cgv_tensor picture = t->fake_b.output, judgement = t->judge_b.output;
    uint64_t bytes = cgv_tensor_bytes(picture), offset = 0;
    cgv_device *device = t->device;
    cgv_status status =
        cgv_buffer_create(&t->staging, device, 2 * bytes, CGV_MEMORY_UPLOAD, "training pictures");
    if (!status)
        status = cgv_buffer_create(&t->pictures, device, 2 * bytes, CGV_MEMORY_DEVICE,
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
    t->a = t->b = picture;
    t->a.address = t->pictures.address;
    t->b.address = t->pictures.address + bytes;
    t->d_fake_b = cut(&t->gradients, &offset, picture);
    t->d_fake_a = cut(&t->gradients, &offset, picture);
    t->d_other = cut(&t->gradients, &offset, picture);
    t->d_cycle = cut(&t->gradients, &offset, picture);
    t->d_judgement = cut(&t->gradients, &offset, judgement);
    t->loss_scratch = t->gradients.address + offset;
    status =
        cgv_pool_create(&t->pool_b, device, t->fake_b.output, t->params.pool, t->params.seed, 1);
    if (!status)
        status = cgv_pool_create(&t->pool_a, device, t->fake_a.output, t->params.pool,
                                 t->params.seed, 2);
    return status;
}

// Adam's moments start from zero.
static cgv_status zero_moments(cgv_trainer *t) {
    cgv_cmd *cmd = t->cmds[part_of(&t->params, 0)];
    cgv_cmd_begin(cmd);
    for (int i = 0; i < CGV_NETS; i++) {
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
        record_step(t, t->cmds[part], part);
        status = cgv_cmd_end(t->cmds[part]);
    }
    if (!status)
        status = cgv_cmd_create(&t->view, t->device, false);
    if (status)
        return status;
    cgv_cmd_begin(t->view);
    record_view(t, t->view);
    return cgv_cmd_end(t->view);
}

static cgv_status check(const cgv_model *const models[CGV_NETS], const cgv_trainer_params *p) {
    for (int i = 0; i < CGV_NETS; i++) {
        int outputs = i == CGV_G_A || i == CGV_G_B ? 3 : 1;
        if (models[i]->info.input_channels != 3 || models[i]->info.output_channels != outputs)
            return cgv_fail(CGV_ERROR_ARGUMENT, "%s cannot serve as a %s",
                            models[i]->info.architecture,
                            outputs == 3 ? "generator" : "discriminator");
    }
    if (p->profile && p->accumulate != 1)
        return cgv_fail(CGV_ERROR_ARGUMENT, "only a step of one batch can be timed");
    if (p->batch < 1 || p->accumulate < 1 || p->pool < 0 || p->lambda_a < 0 || p->lambda_b < 0 ||
        p->identity < 0)
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
    cgv_buffer *buffers[] = {&t->staging, &t->pictures, &t->gradients, &t->losses, &t->hyper};
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
    uint64_t bytes =
        t->staging.size + t->pictures.size + t->gradients.size + t->losses.size + t->hyper.size;
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
        bytes += pools[i]->pictures.size + pools[i]->shown.size + pools[i]->choices.size;
    for (size_t i = 0; i < sizeof apps / sizeof *apps; i++)
        bytes += apps[i]->kept.size;
    for (int i = 0; i < MAX_TAPES; i++)
        bytes += cgv_tape_bytes(&t->tapes[i]);
    for (int i = 0; i < CGV_NETS; i++)
        bytes += cgv_plan_bytes(t->plans[i]) + t->nets[i].average.size +
                 4 * t->nets[i].params.values.size;
    return bytes;
}
