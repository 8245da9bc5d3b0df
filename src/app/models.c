// cgvideo models: the models that a name of -m finds.
#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/app.h"
#include "app/model_path.h"
#include "app/text.h"
#include "base/fs.h"
#include "base/log.h"

typedef struct models_options {
    cgv_app_common common;
    bool json;
} models_options;

static const cgv_cli_option options[] = {
    {.name = "json",
     .kind = CGV_CLI_FLAG,
     .offset = offsetof(models_options, json),
     .help = "print one JSON array"},
    CGV_APP_MESSAGE_OPTIONS,
    {0},
};

// A file in one of the folders.
typedef struct found {
    char *name; // as -m takes it
    char *path;
} found;

typedef struct listing {
    found *files;
    int count;
} listing;

static cgv_status no_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "models: out of memory");
}

static void free_listing(listing *l) {
    for (int i = 0; i < l->count; i++) {
        free(l->files[i].name);
        free(l->files[i].path);
    }
    free(l->files);
}

// The first file of a name hides later ones, as it does from -m.
static bool is_known(const listing *l, const char *name) {
    for (int i = 0; i < l->count; i++)
        if (!strcmp(l->files[i].name, name))
            return true;
    return false;
}

static cgv_status add_file(listing *l, const char *folder, const char *file) {
    static const char suffix[] = ".safetensors";
    bool short_name = cgv_text_ends_in(file, suffix);
    if (file[0] == '.' ||
        !(short_name || cgv_text_ends_in(file, ".pth") || cgv_text_ends_in(file, ".onnx")))
        return CGV_OK;
    int length = (int)(strlen(file) - (short_name ? sizeof suffix - 1 : 0));
    found f = {cgv_fs_format("%.*s", length, file), cgv_fs_format("%s/%s", folder, file)};
    found *files = realloc(l->files, ((size_t)l->count + 1) * sizeof *files);
    if (files)
        l->files = files;
    bool failed = !f.name || !f.path || !files;
    if (!failed && !is_known(l, f.name) && cgv_model_exists(f.path)) {
        files[l->count++] = f;
        return CGV_OK;
    }
    free(f.name);
    free(f.path);
    return failed ? no_memory() : CGV_OK;
}

static cgv_status add_folder(listing *l, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    cgv_status status = CGV_OK; // a folder that is not there holds no models
    for (int i = 0; i < count; i++) {
        if (!status)
            status = add_file(l, folder, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return status;
}

static cgv_status find_all(listing *l, const cgv_model_folders *folders) {
    cgv_status status = CGV_OK;
    for (int i = 0; i < folders->count && !status; i++)
        status = add_folder(l, folders->paths[i]);
    return status;
}

// What is shown of a model.
typedef struct shown {
    const found *file;
    const cgv_model_info *info;
    double gmac; // at 256x256
    long long bytes;
    bool preset; // what a missing -m stands for
} shown;

static void print_text(const shown *s) {
    const cgv_model_info *info = s->info;
    printf("%c %s\n", s->preset ? '*' : ' ', s->file->name);
    if (*info->description)
        printf("     description   %s\n", info->description);
    printf("     architecture  %s\n", info->architecture);
    if (info->train_width)
        printf("     trained at    %dx%d\n", info->train_width, info->train_height);
    printf("     cost          %.3f GMAC at 256x256\n", s->gmac);
    printf("     size          %.2f MB\n", 1e-6 * (double)s->bytes);
    printf("     path          %s\n", s->file->path);
}

static json_t *to_json(const shown *s) {
    const cgv_model_info *info = s->info;
    return json_pack(
        "{s:o, s:s, s:s, s:i, s:i, s:f, s:I, s:o, s:b}", "name", cgv_text_json(s->file->name),
        "architecture", info->architecture, "description", info->description, "train_width",
        info->train_width, "train_height", info->train_height, "gmac", s->gmac, "bytes",
        (json_int_t)s->bytes, "path", cgv_text_json(s->file->path), "default", s->preset);
}

// What is wrong with a file was said where it was noticed, and hides no other.
static cgv_status show(const found *file, json_t *array) {
    cgv_model *model;
    struct stat st;
    if (cgv_model_load(&model, file->path))
        return CGV_OK;
    shown s = {.file = file,
               .info = cgv_model_get_info(model),
               .gmac = cgv_model_gmac(model, 256, 256),
               .bytes = stat(file->path, &st) ? 0 : (long long)st.st_size,
               .preset = !strcmp(file->name, CGV_DEFAULT_MODEL)};
    cgv_status status = CGV_OK;
    if (!array)
        print_text(&s);
    else if (json_array_append_new(array, to_json(&s)))
        status = no_memory();
    cgv_model_destroy(&model);
    return status;
}

static cgv_status print_all(const listing *l, bool json) {
    json_t *array = json ? json_array() : NULL;
    cgv_status status = json && !array ? no_memory() : CGV_OK;
    for (int i = 0; i < l->count && !status; i++)
        status = show(&l->files[i], array);
    if (json && !status) {
        json_dumpf(array, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(7));
        putchar('\n');
    }
    json_decref(array);
    return status;
}

static void say_where(const cgv_model_folders *folders) {
    char places[900];
    cgv_model_folders_print(places, sizeof places, folders);
    cgv_log(CGV_LOG_INFO, "no models in %s", places);
}

int cgv_app_models(int argc, char **argv) {
    models_options o = {.common.hide_banner = true};
    int words;
    if (cgv_cli_parse(options, &o, argc, argv, NULL, 0, &words) || cgv_app_begin(&o.common))
        return CGV_EXIT_USAGE;
    if (o.common.help) {
        puts("cgvideo models [-json]: list the models that -m finds by name; * marks the one that "
             "is used without -m");
        cgv_cli_help(options, stdout);
        return CGV_EXIT_OK;
    }
    cgv_model_folders folders;
    listing l = {0};
    cgv_status status = cgv_model_folders_get(&folders);
    if (!status)
        status = find_all(&l, &folders);
    if (!status)
        status = print_all(&l, o.json);
    if (!status && !l.count)
        say_where(&folders);
    free_listing(&l);
    cgv_model_folders_free(&folders);
    return status ? CGV_EXIT_FAILED : CGV_EXIT_OK;
}
