// One training step, beside §3 of the papers: recorded once, run every time.
#include <stddef.h>

#include "train/trainer_internal.h"

static void forward_with(cgv_trainer *t, cgv_cmd *cmd, application *app, cgv_tensor input,
                         const cgv_params *params) {
    cgv_tape_bind(app->tape, input);
    cgv_plan_record(t->plans[app->net], cmd, params, app->tape);
    if (app->output.address != app->tape->output.address)
        cgv_activation_apply(cmd, app->output, app->tape->output, CGV_ACT_NONE, 0);
}

static void forward(cgv_trainer *t, cgv_cmd *cmd, application *app, cgv_tensor input) {
    forward_with(t, cmd, app, input, &t->nets[app->net].params);
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

bool cgv_trainer_learns(const cgv_trainer *t, int net) {
    bool forth = net == CGV_G_A || net == CGV_D_A;
    return t->params.frozen != (forth ? CGV_FROZEN_G_A : CGV_FROZEN_G_B);
}

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

// How far a discriminator is from taking a fake for real, and the gradient of that in d_fake.
static void persuade(cgv_trainer *t, cgv_cmd *cmd, application *judge, cgv_tensor fake,
                     cgv_tensor d_fake, uint64_t value) {
    forward(t, cmd, judge, fake);
    judge_loss(t, cmd, judge->output, true, true, value);
    backward(t, cmd, judge, false, t->d_judgement, d_fake);
}

// weight * mean |back(fake) - original|; its gradient is added to d_fake, unless the generator that
// made the fake does not learn.
static void come_back(cgv_trainer *t, cgv_cmd *cmd, application *back, const application *forth,
                      cgv_tensor original, cgv_tensor d_fake, float weight, uint64_t value) {
    bool told = cgv_trainer_learns(t, forth->net);
    forward(t, cmd, back, forth->output);
    picture_loss(t, cmd, back->output, original, weight, value);
    backward(t, cmd, back, cgv_trainer_learns(t, back->net), t->d_other,
             told ? t->d_cycle : nothing);
    if (told)
        cgv_add(cmd, d_fake, d_fake, t->d_cycle);
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

// A generator follows its picture's movement: what comes of the warped picture is the warped
// result, which is taken as given. Else its lights swim and flicker in a video. Source: Mustafa and
// Mantiuk 2020, arXiv:2007.07867 (transformation consistency).
static void follow(cgv_trainer *t, cgv_cmd *cmd, application *moved, cgv_tensor picture,
                   cgv_tensor result, uint64_t value) {
    cgv_warp(cmd, t->moved, picture, t->maps.address);
    cgv_warp(cmd, t->target, result, t->maps.address);
    forward(t, cmd, moved, t->moved);
    picture_loss(t, cmd, moved->output, t->target, t->params.equivariance, value);
    backward(t, cmd, moved, true, t->d_other, nothing);
}

// weight * mean |fake - t->wanted|; its gradient is added to d_fake.
static void want(cgv_trainer *t, cgv_cmd *cmd, cgv_tensor d_fake, cgv_tensor fake, float weight,
                 uint64_t value) {
    cgv_loss(cmd, d_fake, fake, t->wanted, t->loss_scratch,
             &(cgv_loss_params){.kind = CGV_LOSS_L1,
                                .weight = weight / (float)t->params.accumulate,
                                .accumulate = true,
                                .value = value});
}

// A fake has the tones of a picture of its domain, in the order of its own: no fake is grey all
// over where pictures have both black and light. Which parts are the light ones, the discriminator
// says. Source: Li et al. 2018, BeautyGAN, §3.2 (histogram matching). Taken of a random picture
// each step, and by its absolute value, the median of the domain's pictures is what it asks for.
static void match_tones(cgv_trainer *t, cgv_cmd *cmd, cgv_tensor d_fake, cgv_tensor fake,
                        cgv_tensor real, uint64_t value) {
    cgv_histogram_match(cmd, t->wanted, fake, real, t->params.histogram_bands,
                        t->params.histogram_chroma, t->histograms);
    want(t, cmd, d_fake, fake, t->params.histogram, value);
}

static cgv_night_ground ground_of(const cgv_trainer_params *params) {
    return (cgv_night_ground){params->night_gamma, params->night_most, params->night_light};
}

// What holds of every night, and what a training of hundreds of steps has not found out by itself.
static void make_night(cgv_trainer *t, cgv_cmd *cmd, cgv_tensor d_fake, cgv_tensor fake,
                       uint64_t value) {
    cgv_night(cmd, t->wanted, fake, t->a, t->scenes, ground_of(&t->params));
    want(t, cmd, d_fake, fake, t->params.night, value);
}

// Windows are a hundredth of a picture, so that they have a loss, and a weight, of their own.
static void light_windows(cgv_trainer *t, cgv_cmd *cmd, cgv_tensor d_fake, cgv_tensor fake,
                          uint64_t value) {
    cgv_windows(cmd, t->wanted, fake, t->a, t->scenes, ground_of(&t->params));
    want(t, cmd, d_fake, fake, t->params.windows, value);
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

// The batch to the device. Weights are packed, and losses and gradients begin at zero, once a step.
static void begin(cgv_trainer *t, cgv_cmd *cmd, int part) {
    cgv_cmd_copy(cmd, &t->pictures, 0, &t->staging, 0, t->staging.size);
    if (!(part & FIRST))
        return;
    cgv_cmd_fill(cmd, &t->losses, 0, t->losses.size, 0);
    for (int net = 0; net < CGV_NETS; net++) {
        cgv_buffer *grads = &t->nets[net].grads;
        if (!t->nets[net].model)
            continue;
        cgv_plan_pack(t->plans[net], cmd, &t->nets[net].params);
        cgv_cmd_fill(cmd, grads, 0, grads->size, 0);
    }
}

// arg min_G max_D L_cGAN(G, D) + lambda * L_L1(G): first the discriminator learns from a pair and
// from its picture of A with what was made of it, then the generator from what that
// discriminator says. §3 of pix2pix. (With several batches a step it says so from the last one on.)
static void record_paired_step(cgv_trainer *t, cgv_cmd *cmd, int part) {
    cgv_tensor a = t->a, b = t->b, fake = t->fake_b.output;
    begin(t, cmd, part);
    forward(t, cmd, &t->fake_b, a);
    cgv_join(cmd, t->real_pair, a, b);
    cgv_join(cmd, t->fake_pair, a, fake);
    discriminate(t, cmd, &t->judge_b, t->real_pair, t->fake_pair, LOSS(d_a));
    if (part & LAST) {
        adam(t, cmd, CGV_D_A);
        cgv_plan_pack(t->plans[CGV_D_A], cmd, &t->nets[CGV_D_A].params);
    }

    forward(t, cmd, &t->judge_b, t->fake_pair);
    judge_loss(t, cmd, t->judge_b.output, true, true, LOSS(g_a));
    backward(t, cmd, &t->judge_b, false, t->d_judgement, t->d_pair);
    cgv_tensor d_a = a;
    d_a.address = 0;
    cgv_split(cmd, d_a, t->d_fake_b, t->d_pair);
    cgv_loss(cmd, t->d_fake_b, fake, b, t->loss_scratch,
             &(cgv_loss_params){.kind = CGV_LOSS_L1,
                                .weight = t->params.lambda_l1 / (float)t->params.accumulate,
                                .accumulate = true,
                                .value = LOSS(l1_a)});
    recompute(t, cmd, &t->fake_b, a);
    backward(t, cmd, &t->fake_b, true, t->d_fake_b, nothing);
    if (part & LAST)
        adam(t, cmd, CGV_G_A);
}

// L_GAN(G, D_Y) + L_GAN(F, D_X) + lambda * L_cyc(G, F) [+ identity], minimised over the generators;
// then each discriminator on real pictures and on fakes of this and earlier steps. §3 of the paper;
// its G is G_A here, F is G_B, D_Y is D_A, D_X is D_B.
void cgv_trainer_record_step(cgv_trainer *t, cgv_cmd *cmd, int part) {
    const cgv_trainer_params *p = &t->params;
    const bool a_learns = cgv_trainer_learns(t, CGV_G_A), b_learns = cgv_trainer_learns(t, CGV_G_B);
    cgv_tensor a = t->a, b = t->b;
    if (p->paired) {
        record_paired_step(t, cmd, part);
        return;
    }

    begin(t, cmd, part);
    forward(t, cmd, &t->fake_b, a); // G(a)
    forward(t, cmd, &t->fake_a, b); // F(b)

    // The generators against discriminators that keep still …
    if (a_learns)
        persuade(t, cmd, &t->judge_b, t->fake_b.output, t->d_fake_b, LOSS(g_a));
    if (b_learns)
        persuade(t, cmd, &t->judge_a, t->fake_a.output, t->d_fake_a, LOSS(g_b));

    if (p->histogram > 0 && a_learns)
        match_tones(t, cmd, t->d_fake_b, t->fake_b.output, b, LOSS(histogram_a));
    if (p->histogram > 0 && b_learns)
        match_tones(t, cmd, t->d_fake_a, t->fake_a.output, a, LOSS(histogram_b));
    if (p->night > 0)
        make_night(t, cmd, t->d_fake_b, t->fake_b.output, LOSS(night_a));
    if (p->windows > 0)
        light_windows(t, cmd, t->d_fake_b, t->fake_b.output, LOSS(windows_a));

    // … with both cycles, F(G(a)) = a and G(F(b)) = b …
    come_back(t, cmd, &t->recovered_a, &t->fake_b, a, t->d_fake_b, p->lambda_a, LOSS(cycle_a));
    come_back(t, cmd, &t->recovered_b, &t->fake_a, b, t->d_fake_a, p->lambda_b, LOSS(cycle_b));
    if (a_learns) {
        recompute(t, cmd, &t->fake_b, a);
        backward(t, cmd, &t->fake_b, true, t->d_fake_b, nothing);
    }
    if (b_learns) {
        recompute(t, cmd, &t->fake_a, b);
        backward(t, cmd, &t->fake_a, true, t->d_fake_a, nothing);
    }

    // … and, where wanted, leaving alone what is already in the target domain (§5.2).
    if (p->identity > 0 && a_learns) {
        forward(t, cmd, &t->same_b, b);
        picture_loss(t, cmd, t->same_b.output, b, p->lambda_b * p->identity, LOSS(identity_a));
        backward(t, cmd, &t->same_b, true, t->d_other, nothing);
    }
    if (p->identity > 0 && b_learns) {
        forward(t, cmd, &t->same_a, a);
        picture_loss(t, cmd, t->same_a.output, a, p->lambda_a * p->identity, LOSS(identity_b));
        backward(t, cmd, &t->same_a, true, t->d_other, nothing);
    }

    if (p->equivariance > 0 && a_learns)
        follow(t, cmd, &t->moved_b, a, t->fake_b.output, LOSS(equivariance_a));
    if (p->equivariance > 0 && b_learns)
        follow(t, cmd, &t->moved_a, b, t->fake_a.output, LOSS(equivariance_b));

    // The discriminators, behind the pools.
    if (a_learns) {
        cgv_pool_record(&t->pool_b, cmd, t->fake_b.output);
        discriminate(t, cmd, &t->judge_b, b, t->pool_b.output, LOSS(d_a));
    }
    if (b_learns) {
        cgv_pool_record(&t->pool_a, cmd, t->fake_a.output);
        discriminate(t, cmd, &t->judge_a, a, t->pool_a.output, LOSS(d_b));
    }

    if (part & LAST)
        for (int net = 0; net < CGV_NETS; net++)
            if (cgv_trainer_learns(t, net))
                adam(t, cmd, net);
}

// A generator as it is exported: with its averaged weights where these are kept.
static cgv_params exported_params(const cgv_trainer *t, int net) {
    const cgv_net_state *state = &t->nets[net];
    return state->average.size ? (cgv_params){.values = state->average} : state->params;
}

// The next step packs its own weights again.
void cgv_trainer_record_view(cgv_trainer *t, cgv_cmd *cmd) {
    cgv_params g_a = exported_params(t, CGV_G_A), g_b = exported_params(t, CGV_G_B);
    cgv_cmd_copy(cmd, &t->pictures, 0, &t->staging, 0, t->staging.size);
    cgv_plan_pack(t->plans[CGV_G_A], cmd, &g_a);
    forward_with(t, cmd, &t->fake_b, t->a, &g_a);
    if (t->params.paired)
        return;
    cgv_plan_pack(t->plans[CGV_G_B], cmd, &g_b);
    forward_with(t, cmd, &t->fake_a, t->b, &g_b);
    forward_with(t, cmd, &t->recovered_a, t->fake_b.output, &g_b);
    forward_with(t, cmd, &t->recovered_b, t->fake_a.output, &g_a);
}
