// cgvideo train -a DAY -b NIGHT -o RUN: the command line and the run directory's configuration.
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config.h"
#include "app/kernels.h"
#include "app/train.h"
#include "base/fs.h"
#include "base/log.h"
#include "gpu/gpu.h"
#include "nn/arch.h"
#include "train/dataset.h"
#include "train/trainer.h"

#define FIELD(field) .offset = offsetof(cgv_train_options, field)
#define TEXT(option, field, value_name, text)                                                      \
    { .name = option, .kind = CGV_CLI_TEXT, FIELD(field), .value = value_name, .help = text }
#define INT(option, field, low, high, text)                                                        \
    {                                                                                              \
        .name = option, .kind = CGV_CLI_INT, FIELD(field), .value = "N", .help = text, .min = low, \
        .max = high                                                                                \
    }
#define REAL(option, field, low, high, text)                                                       \
    {                                                                                              \
        .name = option, .kind = CGV_CLI_REAL, FIELD(field), .value = "X", .help = text,            \
        .min = low, .max = high                                                                    \
    }
#define CHOICE(option, field, names, text)                                                         \
    {                                                                                              \
        .name = option, .kind = CGV_CLI_CHOICE, FIELD(field), .value = "NAME", .choices = names,   \
        .help = text                                                                               \
    }
#define FLAG(option, field, text)                                                                  \
    { .name = option, .kind = CGV_CLI_FLAG, FIELD(field), .help = text }

// In the order of cgv_gan_mode, cgv_schedule_kind and cgv_preprocess.
static const char *const norms[] = {"instance", "none", NULL};
static const char *const gans[] = {"lsgan", "vanilla", "hinge", NULL};
static const char *const schedules[] = {"linear", "step", "cosine", "constant", NULL};
static const char *const kernels_names[] = {"rules", "auto", "direct", NULL}; // of cgv_kernels
static const char *const frozen[] = {"none", "G_A", "G_B", NULL};             // of cgv_frozen
static const char *const directions[] = {"AtoB", "BtoA", NULL};
static const char *const preprocesses[] = {
    "resize_and_crop", "crop", "scale_width", "scale_width_and_crop",
    "scale_shortside", "none", NULL};

const cgv_cli_option cgv_train_option_table[] = {
    TEXT("a", a, "SOURCES", "domain A: videos, pictures, folders, globs, separated by commas"),
    TEXT("b", b, "SOURCES", "domain B, unpaired with A if not -paired"),
    FLAG("paired", paired,
         "pairs (pix2pix): pictures of -a and -b that are called alike; without -b those of -a, "
         "which show A and B side by side"),
    CHOICE("direction", direction, directions, "of pairs: AtoB or BtoA (AtoB)"),
    {.name = "o",
     .kind = CGV_CLI_TEXT,
     FIELD(output),
     .value = "DIR",
     .help = "run directory, made if missing",
     .transient = true},
    {.name = "resume",
     .kind = CGV_CLI_TEXT,
     FIELD(resume),
     .value = "DIR",
     .help = "go on with a run; its settings come from there",
     .transient = true},
    TEXT("cache", cache, "DIR", "keep decoded, scaled frames there and read them from there"),
    INT("frames", frames, 1, 1000000, "frames taken from the videos of one domain (2000)"),
    TEXT("arch", arch, "NAME",
         "generator: resnet_9blocks, resnet_6blocks, mobile (mobile_resnet_9blocks), unet_256 … "
         "(resnet_9blocks; unet_256 with -paired)"),
    TEXT("upsample", upsample, "NAME",
         "of a resnet: transpose, resize or blur (as the name of -arch says, else transpose)"),
    TEXT("head", head, "NAME",
         "of a resnet: plain, affine, affine2 (at half size), affine4 or grid (as -arch says, else "
         "plain)"),
    INT("ngf", ngf, 1, 1024, "channels of the generators' first layer (64)"),
    INT("ndf", ndf, 1, 1024, "channels of the discriminators' first layer (64)"),
    INT("layers", layers, 1, CGV_PATCHGAN_MAX_LAYERS, "layers of the discriminators (3)"),
    INT("shrink_g", shrink_g, 1, 16,
        "generators with a grid see the picture made smaller by this, and slice it as it is (1)"),
    INT("shrink_d", shrink_d, 1, 16,
        "discriminators judge the picture made smaller by this factor (1)"),
    INT("coarse_d", coarse_d, 0, 64,
        "a second judge in each discriminator, of the picture made smaller by this factor (0: "
        "none)"),
    FLAG("coord_d", coord_d,
         "the discriminators know how high in the picture they look: skies are above"),
    CHOICE("norm_d", norm_d, norms,
           "norm of the discriminators: instance, or none: they see how dark it is (instance)"),
    TEXT("init_g", init_g, "FILES",
         "start G_A[,G_B] from these models, whatever -arch, -ngf, -upsample and -head say"),
    TEXT("init_d", init_d, "FILES", "start D_A[,D_B] from these models"),
    CHOICE("freeze", freeze, frozen,
           "a generator that stays as -init_g gives it, while the other learns the way back: none, "
           "G_A or G_B (none)"),
    CHOICE("preprocess", preprocess, preprocesses,
           "resize_and_crop, crop, scale_width, scale_width_and_crop, scale_shortside or none"),
    INT("size", load_size, 0, 16384,
        "pictures are scaled to this first (1.117 times the crop); not with -preprocess crop, "
        "scale_width and none"),
    {.name = "crop",
     .kind = CGV_CLI_SIZE,
     FIELD(crop),
     .value = "WxH",
     .help = "size of the training pictures (256x256)",
     .min = 16,
     .max = 8192},
    REAL("min_scale", min_scale, 0, 1, "smallest crop, as a fraction of the largest (0: one size)"),
    FLAG("no_flip", no_flip, "do not mirror half of the pictures"),
    REAL("exposure_a", exposure_a, 0, 4,
         "expose pictures of A at random by up to this many stops less or more (0)"),
    REAL("exposure_b", exposure_b, 0, 4, "the same for B (0)"),
    CHOICE("gan", gan, gans,
           "adversarial loss: lsgan, vanilla or hinge (lsgan; vanilla with -paired)"),
    REAL("lambda_l1", lambda_l1, 0, 10000,
         "of pairs: weight of the difference between B and what was made of A (100)"),
    REAL("lambda_a", lambda_a, 0, 1000, "weight of the cycle A -> B -> A (10)"),
    REAL("lambda_b", lambda_b, 0, 1000, "weight of the cycle B -> A -> B (10)"),
    REAL("identity", identity, 0, 1000, "weight of the identity loss, times lambda (0.5)"),
    REAL("equivariance", equivariance, 0, 1000,
         "weight of the loss that makes results move with the picture, against flicker (0)"),
    REAL("histogram", histogram, 0, 1000,
         "weight of the loss that gives results the tones of a picture of the other domain (0)"),
    INT("histogram_bands", histogram_bands, 1, 64,
        "bands of rows that -histogram matches each by itself (1)"),
    REAL("histogram_chroma", histogram_chroma, 0, 1,
         "how much -histogram matches colours too: 0 for brightness alone (1)"),
    REAL("night", night, 0, 1000,
         "where B is A by night: weight of the loss that makes skies dark, and leaves the ground "
         "some of its light (0)"),
    REAL("night_gamma", night_gamma, 0.1, 10,
         "gamma by which the ground darkens by -night and -windows (1)"),
    REAL("night_most", night_most, 0, 1,
         "how much of its brightness the ground keeps by them at most (1)"),
    REAL("night_light", night_light, 0, 1,
         "how much of what it may keep the ground keeps by -night at least (0.5)"),
    REAL("windows", windows, 0, 1000,
         "where B is A by night: weight of the loss that lights windows (0)"),
    INT("pool", pool, 0, 100000, "past fakes shown to the discriminators (50)"),
    REAL("lr", lr, 0, 1, "learning rate (0.0002)"),
    REAL("lr_d", lr_d, 0, 1, "learning rate of the discriminators (0: the same)"),
    REAL("beta1", beta1, 0, 0.9999, "Adam's first momentum (0.5)"),
    CHOICE("schedule", schedule, schedules, "linear, step, cosine or constant (linear)"),
    REAL("ema", average, 0, 0.999999, "decay of averaged generator weights, exported when on (0)"),
    INT("batch", batch, 1, 1024, "pictures of a batch (1)"),
    INT("accumulate", accumulate, 1, 1024, "batches of a step (1)"),
    INT("epochs", epochs, 1, 1000000, "passes over the larger domain (200)"),
    INT("steps", steps, 0, 2000000000, "steps instead of epochs"),
    INT("seed", seed, 0, 2000000000, "of all random choices (1)"),
    CHOICE("kernels", kernels, kernels_names,
           "of convolutions: auto (the fastest, measured once), rules or direct (auto)"),
    FLAG("recompute", recompute, "keep fewer activations, run the generators again instead"),
    INT("log_every", log_every, 1, 1000000, "steps between logged losses (50)"),
    INT("sample_every", sample_every, 1, 100000000, "steps between sample grids (500)"),
    INT("save_every", save_every, 1, 100000000, "steps between checkpoints (1000)"),
    INT("keep", keep, 1, 100000, "checkpoints kept (2)"),
    {.name = "threads",
     .kind = CGV_CLI_INT,
     FIELD(workers),
     .value = "N",
     .help = "threads that prepare pictures (0: as many as help)",
     .min = 0,
     .max = 256,
     .transient = true},
    CGV_APP_COMMON_OPTIONS,
    {0},
};

cgv_train_options cgv_train_option_defaults(bool paired) {
    cgv_train_options defaults = {
        .arch = "resnet_9blocks",
        .ngf = 64,
        .ndf = 64,
        .layers = 3,
        .shrink_g = 1,
        .shrink_d = 1,
        .crop = {256, 256},
        .frames = 2000,
        .lambda_a = 10,
        .lambda_b = 10,
        .identity = 0.5,
        .histogram_bands = 1,
        .histogram_chroma = 1,
        .night_light = 0.5,
        .night_gamma = 1,
        .night_most = 1,
        .lr = 2e-4,
        .beta1 = 0.5,
        .pool = 50,
        .kernels = CGV_KERNELS_AUTO,
        .batch = 1,
        .accumulate = 1,
        .epochs = 200,
        .seed = 1,
        .log_every = 50,
        .sample_every = 500,
        .save_every = 1000,
        .keep = 2,
    };
    if (paired) {
        defaults.arch = "unet_256";
        defaults.gan = CGV_GAN_VANILLA;
        defaults.lambda_l1 = 100;
        defaults.lambda_a = defaults.lambda_b = defaults.identity = 0;
        defaults.pool = 0;
    }
    return defaults;
}

static int count_names(const char *list) {
    int count = list != NULL;
    for (const char *comma = list; comma && (comma = strchr(comma, ',')); comma++)
        count += comma[1] != 0;
    return count;
}

static cgv_status check_options(const cgv_train_options *o) {
    if (o->resume)
        return CGV_OK;
    if (!o->a || !o->output || (!o->b && !o->paired))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "train needs -a and -b, the two domains (or -paired), and -o, the run "
                        "directory; or -resume and a run directory");
    if (!o->paired && (o->lambda_l1 > 0 || o->direction))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-lambda_l1 and -direction are of -paired trainings");
    if (o->paired &&
        ((o->init_g && strchr(o->init_g, ',')) || (o->init_d && strchr(o->init_d, ','))))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "a -paired training has one generator and one discriminator: give -init_g "
                        "and -init_d one file each");
    if (count_names(o->init_g) > 2 || count_names(o->init_d) > 2)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-init_g and -init_d take two files at most");
    if (o->load_size &&
        (o->preprocess == CGV_PREPROCESS_CROP || o->preprocess == CGV_PREPROCESS_SCALE_WIDTH ||
         o->preprocess == CGV_PREPROCESS_NONE))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "-size is for -preprocess resize_and_crop, scale_width_and_crop and "
                        "scale_shortside: %s has no size to load pictures at",
                        preprocesses[o->preprocess]);
    if (o->paired && o->histogram > 0)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-histogram is of unpaired trainings");
    if (o->paired && o->night > 0)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-night is of unpaired trainings");
    if (o->paired && o->windows > 0)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-windows is of unpaired trainings");
    if (o->paired && o->freeze)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-freeze is of unpaired trainings");
    if (o->freeze > count_names(o->init_g)) // G_A is the first of its files, G_B the second
        return cgv_fail(CGV_ERROR_ARGUMENT, "-freeze %s: -init_g does not give it",
                        frozen[o->freeze]);
    if (o->freeze == CGV_FROZEN_G_A && (o->night > 0 || o->windows > 0))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "-night and -windows are losses of G_A: not with -freeze G_A");
    if (o->histogram == 0 && (o->histogram_bands != 1 || o->histogram_chroma != 1))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "-histogram_bands and -histogram_chroma are of -histogram: give it too");
    if (o->night == 0 && o->night_light != 0.5)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-night_light is of -night: give it too");
    if (!cgv_train_needs_scenes(o) && (o->night_most != 1 || o->night_gamma != 1))
        return cgv_fail(CGV_ERROR_ARGUMENT, "-night_gamma and -night_most are of -night and "
                                            "-windows: give one of them too");
    if (o->shrink_g > 1 && o->preprocess == CGV_PREPROCESS_CROP && o->min_scale <= 0)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "-shrink_g is for pictures scaled to one size: not with -preprocess crop, "
                        "but with -min_scale");
    if (o->coarse_d == 1)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-coarse_d takes 0 (none) or 2 and more, not 1");
    return CGV_OK;
}

static atomic_bool stop;
static volatile sig_atomic_t signals;

static void on_signal(int number) {
    (void)number;
    if (++signals > 1)
        _exit(CGV_EXIT_SIGNAL); // checkpoints are whole or absent at any moment
    atomic_store(&stop, true);
}

// What the bytes of a run depend on beside its settings: the device, and how kernels work there.
static json_t *describe_device(const cgv_device *device) {
    const cgv_device_info *info = cgv_device_get_info(device);
    const cgv_limits *limits = cgv_device_limits(device);
    return json_pack("{s:s, s:s, s:{s:i, s:s, s:s}}", "name", info->name, "driver", info->driver,
                     "kernels", "subgroup", (int)limits->subgroup, "lanes",
                     limits->shuffle ? "shuffle" : "broadcast", "sums",
                     limits->wide_sums ? "double" : "float");
}

static void leave_out(json_t *settings, const char *const *names) {
    for (; *names; names++)
        json_object_del(settings, *names);
}

// The settings of a run. Where all generators or all discriminators are those of files, options say
// nothing of them.
static json_t *settings(const cgv_train_options *o) {
    static const char *const of_messages[] = {"loglevel", "v", "hide_banner", "h", "help", NULL};
    static const char *const of_generators[] = {"arch", "ngf", "upsample", "head", NULL};
    static const char *const of_discriminators[] = {"ndf", "layers", NULL};
    const int pairs = o->paired ? 1 : 2;
    json_t *all = cgv_config_write(cgv_train_option_table, o);
    leave_out(all, of_messages);
    if (count_names(o->init_g) == pairs)
        leave_out(all, of_generators);
    if (count_names(o->init_d) == pairs)
        leave_out(all, of_discriminators);
    return all;
}

// What config.json of a new run holds. Settings under "options"; the rest is for the reader, and
// to notice on resuming that the machine is another one.
static json_t *new_config(const cgv_train_options *o, const cgv_device *device) {
    return json_pack("{s:s, s:o, s:o}", "cgvideo", cgv_version(), "device", describe_device(device),
                     "options", settings(o));
}

// Relative names of sources, of the cache and of models begin at the folder that the run was
// started in. (One whose name is no text in UTF-8 cannot be noted.)
static void note_folder(json_t *config) {
    char *here = getcwd(NULL, 0);
    json_t *name = here ? json_string(here) : NULL;
    if (name)
        json_object_set_new(config, "folder", name);
    free(here);
}

// Go there; *run is the run directory as seen from everywhere, to be freed.
static cgv_status enter_folder(cgv_train_options *o, char **run, const json_t *config) {
    const char *folder = json_string_value(json_object_get(config, "folder"));
    char *here = getcwd(NULL, 0);
    bool elsewhere = folder && here && strcmp(folder, here) != 0;
    free(here);
    if (!elsewhere)
        return CGV_OK;
    if (!(*run = realpath(o->resume, NULL)))
        return cgv_fail(CGV_ERROR_IO, "%s: %s", o->resume, strerror(errno));
    if (chdir(folder)) {
        cgv_log(CGV_LOG_WARNING,
                "this run was started in %s (%s): relative names of its files are looked up here",
                folder, strerror(errno));
        return CGV_OK;
    }
    cgv_log(CGV_LOG_VERBOSE, "names of files are relative to %s, where the run was started",
            folder);
    o->resume = o->output = *run;
    return CGV_OK;
}

static cgv_status refuse_second_run(const char *output) {
    char *path = cgv_fs_format("%s/config.json", output);
    bool exists = path && !access(path, F_OK);
    free(path);
    return exists ? cgv_fail(CGV_ERROR_ARGUMENT,
                             "%s holds a run already: go on with -resume %s, or choose another -o",
                             output, output)
                  : CGV_OK;
}

// Read the options of a run to go on with, but those that were given now; they keep pointing into
// *config.
static cgv_status read_config(cgv_train_options *o, json_t **config) {
    const char *gpu = o->common.gpu;
    char *path = cgv_fs_format("%s/config.json", o->resume);
    json_error_t error = {0};
    cgv_status status;
    *config = path ? json_load_file(path, 0, &error) : NULL;
    if (*config)
        status =
            cgv_config_read(cgv_train_option_table, o, json_object_get(*config, "options"), path);
    else if (path && access(path, F_OK))
        status = cgv_fail(CGV_ERROR_IO, "%s: no run to go on with: %s", path, strerror(errno));
    else
        status = cgv_fail(CGV_ERROR_FORMAT, "%s/config.json: %s", o->resume, error.text);
    o->output = o->resume;
    if (gpu)
        o->common.gpu = gpu;
    free(path);
    return status;
}

static void compare_devices(const json_t *config, const cgv_device *device) {
    json_t *then = json_object_get(config, "device"), *now = describe_device(device);
    if (then && now && !json_equal(then, now)) {
        char *text = json_dumps(then, JSON_COMPACT);
        cgv_log(CGV_LOG_WARNING,
                "this run began on another device (%s): here it goes on, but not bit for bit",
                text ? text : "");
        free(text);
    }
    json_decref(now);
}

// With -resume, the only other options that make sense are those of this machine.
static cgv_status check_resume(int argc, char **argv) {
    static const char *const allowed[] = {"resume",  "gpu",         "loglevel", "v",
                                          "threads", "hide_banner", NULL};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + strspn(argv[i], "-");
        bool found = argv[i][0] != '-';
        for (int k = 0; allowed[k] && !found; k++)
            found = !strncmp(name, allowed[k], strcspn(name, "=")) &&
                    strlen(allowed[k]) == strcspn(name, "=");
        if (!found)
            return cgv_fail(CGV_ERROR_ARGUMENT,
                            "-resume goes on with the run's own settings: leave out -%s", name);
    }
    return CGV_OK;
}

static void print_help(void) {
    puts("cgvideo train -a SOURCES -b SOURCES -o DIR [options]\n"
         "cgvideo train -paired -a SOURCES [-b SOURCES] -o DIR [options]\n"
         "cgvideo train -resume DIR\n"
         "Train generators A -> B and B -> A on unpaired pictures or videos (CycleGAN), or one of\n"
         "A -> B on pairs (pix2pix).");
    cgv_cli_help(cgv_train_option_table, stdout);
}

int cgv_app_train(int argc, char **argv) {
    cgv_train_options o = cgv_train_option_defaults(cgv_cli_given(argc, argv, "paired"));
    const char *words[1];
    int count;
    if (cgv_cli_parse(cgv_train_option_table, &o, argc, argv, words, 0, &count))
        return CGV_EXIT_USAGE;
    if (!o.common.help)
        signal(SIGPIPE, SIG_IGN); // days of work go on when nobody reads the messages any more
    if (cgv_app_begin(&o.common))
        return CGV_EXIT_USAGE;
    if (o.common.help || argc == 1) {
        print_help();
        return argc == 1 ? CGV_EXIT_USAGE : CGV_EXIT_OK;
    }
    if (check_options(&o))
        return CGV_EXIT_USAGE;
    if (o.resume && check_resume(argc, argv))
        return CGV_EXIT_USAGE;

    json_t *config = NULL;
    char *run = NULL;
    cgv_device *device = NULL;
    cgv_status status = o.resume ? read_config(&o, &config) : refuse_second_run(o.output);
    if (!status && o.resume)
        status = enter_folder(&o, &run, config);
    if (!status)
        status = cgv_app_open_device(&device, &o.common);
    if (status)
        goto done;
    if (o.resume) {
        compare_devices(config, device);
        status = cgv_kernels_take(device, json_object_get(config, "kernels"), "config.json");
    } else if (!(config = new_config(&o, device))) {
        status = cgv_fail(CGV_ERROR_ARGUMENT, "config.json notes all settings, and one of them is "
                                              "no text in UTF-8");
    } else {
        note_folder(config);
    }
    if (status)
        goto done;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    cgv_app_catch_hangup(on_signal);
    status = cgv_train_run(device, &o, config, &stop);
done:
    json_decref(config);
    free(run);
    int code = !status                           ? CGV_EXIT_OK
               : status == CGV_ERROR_INTERRUPTED ? CGV_EXIT_SIGNAL
                                                 : CGV_EXIT_FAILED;
    return device ? cgv_app_close_device(&device, code) : code;
}
