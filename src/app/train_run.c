// A training run: networks, data, the loop, and what it leaves in the run directory.
#include <stdlib.h>
#include <string.h>

#include "app/folder.h"
#include "app/kernels.h"
#include "app/train_data.h"
#include "app/train_record.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "nn/arch.h"
#include "train/checkpoint.h"
#include "train/schedule.h"

typedef struct run {
    const cgv_train_options *o;
    cgv_device *device;
    cgv_model *models[CGV_NETS];
    cgv_train_data data;
    cgv_trainer *trainer;
    cgv_train_record *record;
    char *config;          // the text of config.json
    char *checkpoints;     // folder
    char *newest;          // of them, to go on from; NULL: a run that begins
    float *a, *b, *scenes; // one step's pictures
    int64_t total, epoch_steps;
    int64_t saved;    // step of the newest checkpoint, -1: none yet
    int64_t exported; // step of the generators that this process left; -1: none yet
    double started;   // clock at the first step of this process
    int64_t first_step;
} run;

// ---- networks ----

// The n-th of the comma-separated names; NULL past the last. malloc'ed.
static char *nth_name(const char *names, int n) {
    for (; names && n > 0; n--) {
        names = strchr(names, ',');
        names = names ? names + 1 : NULL;
    }
    return names && *names ? strndup(names, strcspn(names, ",")) : NULL;
}

static cgv_status create_net(cgv_net **out, const cgv_train_options *o, bool generator) {
    const char *discriminator = o->norm_d ? "patchgan_nonorm" : "patchgan";
    cgv_arch_options arch = {.name = generator ? o->arch : discriminator,
                             .ngf = o->ngf,
                             .ndf = o->ndf,
                             .layers = o->layers,
                             .shrink = o->shrink_d,
                             .judged = o->paired ? 6 : 3,
                             .coarse = o->coarse_d,
                             .coord = o->coord_d,
                             .upsample = generator ? o->upsample : NULL,
                             .head = generator ? o->head : NULL};
    return cgv_arch_by_name(out, &arch);
}

static cgv_status load_model(cgv_model **out, const char *file) {
    cgv_status status = cgv_model_load(out, file);
    if (!status && !strcmp(cgv_model_get_info(*out)->format, "onnx"))
        status = cgv_fail(CGV_ERROR_UNSUPPORTED,
                          "%s: a graph from an .onnx file runs, and cannot be trained: start "
                          "from .pth or .safetensors",
                          file);
    return status;
}

// Network `i` with its first weights: random, or a file's; with none yet where a checkpoint has
// them, for then the file may be gone.
static cgv_status create_model(run *r, int i) {
    bool generator = i == CGV_G_A || i == CGV_G_B;
    if (r->o->paired && (i == CGV_G_B || i == CGV_D_B))
        return CGV_OK; // there is none
    char *file = nth_name(generator ? r->o->init_g : r->o->init_d, i == CGV_G_B || i == CGV_D_B);
    cgv_net *net = NULL;
    cgv_status status;
    if (file && !generator &&
        (r->o->norm_d || r->o->shrink_d > 1 || r->o->coarse_d > 1 || r->o->coord_d))
        status = cgv_fail(CGV_ERROR_ARGUMENT,
                          "-init_d starts only discriminators without -norm_d none, "
                          "-shrink_d, -coarse_d and -coord_d: files do not say what they judged");
    else if (file && !r->newest)
        status = load_model(&r->models[i], file);
    else
        status = file ? cgv_checkpoint_net(&net, r->newest, i) : create_net(&net, r->o, generator);
    free(file);
    if (net) {
        status = cgv_model_from_net(&r->models[i], net, "new");
        if (!status && !r->newest)
            cgv_arch_init(net, r->models[i]->params, (uint64_t)r->o->seed * CGV_NETS + (uint64_t)i);
    }
    if (status || !generator || !r->models[i])
        return status;
    return cgv_net_shrink_input(r->models[i]->net, r->o->shrink_g);
}

static cgv_status create_models(run *r) {
    cgv_status status = CGV_OK;
    for (int i = 0; i < CGV_NETS && !status; i++)
        status = create_model(r, i);
    return status;
}

static cgv_status create_trainer(run *r) {
    const cgv_train_options *o = r->o;
    const cgv_model *models[CGV_NETS];
    cgv_trainer_params params = CGV_TRAINER_DEFAULTS;
    params.batch = o->batch;
    params.accumulate = o->accumulate;
    params.recompute = o->recompute;
    params.kernels = (cgv_kernels)o->kernels;
    cgv_dataset_size(r->data.dataset, &params.width, &params.height);
    params.gan = (cgv_gan_mode)o->gan;
    params.frozen = (cgv_frozen)o->freeze;
    params.lambda_a = (float)o->lambda_a;
    params.lambda_b = (float)o->lambda_b;
    params.identity = (float)o->identity;
    params.equivariance = (float)o->equivariance;
    params.histogram = (float)o->histogram;
    params.night = (float)o->night;
    params.night_light = (float)o->night_light;
    params.night_gamma = (float)o->night_gamma;
    params.night_most = (float)o->night_most;
    params.windows = (float)o->windows;
    params.histogram_bands = o->histogram_bands;
    params.histogram_chroma = (float)o->histogram_chroma;
    params.paired = o->paired;
    params.lambda_l1 = (float)o->lambda_l1;
    params.pool = o->pool;
    params.beta1 = (float)o->beta1;
    params.average_decay = (float)o->average;
    params.seed = (uint64_t)o->seed;
    params.scaled_pictures = o->preprocess != CGV_PREPROCESS_CROP || o->min_scale > 0;
    for (int i = 0; i < CGV_NETS; i++)
        models[i] = r->models[i];
    cgv_status status = cgv_trainer_create(&r->trainer, r->device, models, &params);
    if (status == CGV_ERROR_DEVICE_MEMORY)
        cgv_log(CGV_LOG_ERROR,
                "training needs less memory with %sa smaller -crop or -batch (and "
                "-accumulate)",
                o->recompute ? "" : "-recompute, ");
    return status;
}

// ---- the run directory ----

static void compare_pictures(const json_t *config, const json_t *now) {
    const json_t *then = json_object_get(config, "pictures");
    if (then && !json_equal(then, now))
        cgv_log(CGV_LOG_WARNING,
                "its pictures are not those that this run began with: it goes on, but not as if it "
                "had never stopped");
}

// config.json of a new run says what was found on the way; who goes on is told what is not the
// same.
static cgv_status describe(run *r, json_t *config) {
    json_t *pictures = cgv_train_data_describe(&r->data);
    bool ok = pictures != NULL;
    if (ok && r->o->resume)
        compare_pictures(config, pictures);
    else if (ok)
        ok = !json_object_set(config, "pictures", pictures) &&
             !json_object_set_new(config, "kernels", cgv_kernels_taken(r->device));
    json_decref(pictures);
    if (!ok)
        return cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    r->config = json_dumps(config, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    return r->config ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
}

static cgv_status write_config(const run *r) {
    cgv_fs_writer writer;
    char *path = cgv_fs_format("%s/config.json", r->o->output);
    if (!path)
        return cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    cgv_status status = cgv_fs_writer_open(&writer, path);
    if (!status) {
        fprintf(writer.file, "%s\n", r->config);
        status = cgv_fs_writer_commit(&writer);
    }
    free(path);
    return status;
}

// Where a resumed run stands: its newest whole checkpoint, or the beginning if it never saved.
// What cannot be read is not taken for what is not there: the run would begin anew, and delete it.
static cgv_status find_checkpoint(run *r) {
    cgv_status status = cgv_make_folder(r->checkpoints); // killed right behind config.json
    if (!status)
        status = cgv_checkpoint_latest(&r->newest, r->checkpoints);
    if (status != CGV_END)
        return status;
    cgv_log(CGV_LOG_WARNING, "%s has no checkpoint: starting from the beginning", r->o->output);
    return CGV_OK;
}

static cgv_status load_checkpoint(run *r) {
    cgv_log(CGV_LOG_INFO, "going on from %s", r->newest);
    cgv_status status = cgv_checkpoint_load(r->trainer, r->newest, NULL);
    r->saved = cgv_trainer_steps(r->trainer);
    return status;
}

static cgv_status begin_run(const run *r) {
    cgv_status status = cgv_make_folders(r->o->output);
    if (!status)
        status = cgv_make_folder(r->checkpoints);
    return status ? status : write_config(r);
}

static cgv_status open_run(run *r) {
    const cgv_train_options *o = r->o;
    cgv_status status = CGV_OK;
    if (!o->resume)
        status = begin_run(r);
    else if (r->newest)
        status = load_checkpoint(r);
    if (!status)
        status = cgv_train_record_create(&r->record, o->output, r->config, r->trainer,
                                         r->data.dataset, o);
    return status;
}

static cgv_status export_generators(run *r) {
    cgv_status status = CGV_OK;
    for (int i = CGV_G_A; i <= CGV_G_B && !status; i++) {
        if (!r->models[i])
            continue;
        char *path =
            cgv_fs_format("%s/%s.safetensors", r->o->output, i == CGV_G_A ? "G_AB" : "G_BA");
        status = path ? cgv_trainer_export(r->trainer, i, path, true)
                      : cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
        free(path);
    }
    if (!status)
        r->exported = cgv_trainer_steps(r->trainer);
    return status;
}

static cgv_status save_checkpoint(run *r) {
    int64_t step = cgv_trainer_steps(r->trainer);
    char *path = cgv_checkpoint_path(r->checkpoints, step);
    cgv_status status = path ? cgv_checkpoint_save(r->trainer, path, NULL)
                             : cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    if (!status) {
        r->saved = step;
        status = cgv_checkpoint_rotate(r->checkpoints, step, r->o->keep);
    }
    free(path);
    return status;
}

// What ended an earlier process between the two leaves a checkpoint without its generators.
static cgv_status save(run *r) {
    int64_t step = cgv_trainer_steps(r->trainer);
    cgv_status status = r->saved == step ? CGV_OK : save_checkpoint(r);
    return status || r->exported == step ? status : export_generators(r);
}

// ---- the loop ----

typedef struct learning_rates {
    float g, d;
} learning_rates;

static learning_rates rates_at(const run *r, int64_t step) {
    // By epochs as in the paper's code, or smoothly where a number of steps was asked for.
    int64_t period = r->o->steps ? 1 : r->epoch_steps;
    double factor = cgv_schedule_factor((cgv_schedule_kind)r->o->schedule, step, r->total, period);
    return (learning_rates){
        .g = (float)(r->o->lr * factor),
        .d = (float)((r->o->lr_d > 0 ? r->o->lr_d : r->o->lr) * factor),
    };
}

static double seconds_left(const run *r) {
    int64_t step = cgv_trainer_steps(r->trainer);
    double done = (double)(step - r->first_step);
    return done > 0 ? (cgv_clock_seconds() - r->started) / done * (double)(r->total - step) : -1;
}

static void print_losses(char *text, size_t size, const cgv_losses *l, bool paired) {
    if (paired)
        snprintf(text, size, "G_A %.3f  L1 %.3f  D_A %.3f", (double)l->g_a, (double)l->l1_a,
                 (double)l->d_a);
    else
        snprintf(text, size,
                 "G_A %.3f G_B %.3f  cycle %.3f %.3f  identity %.3f %.3f  equivariance %.3f %.3f  "
                 "histogram %.3f %.3f  night %.3f  windows %.3f  D_A %.3f D_B %.3f",
                 (double)l->g_a, (double)l->g_b, (double)l->cycle_a, (double)l->cycle_b,
                 (double)l->identity_a, (double)l->identity_b, (double)l->equivariance_a,
                 (double)l->equivariance_b, (double)l->histogram_a, (double)l->histogram_b,
                 (double)l->night_a, (double)l->windows_a, (double)l->d_a, (double)l->d_b);
}

static cgv_status log_step(run *r, const cgv_losses *losses, learning_rates lr) {
    int64_t step = cgv_trainer_steps(r->trainer);
    double elapsed = cgv_clock_seconds() - r->started, done = (double)(step - r->first_step);
    cgv_history_row row = {
        .step = step,
        .epoch = (double)step / (double)r->epoch_steps,
        .seconds = cgv_train_record_seconds(r->record) + elapsed,
        .lr_g = lr.g,
        .lr_d = lr.d,
        .images_per_second = (float)(done * r->o->batch * r->o->accumulate / elapsed),
        .losses = *losses,
    };
    long long left = (long long)seconds_left(r);
    char text[320];
    print_losses(text, sizeof text, losses, r->o->paired);
    cgv_log(CGV_LOG_INFO,
            "step %lld/%lld  epoch %.2f  %.2f img/s  %s  lr %.3g  waiting for data %.1f%%  left "
            "%lld:%02d:%02d",
            (long long)step, (long long)r->total, row.epoch, (double)row.images_per_second, text,
            (double)lr.g, 100 * cgv_dataset_waited(r->data.dataset) / elapsed, left / 3600,
            (int)(left / 60 % 60), (int)(left % 60));
    return cgv_train_record_losses(r->record, &row);
}

static cgv_status report(run *r, const char *state) {
    return cgv_train_record_report(r->record, state, r->total, seconds_left(r));
}

static cgv_status sample(run *r) {
    cgv_status status = cgv_train_record_samples(r->record);
    return status ? status : report(r, "running");
}

static cgv_status take_step(run *r) {
    int64_t step = cgv_trainer_steps(r->trainer);
    learning_rates lr = rates_at(r, step);
    cgv_losses losses;
    cgv_status status = cgv_dataset_next(r->data.dataset, r->a, r->b, r->scenes);
    if (!status)
        status = cgv_trainer_step(r->trainer, &losses, r->a, r->b, r->scenes, lr.g, lr.d);
    if (status)
        return status;
    step++;
    if (step % r->o->log_every == 0 || step == r->total)
        status = log_step(r, &losses, lr);
    if (!status && (step % r->o->sample_every == 0 || step == r->total))
        status = sample(r);
    if (!status && (step % r->o->save_every == 0 || step == r->total))
        status = save(r);
    return status;
}

// After a failure in the middle: what is left, and how to go on.
static void say_what_is_left(const run *r, cgv_status status) {
    const char *dir = r->o->output;
    long long step = (long long)cgv_trainer_steps(r->trainer), saved = (long long)r->saved;
    if (r->saved < 0)
        cgv_log(CGV_LOG_ERROR, "train: stopped behind step %lld, before the first checkpoint",
                step);
    else if (status == CGV_ERROR_NUMERIC) // the same state and the same random numbers
        cgv_log(
            CGV_LOG_ERROR,
            "train: stopped behind step %lld; the last good checkpoint is that of step %lld in "
            "%s; -resume would come to the same end: begin a run with -init_g, the generators in "
            "%s, and a lower -lr",
            step, saved, r->checkpoints, dir);
    else
        cgv_log(CGV_LOG_ERROR,
                "train: stopped behind step %lld; the last good checkpoint is that of step %lld in "
                "%s: go on with: cgvideo train -resume %s",
                step, saved, r->checkpoints, dir);
}

static cgv_status train(run *r, const atomic_bool *stop) {
    cgv_status status = cgv_dataset_start(r->data.dataset, cgv_trainer_steps(r->trainer));
    r->first_step = cgv_trainer_steps(r->trainer);
    r->started = cgv_clock_seconds();
    while (!status && cgv_trainer_steps(r->trainer) < r->total) {
        if (atomic_load(stop)) {
            status = save(r);
            if (!status)
                status = report(r, "stopped");
            if (!status)
                cgv_log(CGV_LOG_INFO, "stopped at step %lld; go on with: cgvideo train -resume %s",
                        (long long)cgv_trainer_steps(r->trainer), r->o->output);
            return status ? status : CGV_ERROR_INTERRUPTED;
        }
        status = take_step(r);
    }
    if (!status)
        status = save(r);
    return status ? status : report(r, "finished");
}

static cgv_status prepare(run *r, json_t *config, const atomic_bool *stop) {
    const cgv_train_options *o = r->o;
    r->checkpoints = cgv_fs_format("%s/checkpoints", o->output);
    if (!r->checkpoints)
        return cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    cgv_status status = o->resume ? find_checkpoint(r) : CGV_OK;
    if (!status)
        status = create_models(r);
    // Long: behind what a mistyped option shows in.
    if (!status)
        status = cgv_train_data_open(&r->data, o, stop);
    if (!status)
        status = create_trainer(r);
    if (!status)
        status = describe(r, config);
    if (!status)
        status = open_run(r);
    if (status)
        return status;
    int width, height;
    cgv_dataset_size(r->data.dataset, &width, &height);
    size_t floats = (size_t)o->batch * (size_t)o->accumulate * 3 * (size_t)width * (size_t)height;
    r->a = malloc(floats * sizeof *r->a);
    r->b = malloc(floats * sizeof *r->b);
    bool scenes = cgv_train_needs_scenes(o);
    r->scenes = scenes ? malloc(floats * sizeof *r->scenes) : NULL;
    if (!r->a || !r->b || (scenes && !r->scenes))
        return cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
    r->epoch_steps = cgv_dataset_epoch_steps(r->data.dataset);
    r->total = o->steps ? o->steps : o->epochs * r->epoch_steps;
    char pictures[64];
    if (o->paired)
        snprintf(pictures, sizeof pictures, "%d pairs", cgv_pairs_side(r->data.pairs, 0)->count);
    else
        snprintf(pictures, sizeof pictures, "%d and %d pictures", r->data.a->count,
                 r->data.b->count);
    cgv_log(CGV_LOG_INFO, "training %s on %s at %dx%d: %lld steps, %.0f MiB",
            r->models[CGV_G_A]->info.architecture, pictures, width, height, (long long)r->total,
            (double)cgv_trainer_bytes(r->trainer) / (1 << 20));
    return CGV_OK;
}

cgv_status cgv_train_run(cgv_device *device, const cgv_train_options *options, json_t *config,
                         const atomic_bool *stop) {
    run r = {.o = options, .device = device, .saved = -1, .exported = -1};
    cgv_status status = prepare(&r, config, stop);
    if (!status) {
        status = train(&r, stop);
        if (status && status != CGV_ERROR_INTERRUPTED)
            say_what_is_left(&r, status);
    }
    cgv_train_record_destroy(&r.record);
    cgv_trainer_destroy(&r.trainer);
    cgv_train_data_close(&r.data);
    for (int i = 0; i < CGV_NETS; i++)
        cgv_model_destroy(&r.models[i]);
    free(r.config);
    free(r.checkpoints);
    free(r.newest);
    free(r.a);
    free(r.b);
    free(r.scenes);
    return status;
}
