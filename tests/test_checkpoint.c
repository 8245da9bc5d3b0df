// Checkpoints: a run that is saved, loaded and continued is the run that never stopped; whatever is
// no whole checkpoint of the same run is refused.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "messages.h"
#include "nn/arch.h"
#include "support.h"
#include "train/checkpoint.h"
#include "train/pool.h"

enum { SIDE = 32, BATCH = 2, NUMBERS = BATCH * 3 * SIDE * SIDE, BEFORE = 3, AFTER = 3 };

static char dir[] = "/tmp/cgvideo-checkpoint-XXXXXX";
static cgv_model *models[CGV_NETS], *wide[CGV_NETS]; // wide: another G_A

static void make_model(cgv_model **out, const cgv_arch_options *options, uint64_t seed) {
    cgv_net *net;
    if (cgv_arch_by_name(&net, options) || cgv_model_from_net(out, net, "test"))
        exit(1);
    cgv_arch_init((*out)->net, (*out)->params, seed);
}

static void make_models(void) {
    for (int i = 0; i < CGV_NETS; i++)
        make_model(&models[i],
                   &(cgv_arch_options){.name = i < CGV_D_A ? "resnet_1blocks" : "patchgan",
                                       .ngf = 4,
                                       .ndf = 4,
                                       .layers = 2},
                   (uint64_t)i);
    memcpy(wide, models, sizeof wide);
    make_model(&wide[0], &(cgv_arch_options){.name = "resnet_1blocks", .ngf = 5}, 9);
}

static cgv_trainer_params settings(void) {
    cgv_trainer_params params = CGV_TRAINER_DEFAULTS;
    params.batch = BATCH;
    params.height = params.width = SIDE;
    params.pool = 3;
    params.average_decay = 0.9f;
    params.seed = 7;
    params.scaled_pictures = true;
    return params;
}

static cgv_trainer *make_trainer_of(cgv_model **nets, const cgv_trainer_params *params) {
    cgv_trainer *trainer;
    const cgv_model *const all[] = {nets[0], nets[1], nets[2], nets[3]};
    if (cgv_trainer_create(&trainer, cgv_test_device(), all, params))
        exit(1);
    return trainer;
}

static cgv_trainer *make_trainer(void) {
    cgv_trainer_params params = settings();
    return make_trainer_of(models, &params);
}

// Each step has pictures of its own, the same in every run.
static cgv_losses step(cgv_trainer *trainer) {
    static float a[NUMBERS], b[NUMBERS];
    cgv_losses losses = {0};
    cgv_rng rng;
    cgv_rng_seed(&rng, 11, (uint64_t)cgv_trainer_steps(trainer));
    for (int i = 0; i < NUMBERS; i++) {
        a[i] = 2 * cgv_rng_float(&rng) - 1;
        b[i] = 2 * cgv_rng_float(&rng) - 1;
    }
    CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &losses, a, b, NULL, 1e-3f, 5e-4f), CGV_OK);
    return losses;
}

static void check_same(const cgv_buffer *x, const cgv_buffer *y, uint64_t bytes) {
    CU_ASSERT_EQUAL_FATAL(x->size, y->size);
    if (!bytes)
        return;
    char *a = malloc(bytes), *b = malloc(bytes);
    CU_ASSERT_EQUAL(cgv_buffer_read(x, 0, a, bytes), CGV_OK);
    CU_ASSERT_EQUAL(cgv_buffer_read(y, 0, b, bytes), CGV_OK);
    CU_ASSERT_EQUAL(memcmp(a, b, bytes), 0);
    free(a);
    free(b);
}

static void check_same_state(const cgv_trainer *x, const cgv_trainer *y) {
    CU_ASSERT_EQUAL(cgv_trainer_steps(x), cgv_trainer_steps(y));
    for (int n = 0; n < CGV_NETS; n++) {
        const cgv_net_state *a = cgv_trainer_net(x, n), *b = cgv_trainer_net(y, n);
        check_same(&a->params.values, &b->params.values, a->m.size);
        check_same(&a->m, &b->m, a->m.size);
        check_same(&a->v, &b->v, a->v.size);
        check_same(&a->average, &b->average, a->average.size);
    }
    for (int i = 0; i < 2; i++) {
        const cgv_pool *a = cgv_trainer_pool(x, i), *b = cgv_trainer_pool(y, i);
        CU_ASSERT_EQUAL(a->filled, b->filled);
        CU_ASSERT_EQUAL(memcmp(&a->rng, &b->rng, sizeof a->rng), 0);
        check_same(&a->pictures, &b->pictures,
                   (uint64_t)a->filled * 3 * SIDE * SIDE * sizeof(float));
    }
}

static bool same_bytes(const void *x, const void *y, size_t size) {
    return !memcmp(x, y, size);
}

static char *path_of(const char *name) {
    return cgv_fs_format("%s/%s", dir, name);
}

// `before` steps, saved, then more; against the same in a fresh trainer with other weights.
static void check_resume(int before, const cgv_trainer_params *params) {
    cgv_trainer *run = make_trainer_of(models, params);
    cgv_model *others[] = {models[1], models[0], models[3], models[2]};
    cgv_trainer *resumed = make_trainer_of(others, params);
    char *path = cgv_checkpoint_path(dir, before), *extra;
    for (int i = 0; i < before; i++)
        step(run);
    step(resumed); // what it had before does not matter
    CU_ASSERT_EQUAL(cgv_checkpoint_save(run, path, "data 17, \"epoch\" 3, \xc3\xa4"), CGV_OK);
    CU_ASSERT_EQUAL(cgv_checkpoint_verify(path), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_checkpoint_load(resumed, path, &extra), CGV_OK);
    CU_ASSERT_STRING_EQUAL(extra, "data 17, \"epoch\" 3, \xc3\xa4");
    check_same_state(run, resumed);
    for (int i = 0; i < AFTER; i++) {
        cgv_losses x = step(run), y = step(resumed);
        CU_ASSERT(same_bytes(&x, &y, sizeof x));
    }
    check_same_state(run, resumed);
    CU_ASSERT_EQUAL(unlink(path), 0);
    free(path);
    free(extra);
    cgv_trainer_destroy(&run);
    cgv_trainer_destroy(&resumed);
}

static void test_resume(void) {
    cgv_trainer_params params = settings();
    check_resume(BEFORE, &params);
    params.pool = 50; // far from full
    check_resume(1, &params);
    check_resume(0, &params);
    params.pool = 0;
    params.average_decay = 0;
    check_resume(2, &params);
    params = settings();
    params.frozen = CGV_FROZEN_G_A;
    check_resume(BEFORE, &params);
}

// ---- refusals: the trainer stays as it was ----

static char *save_one(int steps, int64_t name) {
    cgv_trainer *trainer = make_trainer();
    char *path = cgv_checkpoint_path(dir, name);
    for (int i = 0; i < steps; i++)
        step(trainer);
    CU_ASSERT_EQUAL(cgv_checkpoint_save(trainer, path, NULL), CGV_OK);
    cgv_trainer_destroy(&trainer);
    return path;
}

static void check_refused(cgv_trainer *trainer, const char *path, cgv_status status,
                          const char *why) {
    char *extra;
    CU_ASSERT_EQUAL(cgv_checkpoint_load(trainer, path, &extra), status);
    CU_ASSERT(cgv_test_said(why));
    CU_ASSERT_PTR_NULL(extra);
}

static void write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(data, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void test_damaged(void) {
    cgv_trainer *fresh = make_trainer(), *trainer = make_trainer();
    char *path = save_one(2, 2), *bad = path_of("bad.safetensors");
    void *data;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&data, &size, path, 1 << 30), CGV_OK);
    cgv_test_listen();
    const size_t lengths[] = {0, 7, 100, size / 2, size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_file(bad, data, lengths[i]);
        check_refused(trainer, bad, CGV_ERROR_FORMAT, lengths[i] < 1000 ? "header" : "truncated");
    }
    char *bytes = data;
    char *number = memmem(data, size, "\"step\":\"2\"", 10);
    const size_t flips[] = {size - 1, size / 2, (size_t)(number + 8 - bytes)};
    for (size_t i = 0; i < sizeof flips / sizeof *flips; i++) {
        bytes[flips[i]] ^= 1;
        write_file(bad, data, size);
        check_refused(trainer, bad, CGV_ERROR_FORMAT, "checksum");
        bytes[flips[i]] ^= 1;
    }
    write_file(bad, "not a checkpoint, but longer than a length", 42);
    check_refused(trainer, bad, CGV_ERROR_FORMAT, "header is incomplete");
    CU_ASSERT_EQUAL(cgv_model_save(models[0], bad, CGV_MODEL_F32), CGV_OK);
    check_refused(trainer, bad, CGV_ERROR_FORMAT, "not a checkpoint");
    unlink(bad);
    check_refused(trainer, bad, CGV_ERROR_IO, "No such file");
    check_same_state(trainer, fresh);
    unlink(path);
    free(data);
    free(path);
    free(bad);
    cgv_trainer_destroy(&fresh);
    cgv_trainer_destroy(&trainer);
}

static void check_other(const char *path, cgv_model **nets, cgv_trainer_params params,
                        const char *why) {
    cgv_trainer *trainer = make_trainer_of(nets, &params), *fresh = make_trainer_of(nets, &params);
    cgv_test_listen();
    check_refused(trainer, path, CGV_ERROR_ARGUMENT, why);
    check_same_state(trainer, fresh);
    cgv_trainer_destroy(&trainer);
    cgv_trainer_destroy(&fresh);
}

// Versions before did not write these.
static void check_older(const char *path) {
    static const char *const later[] = {
        "lambda_l1",   "histogram", "histogram_bands", "histogram_chroma", "night",
        "night_light", "windows",   "frozen",          "night_most",       "night_gamma"};
    cgv_trainer *trainer = make_trainer();
    void *data;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&data, &size, path, 1 << 30), CGV_OK);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        char name[32];
        int length = snprintf(name, sizeof name, "\"%s\"", later[i]);
        char *note = memmem(data, size, name, (size_t)length);
        CU_ASSERT_PTR_NOT_NULL_FATAL(note);
        memset(note + 1, 'a' + (int)i, (size_t)length - 2);
    }
    write_file(path, data, size);
    CU_ASSERT_EQUAL(cgv_checkpoint_load(trainer, path, NULL), CGV_OK);
    free(data);
    cgv_trainer_destroy(&trainer);
}

static void test_other_runs(void) {
    char *path = save_one(1, 1);
    cgv_model *deeper[] = {NULL, models[1], models[2], models[3]};
    make_model(&deeper[0], &(cgv_arch_options){.name = "resnet_2blocks", .ngf = 4}, 0);
    check_other(path, deeper, settings(),
                "its G_A is resnet_1blocks, that of this run is resnet_2");
    check_other(path, wide, settings(), "'G_A/model.1.weight' has another shape");
    cgv_trainer_params params = settings();
    params.pool = 4;
    check_other(path, models, params, "its pool is 3, that of this run is 4");
    params = settings();
    params.lambda_b = 9.999f;
    check_other(path, models, params, "its lambda_b is 10, that of this run is 9.99");
    params = settings();
    params.average_decay = 0;
    check_other(path, models, params, "average_decay");
    params = settings();
    params.lambda_l1 = 90;
    check_other(path, models, params, "its lambda_l1 is 0, that of this run is 90");
    params = settings();
    params.histogram = 2;
    check_other(path, models, params, "its histogram is 0, that of this run is 2");
    params = settings();
    params.night = 1;
    check_other(path, models, params, "its night is 0, that of this run is 1");
    params.night = 0;
    params.night_light = 0.25f;
    check_other(path, models, params, "its night_light is 0.5, that of this run is 0.25");
    params = settings();
    params.windows = 2;
    check_other(path, models, params, "its windows is 0, that of this run is 2");
    params = settings();
    params.night_most = 0.75f;
    check_other(path, models, params, "its night_most is 1, that of this run is 0.75");
    params = settings();
    params.night_gamma = 2;
    check_other(path, models, params, "its night_gamma is 1, that of this run is 2");
    params = settings();
    params.frozen = CGV_FROZEN_G_B;
    check_other(path, models, params, "its frozen is 0, that of this run is 2");
    check_older(path);
    cgv_model_destroy(&deeper[0]);
    unlink(path);
    free(path);
}

// ---- the folder ----

static bool exists(int64_t step_number) {
    char *path = cgv_checkpoint_path(dir, step_number);
    bool found = !access(path, F_OK);
    free(path);
    return found;
}

static void check_latest(int64_t expected) {
    char *path, *wanted = cgv_checkpoint_path(dir, expected);
    CU_ASSERT_EQUAL(cgv_checkpoint_latest(&path, dir), CGV_OK);
    CU_ASSERT(path && !strcmp(path, wanted));
    free(path);
    free(wanted);
}

static void test_folder(void) {
    const int64_t steps[] = {5, 40, 300, 123456789};
    char *paths[4], *none, *stray = path_of("step_7.safetensors.bak"),
                           *left = path_of(".step_00000009.safetensors.123.part");
    for (int i = 0; i < 4; i++)
        paths[i] = save_one(0, steps[i]);
    write_file(stray, "", 0);
    write_file(left, "", 0);
    check_latest(123456789);
    cgv_test_listen();
    CU_ASSERT_EQUAL(truncate(paths[3], 5000), 0);
    CU_ASSERT_EQUAL(truncate(paths[2], 0), 0);
    check_latest(40);
    CU_ASSERT_EQUAL(cgv_test_messages(), 2);
    // A run resumed from 40 has saved 41.
    char *next = save_one(0, 41);
    CU_ASSERT_EQUAL(cgv_checkpoint_rotate(dir, 41, 2), CGV_OK);
    CU_ASSERT(!exists(5) && exists(40) && exists(41) && !exists(300) && !exists(123456789));
    CU_ASSERT(!access(stray, F_OK) && access(left, F_OK));
    CU_ASSERT_EQUAL(cgv_checkpoint_rotate(dir, 41, 0), CGV_OK);
    CU_ASSERT(exists(40) && exists(41));
    CU_ASSERT_EQUAL(cgv_checkpoint_rotate(dir, 41, 1), CGV_OK);
    CU_ASSERT(!exists(40) && exists(41));
    CU_ASSERT_EQUAL(cgv_test_messages(), 0);
    CU_ASSERT_EQUAL(truncate(next, 5000), 0);
    CU_ASSERT_EQUAL(cgv_checkpoint_latest(&none, dir), CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_messages() == 2 && !none);
    // What cannot be read is not skipped for an older one.
    unlink(next);
    CU_ASSERT_EQUAL(mkdir(next, 0777), 0);
    free(paths[1]);
    paths[1] = save_one(0, 40);
    CU_ASSERT_EQUAL(cgv_checkpoint_latest(&none, dir), CGV_ERROR_IO);
    CU_ASSERT(!none);
    rmdir(next);
    unlink(paths[1]);
    unlink(stray);
    cgv_test_listen();
    CU_ASSERT_EQUAL(cgv_checkpoint_latest(&none, dir), CGV_END);
    CU_ASSERT(!none && !cgv_test_messages());
    CU_ASSERT_EQUAL(cgv_checkpoint_latest(&none, "/nonexistent"), CGV_ERROR_IO);
    CU_ASSERT(cgv_test_said("No such file"));
    for (int i = 0; i < 4; i++)
        free(paths[i]);
    free(next);
    free(stray);
    free(left);
}

// A limit on the size of files stands for the full disk.
static void test_full_disk(void) {
    cgv_trainer *trainer = make_trainer(), *other = make_trainer();
    char *first = cgv_checkpoint_path(dir, 1), *second = cgv_checkpoint_path(dir, 2);
    step(trainer);
    CU_ASSERT_EQUAL(cgv_checkpoint_save(trainer, first, NULL), CGV_OK);
    struct stat st;
    struct rlimit unlimited, limit;
    CU_ASSERT_EQUAL(stat(first, &st), 0);
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    signal(SIGXFSZ, SIG_IGN);
    cgv_test_listen();
    const off_t rooms[] = {0, 1000, st.st_size / 2, st.st_size - 1};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        limit = unlimited;
        limit.rlim_cur = (rlim_t)rooms[i];
        CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
        // A new one, and one in the place of the old one.
        cgv_status a = cgv_checkpoint_save(trainer, second, NULL);
        int messages = cgv_test_messages();
        cgv_status b = cgv_checkpoint_save(trainer, first, NULL);
        bool said = cgv_test_said("File too large");
        CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
        CU_ASSERT(a == CGV_ERROR_IO && b == CGV_ERROR_IO && messages == 1 && said);
        CU_ASSERT(access(second, F_OK) != 0);
        check_latest(1);
    }
    CU_ASSERT_EQUAL(cgv_checkpoint_load(other, first, NULL), CGV_OK);
    check_same_state(trainer, other);
    unlink(first);
    CU_ASSERT_EQUAL(rmdir(dir), 0); // nothing half written is left
    CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
    free(first);
    free(second);
    cgv_trainer_destroy(&trainer);
    cgv_trainer_destroy(&other);
}

// The losses are those before the update: a step may spoil the weights and say nothing.
static void test_diverged(void) {
    static float a[NUMBERS], b[NUMBERS];
    const float rates[][2] = {{NAN, 1e-3f}, {1e-3f, INFINITY}};
    const char *const spoilt[] = {"'G_A/", "'D_A/"};
    char *path = cgv_checkpoint_path(dir, 1);
    for (int i = 0; i < 2; i++) {
        cgv_trainer *trainer = make_trainer();
        cgv_losses losses;
        CU_ASSERT_EQUAL(cgv_trainer_step(trainer, &losses, a, b, NULL, rates[i][0], rates[i][1]),
                        CGV_OK);
        cgv_test_listen();
        CU_ASSERT_EQUAL(cgv_checkpoint_save(trainer, path, NULL), CGV_ERROR_NUMERIC);
        CU_ASSERT(cgv_test_said(spoilt[i]));
        CU_ASSERT_EQUAL(rmdir(dir), 0); // nothing is left
        CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
        cgv_trainer_destroy(&trainer);
    }
    free(path);
}

static void test_export(void) {
    cgv_trainer *trainer = make_trainer();
    char *path = path_of("G_AB.safetensors");
    for (int i = 0; i < 2; i++)
        step(trainer);
    for (int n = 0; n < CGV_NETS; n++)
        for (int averaged = 0; averaged < 2; averaged++) {
            const cgv_net_state *state = cgv_trainer_net(trainer, n);
            bool from_average = averaged && n < CGV_D_A;
            const cgv_buffer *values = from_average ? &state->average : &state->params.values;
            cgv_model *model;
            CU_ASSERT_EQUAL_FATAL(cgv_trainer_export(trainer, n, path, averaged), CGV_OK);
            CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, path), CGV_OK);
            CU_ASSERT_STRING_EQUAL(model->net->architecture, state->model->net->architecture);
            CU_ASSERT_EQUAL(model->info.train_width, cgv_trainer_settings(trainer)->width);
            CU_ASSERT_EQUAL(model->info.train_height, cgv_trainer_settings(trainer)->height);
            float *expected = malloc(values->size);
            CU_ASSERT_EQUAL(cgv_buffer_read(values, 0, expected, values->size), CGV_OK);
            CU_ASSERT_EQUAL(memcmp(model->params, expected, values->size), 0);
            free(expected);
            cgv_model_destroy(&model);
        }
    unlink(path);
    free(path);
    cgv_trainer_destroy(&trainer);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"a resumed run is the uninterrupted one", test_resume},
        {"damaged and foreign files", test_damaged},
        {"checkpoints of other runs", test_other_runs},
        {"the newest, and rotation", test_folder},
        {"a full disk", test_full_disk},
        {"weights that are NaN", test_diverged},
        {"export", test_export},
        {0},
    };
    if (!mkdtemp(dir))
        return 1;
    make_models();
    int failed = cgv_test_run("checkpoint", cases);
    for (int i = 0; i < CGV_NETS; i++)
        cgv_model_destroy(&models[i]);
    cgv_model_destroy(&wide[0]);
    rmdir(dir);
    return failed;
}
