#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

cgv_status cgv_fs_read(void **data, size_t *size, const char *path, size_t limit) {
    *data = NULL;
    *size = 0;
    // A pipe that nobody writes to would be waited for.
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "rb");
    if (!file) {
        cgv_status failed = cgv_fail(CGV_ERROR_IO, "%s: %s", path, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        return failed;
    }
    struct stat st;
    cgv_status status = CGV_ERROR_IO;
    if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode)) {
        cgv_fail(status, "%s: not a regular file", path);
        goto done;
    }
    if ((uint64_t)st.st_size > limit) {
        status = cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: %lld bytes, more than the limit of %zu", path,
                          (long long)st.st_size, limit);
        goto done;
    }
    *size = (size_t)st.st_size;
    *data = malloc(*size ? *size : 1);
    if (!*data) {
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: no memory for %zu bytes", path, *size);
        goto done;
    }
    if (fread(*data, 1, *size, file) != *size) {
        cgv_fail(status, "%s: cannot read: %s", path, ferror(file) ? strerror(errno) : "it shrank");
        goto done;
    }
    status = CGV_OK;
done:
    fclose(file);
    if (status) {
        free(*data);
        *data = NULL;
    }
    return status;
}

char *cgv_fs_format(const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

int cgv_fs_try_sync(const char *path) {
    struct stat st;
    int file = open(path, O_RDONLY | O_CLOEXEC), result = file;
    while (file >= 0 && (result = fsync(file)) && errno == EINTR)
        ;
    int error = result < 0 ? errno : 0;
    if (file >= 0)
        close(file);
    if (error == EINVAL || error == ENOSYS) // a file system that cannot
        return 0;
    // Folders that may not be read, or that nobody syncs.
    bool folder = (error == EACCES || error == ENOTSUP) && !stat(path, &st) && S_ISDIR(st.st_mode);
    return folder ? 0 : error;
}

cgv_status cgv_fs_sync(const char *path) {
    int error = cgv_fs_try_sync(path);
    return error ? cgv_fail(CGV_ERROR_IO, "%s: cannot write: %s", path, strerror(error)) : CGV_OK;
}

char *cgv_fs_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path + 1)) : strdup(".");
}

char *cgv_fs_part_name(const char *path) {
    // Hidden, and unique among concurrent runs; the same folder, so that rename is atomic.
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    return cgv_fs_format("%.*s.%s.%ld.part", folder, path, path + folder, (long)getpid());
}

cgv_status cgv_fs_writer_open(cgv_fs_writer *writer, const char *path) {
    *writer = (cgv_fs_writer){.path = strdup(path), .part = cgv_fs_part_name(path)};
    if (!writer->path || !writer->part) {
        cgv_fs_writer_abort(writer);
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    }
    writer->file = fopen(writer->part, "wb");
    if (!writer->file) {
        cgv_status status = cgv_fail(CGV_ERROR_IO, "%s: cannot create: %s", path, strerror(errno));
        cgv_fs_writer_abort(writer);
        return status;
    }
    return CGV_OK;
}

// 0, or the errno of what failed first.
static int close_written(FILE *file) {
    int error = 0;
    if (ferror(file))
        error = errno ? errno : EIO; // of a write before
    else if (fflush(file) || fsync(fileno(file)))
        error = errno;
    return fclose(file) && !error ? errno : error;
}

cgv_status cgv_fs_writer_commit(cgv_fs_writer *writer) {
    int error = close_written(writer->file);
    writer->file = NULL;
    if (!error && rename(writer->part, writer->path))
        error = errno;
    if (error) {
        cgv_status status =
            cgv_fail(CGV_ERROR_IO, "%s: cannot write: %s", writer->path, strerror(error));
        cgv_fs_writer_abort(writer);
        return status;
    }
    free(writer->part);
    free(writer->path);
    *writer = (cgv_fs_writer){0};
    return CGV_OK;
}

void cgv_fs_writer_abort(cgv_fs_writer *writer) {
    if (!writer)
        return;
    if (writer->file) {
        fclose(writer->file);
        writer->file = NULL;
    }
    if (writer->part)
        unlink(writer->part);
    free(writer->part);
    free(writer->path);
    *writer = (cgv_fs_writer){0};
}

cgv_status cgv_fs_write(const char *path, const void *data, size_t size) {
    cgv_fs_writer writer;
    cgv_status status = cgv_fs_writer_open(&writer, path);
    if (status)
        return status;
    fwrite(data, 1, size, writer.file);
    return cgv_fs_writer_commit(&writer);
}

static bool make_dir(const char *path) {
    return !mkdir(path, 0700) || errno == EEXIST;
}

char *cgv_fs_cache_dir(void) {
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    // The XDG specification ignores relative paths.
    char *base = xdg && *xdg == '/' ? strdup(xdg)
                 : home && *home    ? cgv_fs_format("%s/.cache", home)
                                    : NULL;
    if (!base)
        return NULL;
    char *dir = cgv_fs_format("%s/cgvideo", base);
    if (dir && !(make_dir(base) && make_dir(dir))) {
        free(dir);
        dir = NULL;
    }
    free(base);
    return dir;
}
