#include "app/model_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/text.h"
#include "base/fs.h"
#include "base/log.h"

// ---- folders

static cgv_status no_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "models: out of memory");
}

// Takes `path`; NULL: out of memory.
static cgv_status add(cgv_model_folders *folders, char *path) {
    for (int i = 0; path && i < folders->count; i++)
        if (!strcmp(folders->paths[i], path)) {
            free(path);
            return CGV_OK;
        }
    char **paths = realloc(folders->paths, ((size_t)folders->count + 1) * sizeof *paths);
    if (paths)
        folders->paths = paths;
    if (!path || !paths) {
        free(path);
        return no_memory();
    }
    paths[folders->count++] = path;
    return CGV_OK;
}

// Each folder of a list with colons between, with `below` appended. absolute: leave out relative
// ones, as the XDG specification wants.
static cgv_status add_list(cgv_model_folders *folders, const char *list, const char *below,
                           bool absolute) {
    cgv_status status = CGV_OK;
    while (*list && !status) {
        int length = (int)strcspn(list, ":");
        if (length && (*list == '/' || !absolute))
            status = add(folders, cgv_fs_format("%.*s%s", length, list, below));
        list += length + (list[length] == ':');
    }
    return status;
}

static cgv_status add_xdg(cgv_model_folders *folders) {
    const char *home = getenv("HOME");
    const char *data_home = getenv("XDG_DATA_HOME"), *data_dirs = getenv("XDG_DATA_DIRS");
    cgv_status status = CGV_OK;
    if (data_home && *data_home == '/')
        status = add(folders, cgv_fs_format("%s/cgvideo/models", data_home));
    else if (home && *home)
        status = add(folders, cgv_fs_format("%s/.local/share/cgvideo/models", home));
    if (!data_dirs || !*data_dirs)
        data_dirs = "/usr/local/share:/usr/share";
    return status ? status : add_list(folders, data_dirs, "/cgvideo/models", true);
}

// Is the file below the folder? Both without symbolic links.
static bool lies_in(const char *file, const char *folder) {
    size_t length = strlen(folder);
    return !strncmp(file, folder, length) && file[length] == '/';
}

// The installed tree, found from the program: CGV_DATA_FROM_BIN is the way from its folder to the
// data, "../share". Taken textually, so that messages name the folder and not the way to it.
static cgv_status add_own_prefix(cgv_model_folders *folders, const char *program) {
    char *path = strdup(program);
    const char *way = CGV_DATA_FROM_BIN;
    if (!path)
        return no_memory();
    *strrchr(path, '/') = 0;
    for (; !strncmp(way, "../", 3) && *path; way += 3)
        *strrchr(path, '/') = 0;
    cgv_status status = add(folders, cgv_fs_format("%s/%s/cgvideo/models", path, way));
    free(path);
    return status;
}

// Folders that depend on which program runs, from where.
static cgv_status add_program(cgv_model_folders *folders) {
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    bool known = length > 0 && *program == '/';
    program[known ? length : 0] = 0;
    cgv_status status = known ? add_own_prefix(folders, program) : CGV_OK;
    if (!status)
        status = add(folders, strdup(CGV_INSTALL_DATA "/cgvideo/models"));
    // An installed program does not look into the source tree that it was built from.
    char *build = realpath(CGV_BUILD_FOLDER, NULL);
    if (!status && known && build && lies_in(program, build))
        status = add(folders, strdup(CGV_SOURCE_FOLDER "/models"));
    free(build);
    return status;
}

cgv_status cgv_model_folders_get(cgv_model_folders *out) {
    *out = (cgv_model_folders){0};
    const char *own = getenv("CGVIDEO_MODEL_PATH");
    cgv_status status = own ? add_list(out, own, "", false) : CGV_OK;
    if (!status)
        status = add_xdg(out);
    return status ? status : add_program(out);
}

void cgv_model_folders_free(cgv_model_folders *folders) {
    for (int i = 0; i < folders->count; i++)
        free(folders->paths[i]);
    free(folders->paths);
    *folders = (cgv_model_folders){0};
}

void cgv_model_folders_print(char *text, size_t size, const cgv_model_folders *folders) {
    *text = 0;
    for (int i = 0; i < folders->count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i ? ", " : "", folders->paths[i]);
    }
}

// ---- names

bool cgv_model_exists(const char *path) {
    struct stat st;
    return !stat(path, &st) && !S_ISDIR(st.st_mode);
}

static cgv_status not_found(const cgv_model_folders *folders, const char *name) {
    char places[768];
    static const char *const ends[] = {".safetensors", ".pth", ".onnx"};
    bool whole = false; // the name of a file
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        whole |= cgv_text_ends_in(name, ends[i]);
    cgv_model_folders_print(places, sizeof places, folders);
    return cgv_fail(CGV_ERROR_IO,
                    "no model '%s'%s: name a file (-m FILE), or put %s%s into one of "
                    "these folders or into one that CGVIDEO_MODEL_PATH names: %s",
                    name, strcmp(name, CGV_DEFAULT_MODEL) ? "" : ", which is the default", name,
                    whole ? "" : ".safetensors", places);
}

// *path = the file in the folder, NULL: there is none.
static cgv_status look(char **path, const char *folder, const char *name, const char *suffix) {
    *path = cgv_fs_format("%s/%s%s", folder, name, suffix);
    if (!*path)
        return no_memory();
    if (!cgv_model_exists(*path)) {
        free(*path);
        *path = NULL;
    }
    return CGV_OK;
}

cgv_status cgv_model_find(char **path, const char *name) {
    *path = NULL;
    if (!*name)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-m needs the name of a model or of a file");
    if (!strcmp(name, "identity") || strchr(name, '/') || cgv_model_exists(name)) {
        *path = strdup(name);
        return *path ? CGV_OK : no_memory();
    }
    cgv_model_folders folders;
    cgv_status status = cgv_model_folders_get(&folders);
    for (int i = 0; i < folders.count && !*path && !status; i++) {
        status = look(path, folders.paths[i], name, ".safetensors");
        if (!status && !*path)
            status = look(path, folders.paths[i], name, "");
    }
    if (!status && !*path)
        status = not_found(&folders, name);
    cgv_model_folders_free(&folders);
    return status;
}

const char *const cgv_model_range_names[] = {"auto", "-1,1", "0,1", "0,255", NULL};
const char *const cgv_model_order_names[] = {"auto", "rgb", "bgr", NULL};

cgv_status cgv_model_open(cgv_model **out, const char *name, const cgv_model_params *params) {
    *out = NULL;
    char *path;
    cgv_status status = cgv_model_find(&path, name);
    if (status)
        return status;
    if (strcmp(path, name))
        cgv_log(CGV_LOG_INFO, "model %s: %s", name, path);
    status = cgv_model_load_with(out, path, params);
    free(path);
    return status;
}
