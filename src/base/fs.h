// Files: whole reads, writes that appear whole or not at all, and where caches live.
#ifndef CGV_BASE_FS_H
#define CGV_BASE_FS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cgvideo/status.h"

// Read a whole file; *data is malloc'ed and the caller's. Files above `limit` bytes are refused,
// and what is no regular file.
CGV_NODISCARD cgv_status cgv_fs_read(void **data, size_t *size, const char *path, size_t limit);

// Write a whole file; it appears whole or not at all.
CGV_NODISCARD cgv_status cgv_fs_write(const char *path, const void *data, size_t size);

// A file being written beside its final name, renamed onto it by commit.
typedef struct cgv_fs_writer {
    FILE *file;
    char *path, *part;
} cgv_fs_writer;

CGV_NODISCARD cgv_status cgv_fs_writer_open(cgv_fs_writer *writer, const char *path);
// Checks every write so far, flushes to disk and renames. The writer is closed whatever happens.
CGV_NODISCARD cgv_status cgv_fs_writer_commit(cgv_fs_writer *writer);
// Removes the partial file. NULL-safe, and harmless after commit.
void cgv_fs_writer_abort(cgv_fs_writer *writer);

// Have a file that was written, or a folder whose entries changed, survive a loss of power: only
// then is it known to have room, too.
CGV_NODISCARD cgv_status cgv_fs_sync(const char *path);
// The same without a message: 0, or an errno.
int cgv_fs_try_sync(const char *path);

// The folder that a file is in (malloc'ed); NULL when out of memory.
char *cgv_fs_folder(const char *path);

// The name beside `path` under which a file is written until it is whole (malloc'ed); NULL when
// out of memory.
char *cgv_fs_part_name(const char *path);

// $XDG_CACHE_HOME/cgvideo or ~/.cache/cgvideo (malloc'ed), created if missing; NULL if impossible.
char *cgv_fs_cache_dir(void);

// printf into a malloc'ed string; NULL when out of memory.
char *cgv_fs_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
