// What the subcommands of the program share.
#ifndef CGV_APP_APP_H
#define CGV_APP_APP_H

#include "app/cli.h"
#include "cgvideo/cgvideo.h"

enum {
    CGV_EXIT_OK = 0,
    CGV_EXIT_FAILED = 1,
    CGV_EXIT_USAGE = 2,
    CGV_EXIT_DAMAGED = 69, // most of the input could not be decoded
    CGV_EXIT_SIGNAL = 255,
};

// The options that every subcommand takes. First member of its own options struct.
typedef struct cgv_app_common {
    const char *gpu, *loglevel;
    bool hide_banner, help;
} cgv_app_common;

// Rows for its option table: all of them, or those that need no device.
#define CGV_APP_COMMON_OPTIONS                                                                     \
    {.name = "gpu",                                                                                \
     .kind = CGV_CLI_TEXT,                                                                         \
     .offset = offsetof(cgv_app_common, gpu),                                                      \
     .value = "DEVICE",                                                                            \
     .help = "Vulkan device: index, UUID or part of its name (see cgvideo devices)"},              \
        CGV_APP_MESSAGE_OPTIONS

#define CGV_APP_MESSAGE_OPTIONS                                                                    \
    {.name = "loglevel",                                                                           \
     .kind = CGV_CLI_TEXT,                                                                         \
     .offset = offsetof(cgv_app_common, loglevel),                                                 \
     .value = "LEVEL",                                                                             \
     .help = "quiet, panic, fatal, error, warning, info, verbose, debug, trace, or its number"},   \
        {.name = "v",                                                                              \
         .kind = CGV_CLI_TEXT,                                                                     \
         .offset = offsetof(cgv_app_common, loglevel),                                             \
         .value = "LEVEL",                                                                         \
         .help = "the same as -loglevel"},                                                         \
        {.name = "hide_banner",                                                                    \
         .kind = CGV_CLI_FLAG,                                                                     \
         .offset = offsetof(cgv_app_common, hide_banner),                                          \
         .help = "do not print the program's name and version"},                                   \
        {.name = "h",                                                                              \
         .kind = CGV_CLI_FLAG,                                                                     \
         .offset = offsetof(cgv_app_common, help),                                                 \
         .help = "print this help"},                                                               \
    {                                                                                              \
        .name = "help", .kind = CGV_CLI_FLAG, .offset = offsetof(cgv_app_common, help),            \
        .help = "the same as -h"                                                                   \
    }

// Row of a command that runs a network: field `precision`, an int that is a cgv_precision.
#define CGV_APP_PRECISION_OPTION(type)                                                             \
    {                                                                                              \
        .name = "precision", .kind = CGV_CLI_CHOICE, .offset = offsetof(type, precision),          \
        .value = "NAME", .choices = cgv_app_precision_names,                                       \
        .help = "of the network's numbers: fp32, fp16 on matrix units, or auto (auto)"             \
    }
extern const char *const cgv_app_precision_names[];

// Field `kernels`, an int that is a cgv_kernels.
#define CGV_APP_KERNELS_OPTION(type)                                                               \
    {                                                                                              \
        .name = "kernels", .kind = CGV_CLI_CHOICE, .offset = offsetof(type, kernels),              \
        .value = "NAME", .choices = cgv_app_kernels_names,                                         \
        .help = "of convolutions: auto (the fastest, measured once), rules, direct or winograd "   \
                "(auto)"                                                                           \
    }
extern const char *const cgv_app_kernels_names[];

// Apply the common options after parsing: log level, banner.
CGV_NODISCARD cgv_status cgv_app_begin(const cgv_app_common *common);

// Open the device that -gpu names or the best one, and say which; warns of a CPU device.
CGV_NODISCARD cgv_status cgv_app_open_device(cgv_device **out, const cgv_app_common *common);

// Close it. The exit status: `code`, or a failure if the validation layer ran and complained.
int cgv_app_close_device(cgv_device **device, int code);

// A terminal that closes ends the command as SIGTERM does, unless nohup asked for the contrary.
void cgv_app_catch_hangup(void (*handler)(int));

void cgv_app_print_version(void);

// Subcommands: argv[0] is the subcommand's name. They return the exit status.
int cgv_app_translate(int argc, char **argv);
int cgv_app_devices(int argc, char **argv);
int cgv_app_model(int argc, char **argv);
int cgv_app_models(int argc, char **argv);
int cgv_app_train(int argc, char **argv);
int cgv_app_eval(int argc, char **argv);
int cgv_app_bench(int argc, char **argv);

#endif
