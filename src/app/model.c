// cgvideo model info | convert: what is in a model file, and writing it as .safetensors or .onnx.
#include <string.h>

#include "app/app.h"
#include "app/model_path.h"
#include "app/text.h"
#include "base/log.h"

typedef struct model_options {
    cgv_app_common common;
    cgv_cli_size size;
    int precision; // cgv_model_precision
    int model_range, model_order;
    const char *description, *average;
    double share;
} model_options;

// In the order of cgv_model_precision.
static const char *const precisions[] = {"f32", "f16", NULL};

static const cgv_cli_option info_options[] = {
    {.name = "s",
     .kind = CGV_CLI_SIZE,
     .offset = offsetof(model_options, size),
     .value = "WxH",
     .help = "picture size for which multiply-adds are counted (256x256)",
     .min = 1,
     .max = 16384},
    CGV_APP_MODEL_OPTIONS(model_options),
    CGV_APP_MESSAGE_OPTIONS,
    {0},
};

static const cgv_cli_option convert_options[] = {
    {.name = "dtype",
     .kind = CGV_CLI_CHOICE,
     .offset = offsetof(model_options, precision),
     .value = "NAME",
     .help = "how weights are stored: f32, or f16, which takes half the space (f32)",
     .choices = precisions},
    {.name = "description",
     .kind = CGV_CLI_TEXT,
     .offset = offsetof(model_options, description),
     .value = "TEXT",
     .help = "a line about the model (the one that IN has)"},
    {.name = "average",
     .kind = CGV_CLI_TEXT,
     .offset = offsetof(model_options, average),
     .value = "MODEL",
     .help = "write the mean of the weights of IN and this model of the same architecture"},
    {.name = "share",
     .kind = CGV_CLI_REAL,
     .offset = offsetof(model_options, share),
     .value = "0..1",
     .help = "with -average: the part of that model in the mean (0.5)",
     .min = 0,
     .max = 1},
    CGV_APP_MODEL_OPTIONS(model_options),
    CGV_APP_MESSAGE_OPTIONS,
    {0},
};

static int info(const char *const *words, const model_options *o) {
    cgv_model *model;
    if (cgv_model_open(&model, words[0], CGV_APP_MODEL_PARAMS(o)))
        return CGV_EXIT_FAILED;
    const cgv_model_info *i = cgv_model_get_info(model);
    if (*i->description)
        printf("description   %s\n", i->description);
    printf("architecture  %s\n", i->architecture);
    printf("format        %s\n", i->format);
    if (i->train_width)
        printf("trained at    %dx%d\n", i->train_width, i->train_height);
    printf("channels      %d -> %d\n", i->input_channels, i->output_channels);
    printf("parameters    %lld in %d tensors\n", (long long)i->parameters, i->tensors);
    printf("cost          %.3f GMAC at %dx%d\n",
           cgv_model_gmac(model, o->size.width, o->size.height), o->size.width, o->size.height);
    cgv_model_destroy(&model);
    return CGV_EXIT_OK;
}

static cgv_status average(cgv_model *model, const model_options *o) {
    cgv_model *other;
    cgv_status status = cgv_model_open(&other, o->average, NULL);
    if (!status)
        status = cgv_model_average(model, other, (float)(o->share < 0 ? 0.5 : o->share));
    cgv_model_destroy(&other);
    return status;
}

static int convert(const char *const *words, const model_options *o) {
    const char *out = words[1];
    bool onnx = cgv_text_ends_in(out, ".onnx");
    if (!onnx && !cgv_text_ends_in(out, ".safetensors")) {
        cgv_log(CGV_LOG_ERROR,
                "%s: cgvideo does not write this kind of file: the name must end in .safetensors "
                "or .onnx",
                out);
        return CGV_EXIT_USAGE;
    }
    if (onnx && o->precision != CGV_MODEL_F32) {
        cgv_log(CGV_LOG_ERROR, "%s: .onnx files are written in float32: leave out -dtype", out);
        return CGV_EXIT_USAGE;
    }
    if (o->share >= 0 && !o->average) {
        cgv_log(CGV_LOG_ERROR, "-share is the part of the model that -average names");
        return CGV_EXIT_USAGE;
    }
    cgv_model *model;
    if (cgv_model_open(&model, words[0], CGV_APP_MODEL_PARAMS(o)))
        return CGV_EXIT_FAILED;
    int code = CGV_EXIT_OK;
    if (o->description && cgv_model_describe(model, o->description))
        code = CGV_EXIT_USAGE;
    else if ((o->average && average(model, o)) ||
             (onnx ? cgv_model_save_onnx(model, out)
                   : cgv_model_save(model, out, (cgv_model_precision)o->precision)))
        code = CGV_EXIT_FAILED;
    cgv_model_destroy(&model);
    return code;
}

typedef struct action {
    const char *name, *usage;
    const cgv_cli_option *options;
    int words; // that it takes
    int (*run)(const char *const *words, const model_options *o);
} action;

static const action actions[] = {
    {"info", "cgvideo model info MODEL [-s WxH]", info_options, 1, info},
    {"convert",
     "cgvideo model convert IN OUT.safetensors|OUT.onnx [-dtype f16] [-average MODEL [-share X]] "
     "[-description TEXT]",
     convert_options, 2, convert},
};
enum { ACTIONS = sizeof actions / sizeof *actions };

static int usage(void) {
    cgv_log(CGV_LOG_ERROR, "usage: %s, or %s", actions[0].usage, actions[1].usage);
    return CGV_EXIT_USAGE;
}

static void print_help(void) {
    for (int i = 0; i < ACTIONS; i++) {
        puts(actions[i].usage);
        cgv_cli_help(actions[i].options, stdout);
    }
}

int cgv_app_model(int argc, char **argv) {
    model_options o = {.common.hide_banner = true, .size = {256, 256}, .share = -1};
    const char *words[2], *word = argc > 1 ? argv[1] : "";
    int count, i = 0;
    if (!strcmp(word, "-h") || !strcmp(word, "-help") || !strcmp(word, "--help")) {
        print_help();
        return CGV_EXIT_OK;
    }
    while (i < ACTIONS && strcmp(word, actions[i].name))
        i++;
    if (i == ACTIONS)
        return usage();
    const action *a = &actions[i];
    if (cgv_cli_parse(a->options, &o, argc - 1, argv + 1, words, a->words, &count) ||
        cgv_app_begin(&o.common))
        return CGV_EXIT_USAGE;
    if (o.common.help) {
        puts(a->usage);
        cgv_cli_help(a->options, stdout);
        return CGV_EXIT_OK;
    }
    return count == a->words ? a->run(words, &o) : usage();
}
