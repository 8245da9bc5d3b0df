#include "train/listing.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"

static bool has_ending(const char *path, const char *const *endings) {
    const char *dot = strrchr(path, '.');
    for (; dot && *endings; endings++)
        if (!strcasecmp(dot + 1, *endings))
            return true;
    return false;
}

static bool is_picture(const char *path) {
    static const char *const endings[] = {"jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "ppm",
                                          "pgm", "pnm",  "tga", "jp2",  "exr", "jxl", NULL};
    return has_ending(path, endings);
}

static bool is_video(const char *path) {
    static const char *const endings[] = {
        "mp4", "m4v", "mov", "mkv", "webm", "avi", "ts",  "mts",  "m2ts", "mpg",  "mpeg", "flv",
        "wmv", "ogv", "3gp", "gif", "y4m",  "mxf", "vob", "h264", "h265", "hevc", NULL};
    return has_ending(path, endings);
}

static cgv_status add(cgv_listing *listing, const char *path) {
    if (listing->count == listing->room) {
        int room = listing->room ? 2 * listing->room : 64;
        cgv_listed *grown = realloc(listing->files, (size_t)room * sizeof *grown);
        if (!grown)
            return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
        listing->files = grown;
        listing->room = room;
    }
    char *copy = strdup(path);
    if (!copy)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    listing->files[listing->count++] = (cgv_listed){copy, is_picture(path)};
    return CGV_OK;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const cgv_listed *)a)->path, ((const cgv_listed *)b)->path);
}

static cgv_status add_folder(cgv_listing *listing, const char *path) {
    DIR *folder = opendir(path);
    if (!folder)
        return cgv_fail(CGV_ERROR_IO, "%s: %s", path, strerror(errno));
    const int before = listing->count;
    size_t length = strlen(path);
    const char *slash = length && path[length - 1] == '/' ? "" : "/";
    cgv_status status = CGV_OK;
    for (struct dirent *item; !status && (item = readdir(folder));) {
        if (*item->d_name == '.' || (!is_picture(item->d_name) && !is_video(item->d_name)))
            continue;
        char *file = cgv_fs_format("%s%s%s", path, slash, item->d_name);
        struct stat st;
        if (!file)
            status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
        else if (!stat(file, &st) && !S_ISDIR(st.st_mode))
            status = add(listing, file);
        free(file);
    }
    closedir(folder);
    if (status)
        return status;
    if (listing->count == before)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: no pictures or videos in this folder", path);
    qsort(listing->files + before, (size_t)(listing->count - before), sizeof *listing->files,
          by_path);
    return CGV_OK;
}

// A name that exists.
static cgv_status add_path(cgv_listing *listing, const char *path) {
    struct stat st;
    if (!stat(path, &st) && S_ISDIR(st.st_mode))
        return add_folder(listing, path);
    return add(listing, path);
}

static bool exists(const char *path) {
    struct stat st;
    return !stat(path, &st);
}

static cgv_status add_glob(cgv_listing *listing, const char *pattern) {
    glob_t found = {0};
    cgv_status status = CGV_OK;
    int error = glob(pattern, GLOB_TILDE, NULL, &found);
    if (error == GLOB_NOSPACE)
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", pattern);
    else if (error)
        status = cgv_fail(CGV_ERROR_ARGUMENT, "%s: no such file or folder", pattern);
    for (size_t i = 0; !status && !error && i < found.gl_pathc; i++)
        status = add_path(listing, found.gl_pathv[i]);
    globfree(&found);
    return status;
}

static cgv_status add_spec(cgv_listing *listing, const char *spec) {
    if (exists(spec)) // whatever stars or commas are in its name
        return add_path(listing, spec);
    const char *comma = strchr(spec, ',');
    if (!comma)
        return add_glob(listing, spec);
    char *parts = strdup(spec), *rest = parts;
    cgv_status status = parts ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", spec);
    for (char *part; !status && (part = strsep(&rest, ","));)
        if (*part)
            status = exists(part) ? add_path(listing, part) : add_glob(listing, part);
    free(parts);
    return status;
}

cgv_status cgv_listing_create(cgv_listing *out, const char *const *specs, int count) {
    *out = (cgv_listing){0};
    cgv_status status = CGV_OK;
    for (int i = 0; !status && i < count; i++)
        status = add_spec(out, specs[i]);
    if (!status && !out->count)
        status = cgv_fail(CGV_ERROR_ARGUMENT, "no pictures or videos are named");
    if (status)
        cgv_listing_free(out);
    return status;
}

void cgv_listing_free(cgv_listing *listing) {
    for (int i = 0; i < listing->count; i++)
        free(listing->files[i].path);
    free(listing->files);
    *listing = (cgv_listing){0};
}
