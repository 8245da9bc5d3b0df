// The folder of checkpoints: step_00001000.safetensors and its like.
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "train/checkpoint.h"

typedef struct listing {
    int64_t *steps; // newest first
    int count;
} listing;

char *cgv_checkpoint_path(const char *dir, int64_t step) {
    return cgv_fs_format("%s/step_%08" PRId64 ".safetensors", dir, step);
}

// -1: not the name of a checkpoint.
static int64_t step_of(const char *name) {
    int64_t step;
    int end = 0;
    if (sscanf(name, "step_%" SCNd64 ".safetensors%n", &step, &end) != 1 || !end || name[end])
        return -1;
    return step;
}

static int newest_first(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static cgv_status list(listing *out, const char *dir) {
    *out = (listing){0};
    DIR *d = opendir(dir);
    if (!d)
        return cgv_fail(CGV_ERROR_IO, "%s: %s", dir, strerror(errno));
    cgv_status status = CGV_OK;
    while (!status) {
        errno = 0;
        const struct dirent *e = readdir(d);
        if (!e && errno)
            status = cgv_fail(CGV_ERROR_IO, "%s: %s", dir, strerror(errno));
        if (!e)
            break;
        int64_t step = step_of(e->d_name);
        if (step < 0)
            continue;
        int64_t *steps = realloc(out->steps, ((size_t)out->count + 1) * sizeof *steps);
        if (steps) {
            out->steps = steps;
            steps[out->count++] = step;
        } else {
            status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", dir);
        }
    }
    closedir(d);
    if (out->count)
        qsort(out->steps, (size_t)out->count, sizeof *out->steps, newest_first);
    if (status) {
        free(out->steps);
        *out = (listing){0};
    }
    return status;
}

cgv_status cgv_checkpoint_latest(char **path, const char *dir) {
    *path = NULL;
    listing all;
    cgv_status status = list(&all, dir);
    if (!status && !all.count)
        status = CGV_END;
    for (int i = 0; i < all.count && !status; i++) {
        *path = cgv_checkpoint_path(dir, all.steps[i]);
        status = *path ? cgv_checkpoint_verify(*path)
                       : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", dir);
        if (!status)
            break;
        if (status == CGV_ERROR_FORMAT) { // any other one may be whole
            bool last = i == all.count - 1;
            if (!last)
                cgv_log(CGV_LOG_WARNING, "%s: skipped; looking for an older checkpoint", *path);
            status = last ? cgv_fail(CGV_ERROR_FORMAT, "%s: no whole checkpoint to go on from", dir)
                          : CGV_OK;
        }
        free(*path);
        *path = NULL;
    }
    free(all.steps);
    return status;
}

static cgv_status remove_file(const char *path) {
    if (!unlink(path) || errno == ENOENT)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_IO, "%s: cannot delete: %s", path, strerror(errno));
}

// ".step_00001000.safetensors.PID.part", which a run that was killed left behind.
static bool is_leftover(const char *name) {
    size_t length = strlen(name);
    return !strncmp(name, ".step_", 6) && length > 5 && !strcmp(name + length - 5, ".part");
}

static cgv_status delete_leftovers(const char *dir) {
    DIR *d = opendir(dir);
    if (!d)
        return cgv_fail(CGV_ERROR_IO, "%s: %s", dir, strerror(errno));
    cgv_status status = CGV_OK;
    for (const struct dirent *e; !status && (e = readdir(d));) {
        if (!is_leftover(e->d_name))
            continue;
        char *path = cgv_fs_format("%s/%s", dir, e->d_name);
        status = path ? remove_file(path) : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", dir);
        free(path);
    }
    closedir(d);
    return status;
}

cgv_status cgv_checkpoint_rotate(const char *dir, int64_t step, int keep) {
    listing all;
    cgv_status status = list(&all, dir);
    for (int i = 0, kept = 0; i < all.count && !status; i++) {
        if (all.steps[i] <= step && (keep < 1 || kept < keep)) {
            kept++;
            continue;
        }
        char *path = cgv_checkpoint_path(dir, all.steps[i]);
        status = path ? remove_file(path) : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", dir);
        free(path);
    }
    free(all.steps);
    return status ? status : delete_leftovers(dir);
}
