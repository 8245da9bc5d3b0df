// cgvideo model info | convert: what is in a model file, and writing it as .safetensors.
#include <string.h>

#include "app/app.h"
#include "base/log.h"

typedef struct model_options {
    cgv_app_common common;
    cgv_cli_size size;
} model_options;

static const cgv_cli_option options[] = {
    {.name = "s",
     .kind = CGV_CLI_SIZE,
     .offset = offsetof(model_options, size),
     .value = "WxH",
     .help = "picture size for which info counts multiply-adds (256x256)",
     .min = 1,
     .max = 16384},
    CGV_APP_MESSAGE_OPTIONS,
    {0},
};

static int info(const char *path, cgv_cli_size size) {
    cgv_model *model;
    if (cgv_model_load(&model, path))
        return CGV_EXIT_FAILED;
    const cgv_model_info *i = cgv_model_get_info(model);
    printf("architecture  %s\n", i->architecture);
    printf("format        %s\n", i->format);
    printf("channels      %d -> %d\n", i->input_channels, i->output_channels);
    printf("parameters    %lld in %d tensors\n", (long long)i->parameters, i->tensors);
    printf("cost          %.3f GMAC at %dx%d\n", cgv_model_gmac(model, size.width, size.height),
           size.width, size.height);
    cgv_model_destroy(&model);
    return CGV_EXIT_OK;
}

static int convert(const char *in, const char *out) {
    static const char suffix[] = ".safetensors";
    size_t length = strlen(out);
    if (length < sizeof suffix || strcmp(out + length - (sizeof suffix - 1), suffix)) {
        cgv_log(CGV_LOG_ERROR, "%s: the output's name must end in %s", out, suffix);
        return CGV_EXIT_USAGE;
    }
    cgv_model *model;
    if (cgv_model_load(&model, in))
        return CGV_EXIT_FAILED;
    cgv_status status = cgv_model_save(model, out);
    cgv_model_destroy(&model);
    return status ? CGV_EXIT_FAILED : CGV_EXIT_OK;
}

int cgv_app_model(int argc, char **argv) {
    model_options o = {.common.hide_banner = true, .size = {256, 256}};
    const char *words[3];
    int count;
    if (cgv_cli_parse(options, &o, argc, argv, words, 3, &count) || cgv_app_begin(&o.common))
        return CGV_EXIT_USAGE;
    if (o.common.help) {
        puts("cgvideo model info FILE [-s WxH]\n"
             "cgvideo model convert IN OUT.safetensors");
        cgv_cli_help(options, stdout);
        return CGV_EXIT_OK;
    }
    if (count == 2 && !strcmp(words[0], "info"))
        return info(words[1], o.size);
    if (count == 3 && !strcmp(words[0], "convert"))
        return convert(words[1], words[2]);
    cgv_log(CGV_LOG_ERROR, "usage: cgvideo model info FILE [-s WxH], or "
                           "cgvideo model convert IN OUT.safetensors");
    return CGV_EXIT_USAGE;
}
