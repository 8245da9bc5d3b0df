// cgvideo: the program. Without a subcommand it translates.
#include <errno.h>
#include <signal.h>
#include <string.h>

#if CGV_FFMPEG
#include <libavutil/avutil.h>
#endif

#include "app/app.h"
#include "app/console.h"
#include "base/log.h"

typedef struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} subcommand;

static const subcommand subcommands[] = {
    {"devices", cgv_app_devices, "list the Vulkan devices"},
    {"models", cgv_app_models, "list the models that -m finds by name"},
    {"model", cgv_app_model, "show or convert a model file"},
    {"train", cgv_app_train, "train generators on unpaired collections, or one on pairs"},
    {"eval", cgv_app_eval, "measure a generator against pictures of its domain"},
    {"bench", cgv_app_bench, "measure a network's speed"},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

void cgv_app_print_version(void) {
    printf("cgvideo %s\n", cgv_version());
#if CGV_FFMPEG
    printf("FFmpeg %s\n", av_version_info());
#else
    puts("built without FFmpeg");
#endif
}

static void print_subcommands(FILE *file) {
    fputs("\nother commands (each has -h):\n", file);
    for (int i = 0; i < SUBCOMMANDS; i++)
        fprintf(file, "  cgvideo %-14s %s\n", subcommands[i].name, subcommands[i].help);
}

#if !CGV_FFMPEG
int cgv_app_translate(int argc, char **argv) {
    bool help = argc < 2 || !strcmp(argv[1], "-h") || !strcmp(argv[1], "--h");
    if (help) {
        puts("cgvideo, built without FFmpeg: it cannot read or write video");
        return CGV_EXIT_OK;
    }
    cgv_log(CGV_LOG_ERROR, "this build of cgvideo has no FFmpeg, so it cannot translate video: "
                           "build it with -DCGV_FFMPEG=ON");
    return CGV_EXIT_FAILED;
}
#endif

static const char *subcommand_name(const void *opaque, int i) {
    (void)opaque;
    return i < SUBCOMMANDS ? subcommands[i].name : NULL;
}

static int run(int argc, char **argv) {
    const char *word = argc > 1 ? argv[1] : "-h";
    if (!strcmp(word, "-version") || !strcmp(word, "--version")) {
        cgv_app_print_version();
        return CGV_EXIT_OK;
    }
    for (int i = 0; i < SUBCOMMANDS; i++)
        if (!strcmp(word, subcommands[i].name))
            return subcommands[i].run(argc - 1, argv + 1);
    if (argc == 2 && word[0] != '-') {
        // One word alone is no translation: most likely a misspelt subcommand.
        const char *suggestion = cgv_cli_suggest(word, subcommand_name, NULL);
        cgv_log(CGV_LOG_ERROR,
                suggestion ? "unknown command '%s': did you mean '%s'?"
                           : "unknown command '%s': see cgvideo -h",
                word, suggestion);
        return CGV_EXIT_USAGE;
    }
    bool help = !strcmp(word, "-h") || !strcmp(word, "--h") || !strcmp(word, "--help");
    int code = argc > 1 ? cgv_app_translate(argc, argv) : CGV_EXIT_USAGE;
    if (argc < 2)
        fputs("usage: cgvideo -i INPUT [-m MODEL] [options] OUTPUT (cgvideo -h lists them)\n",
              stderr);
    else if (help && code == CGV_EXIT_OK)
        print_subcommands(stdout);
    return code;
}

int main(int argc, char **argv) {
    cgv_console_init(CGV_LOG_INFO);
    signal(SIGXFSZ, SIG_IGN); // a file that may not grow is reported by the write itself
    int code = run(argc, argv);
    // A table that is cut off must not pass for the whole one.
    if ((fflush(stdout) || ferror(stdout)) && code == CGV_EXIT_OK) {
        cgv_log(CGV_LOG_ERROR, "standard output: cannot write: %s", strerror(errno));
        code = CGV_EXIT_FAILED;
    }
    return code;
}
