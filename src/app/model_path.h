// Where models are: a name of -m becomes a file.
//
// Folders, in this order: those of CGVIDEO_MODEL_PATH, separated by colons; cgvideo/models under
// $XDG_DATA_HOME (~/.local/share) and under each of $XDG_DATA_DIRS (/usr/local/share:/usr/share);
// the data of the installed tree that the running program belongs to, wherever that was moved;
// those of the prefix it was built for; and models/ of the source tree while it runs from the
// build tree.
#ifndef CGV_APP_MODEL_PATH_H
#define CGV_APP_MODEL_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "cgvideo/model.h"

#define CGV_DEFAULT_MODEL "day2night"

typedef struct cgv_model_folders {
    char **paths; // each once
    int count;
} cgv_model_folders;

// They need not exist. Freed by the function below, also on failure.
CGV_NODISCARD cgv_status cgv_model_folders_get(cgv_model_folders *out);
void cgv_model_folders_free(cgv_model_folders *folders);

// "A, B, C", cut where `text` is full.
void cgv_model_folders_print(char *text, size_t size, const cgv_model_folders *folders);

// The file that a name stands for (malloc'ed): the name itself where it holds a slash, is that of
// an existing file, or "identity", which is built in; else the first NAME.safetensors or NAME in
// the folders. CGV_ERROR_IO when there is none.
CGV_NODISCARD cgv_status cgv_model_find(char **path, const char *name);

// Is it a file that can be opened, as far as its name goes: no folder?
bool cgv_model_exists(const char *path);

// cgv_model_load_with of what the name stands for.
CGV_NODISCARD cgv_status cgv_model_open(cgv_model **out, const char *name,
                                        const cgv_model_params *params);

// Rows for the option table of a command that has -m: fields `model_range` and `model_order`, both
// int, of its options struct.
#define CGV_APP_MODEL_OPTIONS(type)                                                                \
    {.name = "model_range",                                                                        \
     .kind = CGV_CLI_CHOICE,                                                                       \
     .offset = offsetof(type, model_range),                                                        \
     .value = "LOW,HIGH",                                                                          \
     .help = "numbers of an .onnx model's pictures: -1,1 or 0,1 or 0,255 (auto)",                  \
     .choices = cgv_model_range_names},                                                            \
    {                                                                                              \
        .name = "model_order", .kind = CGV_CLI_CHOICE, .offset = offsetof(type, model_order),      \
        .value = "ORDER", .help = "order of its channels: rgb or bgr (auto)",                      \
        .choices = cgv_model_order_names                                                           \
    }
extern const char *const cgv_model_range_names[]; // in the order of cgv_model_range, and so on
extern const char *const cgv_model_order_names[];
#define CGV_APP_MODEL_PARAMS(options)                                                              \
    (&(cgv_model_params){(cgv_model_range)(options)->model_range,                                  \
                         (cgv_model_order)(options)->model_order})

#endif
