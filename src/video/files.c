#include "video/files.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/avstring.h>

#include "base/log.h"

typedef struct file {
    AVIOContext *io;
    char *path;
    struct file *next;
} file;

struct cgv_files {
    pthread_mutex_t lock; // of what follows
    file *open;
    int error;
    bool listed;
    int (*io_open)(AVFormatContext *, AVIOContext **, const char *, int, AVDictionary **);
    int (*io_close)(AVFormatContext *, AVIOContext *);
};

// Of what is written to the network, muxers have options for what shall happen.
static const char *local_path(const char *url) {
    const char *protocol = avio_find_protocol_name(url);
    av_strstart(url, "file:", &url);
    return protocol && !strcmp(protocol, "file") ? url : NULL;
}

// Muxers write a playlist by another name first.
static bool is_playlist(const AVFormatContext *output, const char *path) {
    const char *own = local_path(output->url), *rest;
    return own && av_strstart(path, own, &rest) && (!*rest || !strcmp(rest, ".tmp"));
}

static int open_file(AVFormatContext *output, AVIOContext **io, const char *url, int flags,
                     AVDictionary **options) {
    cgv_files *files = output->opaque;
    const char *path = flags & AVIO_FLAG_WRITE ? local_path(url) : NULL;
    file *opened = path ? calloc(1, sizeof *opened) : NULL;
    if (opened)
        opened->path = strdup(path);
    int error = path && !(opened && opened->path) ? AVERROR(ENOMEM)
                                                  : files->io_open(output, io, url, flags, options);
    if (error < 0 && opened) {
        free(opened->path);
        free(opened);
    }
    if (error < 0 || !opened)
        return error;
    opened->io = *io;
    pthread_mutex_lock(&files->lock);
    files->listed |= is_playlist(output, path);
    opened->next = files->open;
    files->open = opened;
    pthread_mutex_unlock(&files->lock);
    return error;
}

static file *take(cgv_files *files, const AVIOContext *io) {
    file **at = &files->open;
    while (*at && (*at)->io != io)
        at = &(*at)->next;
    file *found = *at;
    if (found)
        *at = found->next;
    return found;
}

static int close_file(AVFormatContext *output, AVIOContext *io) {
    cgv_files *files = output->opaque;
    pthread_mutex_lock(&files->lock);
    file *closed = take(files, io);
    pthread_mutex_unlock(&files->lock);
    if (!closed)
        return files->io_close(output, io);
    avio_flush(io);
    int error = io->error, at_close = files->io_close(output, io);
    pthread_mutex_lock(&files->lock);
    error = error < 0 ? error : at_close < 0 ? at_close : files->error;
    files->error = error;
    pthread_mutex_unlock(&files->lock);
    if (error < 0) // of those that come after a broken one, none is of use
        unlink(closed->path);
    free(closed->path);
    free(closed);
    return error;
}

cgv_status cgv_files_watch(cgv_files **out, AVFormatContext *output) {
    cgv_files *files = *out = calloc(1, sizeof *files);
    if (!files)
        return cgv_fail(CGV_ERROR_MEMORY, "mux: out of memory");
    pthread_mutex_init(&files->lock, NULL);
    files->io_open = output->io_open;
    files->io_close = output->io_close2;
    output->opaque = files;
    output->io_open = open_file;
    output->io_close2 = close_file;
    return CGV_OK;
}

int cgv_files_error(cgv_files *files) {
    pthread_mutex_lock(&files->lock);
    int error = files->error;
    pthread_mutex_unlock(&files->lock);
    return error;
}

bool cgv_files_listed(cgv_files *files) {
    pthread_mutex_lock(&files->lock);
    bool listed = files->listed;
    pthread_mutex_unlock(&files->lock);
    return listed;
}

void cgv_files_free(cgv_files **out) {
    cgv_files *files = *out;
    *out = NULL;
    if (!files)
        return;
    for (file *next, *at = files->open; at; at = next) { // which the muxer has left open
        next = at->next;
        free(at->path);
        free(at);
    }
    pthread_mutex_destroy(&files->lock);
    free(files);
}
