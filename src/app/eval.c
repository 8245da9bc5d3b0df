// cgvideo eval -m MODEL -a DIR -b DIR: how far a generator's pictures are from those of B, beside
// trivial translations; whether they come back; whether they flicker. The command line.
#include "app/eval.h"

#include <signal.h>

#include "app/model_path.h"
#include "base/log.h"

#define FIELD(field) .offset = offsetof(cgv_eval_options, field)
#define TEXT(option, field, value_name, text)                                                      \
    { .name = option, .kind = CGV_CLI_TEXT, FIELD(field), .value = value_name, .help = text }
#define INT(option, field, low, high, text)                                                        \
    {                                                                                              \
        .name = option, .kind = CGV_CLI_INT, FIELD(field), .value = "N", .help = text, .min = low, \
        .max = high                                                                                \
    }

static const cgv_cli_option options[] = {
    TEXT("m", model, "MODEL", "generator A -> B: file, name or identity (" CGV_DEFAULT_MODEL ")"),
    CGV_APP_MODEL_OPTIONS(cgv_eval_options),
    TEXT("m_back", model_back, "MODEL", "generator B -> A: what comes back is measured, too"),
    TEXT("a", a, "SOURCES", "domain A: videos, pictures, folders, globs, separated by commas"),
    TEXT("b", b, "SOURCES", "domain B, unpaired with A"),
    TEXT("o", output, "DIR", "where eval.json and the sheets of pictures go (eval)"),
    {.name = "s",
     .kind = CGV_CLI_SIZE,
     FIELD(size),
     .value = "WxH",
     .help = "size at which collections are compared: pictures cover it, the middle is taken "
             "(256x256)",
     .min = CGV_SWD_LEAST_SIDE,
     .max = 8192},
    INT("limit", limit, 1, 1000000,
        "pictures of a side, evenly chosen, and first frames of a video (300)"),
    INT("net_height", net_height, 0, 65536, "as for translating (0: as trained)"),
    {.name = "stabilize",
     .kind = CGV_CLI_REAL,
     FIELD(stabilize),
     .value = "0..1",
     .help = "as for translating (0.95): flicker is measured without and with it; 0: without",
     .min = 0,
     .max = 1},
    CGV_APP_KERNELS_OPTION(cgv_eval_options),
    INT("seed", seed, 0, 2000000000, "of all random choices (1)"),
    CGV_APP_COMMON_OPTIONS,
    {0},
};

static cgv_status evaluate(cgv_device *device, const cgv_eval_options *o) {
    cgv_eval eval;
    cgv_status status = cgv_eval_run(&eval, device, o);
    if (!status)
        status = cgv_eval_report(&eval);
    cgv_eval_free(&eval);
    return status;
}

int cgv_app_eval(int argc, char **argv) {
    cgv_eval_options o = {.common.hide_banner = true,
                          .model = CGV_DEFAULT_MODEL,
                          .output = "eval",
                          .size = {256, 256},
                          .limit = 300,
                          .stabilize = CGV_STABILIZE,
                          .kernels = CGV_KERNELS_AUTO,
                          .seed = 1};
    int words;
    if (cgv_cli_parse(options, &o, argc, argv, NULL, 0, &words))
        return CGV_EXIT_USAGE;
    if (!o.common.help)
        signal(SIGPIPE, SIG_IGN); // eval.json is written also when nobody reads the messages
    if (cgv_app_begin(&o.common))
        return CGV_EXIT_USAGE;
    if (o.common.help) {
        puts("cgvideo eval [-m MODEL] -a SOURCES -b SOURCES [options]\n"
             "Measure a generator: sliced Wasserstein distance to B, cycle PSNR, flicker.");
        cgv_cli_help(options, stdout);
        return CGV_EXIT_OK;
    }
    if (!o.a || !o.b) {
        cgv_log(CGV_LOG_ERROR,
                "eval needs -a and -b: what the model translates, and what that should look like");
        return CGV_EXIT_USAGE;
    }
    cgv_device *device;
    if (cgv_app_open_device(&device, &o.common))
        return CGV_EXIT_FAILED;
    cgv_status status = evaluate(device, &o);
    return cgv_app_close_device(&device, status ? CGV_EXIT_FAILED : CGV_EXIT_OK);
}
