#include "app/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/folder.h"
#include "app/journal_files.h"
#include "base/fs.h"
#include "base/log.h"

enum { LONGEST = 64 << 20 }; // bytes

static cgv_status no_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "journal: out of memory");
}

static char *in_folder(const char *folder, const char *name) {
    return cgv_fs_format("%s/%s", folder, name);
}

char *cgv_journal_segment(const cgv_journal *journal, int i) {
    return cgv_fs_format("%s/" CGV_JOURNAL_SEGMENT, journal->folder, i);
}

char *cgv_journal_state(const cgv_journal *journal, int i) {
    return cgv_fs_format("%s/" CGV_JOURNAL_STATE, journal->folder, i);
}

// 0: it is there; ENOENT: it is not; else nobody knows.
static int find(const char *folder) {
    char *path = in_folder(folder, CGV_JOURNAL_NAME);
    int error = !path ? ENOMEM : access(path, F_OK) ? errno : 0;
    free(path);
    return error == ENOTDIR ? ENOENT : error;
}

bool cgv_journal_exists(const char *folder) {
    return !find(folder);
}

// ---- what the folder holds besides

// A file that the journal knows nothing of, and that is the job's by its name.
static bool is_leftover(const cgv_journal *journal, const char *name) {
    int index;
    switch (cgv_journal_file_kind(&index, name)) {
    case CGV_JOURNAL_FILE_PART:
        return true;
    case CGV_JOURNAL_FILE_SEGMENT:
        return index >= journal->count;
    case CGV_JOURNAL_FILE_STATE:
        return journal->complete || index != journal->count;
    default:
        return false;
    }
}

static void delete_leftovers(const cgv_journal *journal) {
    DIR *d = opendir(journal->folder);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (is_leftover(journal, e->d_name))
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
}

// Without a journal, a folder is a job's if a run made it that was killed before its first segment
// was whole: then it holds nothing else.
static cgv_status check_files(cgv_journal *journal) {
    cgv_status status = CGV_OK;
    int index;
    DIR *d = opendir(journal->folder);
    if (!d)
        return cgv_fail(CGV_ERROR_IO, "%s: %s", journal->folder, strerror(errno));
    for (const struct dirent *e; !status && (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        journal->own = true;
        if (!cgv_journal_file_kind(&index, e->d_name))
            status = cgv_fail(CGV_ERROR_ARGUMENT,
                              "%s: a folder without a job, with %s in it: -segment_time needs this "
                              "name: move the folder away",
                              journal->folder, e->d_name);
    }
    closedir(d);
    return status;
}

static void forget(cgv_journal *journal) {
    for (int i = 0; i < journal->count; i++)
        free(journal->segments[i].path);
    free(journal->segments);
    journal->segments = NULL;
    journal->count = 0;
}

void cgv_journal_remove(cgv_journal *journal) {
    char *path = in_folder(journal->folder, CGV_JOURNAL_NAME);
    forget(journal);
    if (path)
        unlink(path); // first: without it the rest is nothing
    free(path);
    delete_leftovers(journal);
    if (rmdir(journal->folder))
        cgv_log(CGV_LOG_WARNING, "%s: cannot delete this folder: %s", journal->folder,
                strerror(errno));
    close(journal->lock); // so that cgv_journal_close finds nothing to do
    journal->lock = -1;
}

// ---- is it the same job?

static void print(char *text, size_t size, const json_t *value) {
    char *dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, size, "%s", dump ? dump : "not there");
    free(dump);
}

// The first difference, in words; false: there is none.
static bool find_difference(char *text, size_t size, const char *name, const json_t *was,
                            const json_t *is) {
    const char *key;
    json_t *value;
    if (json_equal(was, is))
        return false;
    if (json_is_object(was) && json_is_object(is)) {
        json_object_foreach ((json_t *)is, key, value)
            if (find_difference(text, size, key, json_object_get(was, key), value))
                return true;
        json_object_foreach ((json_t *)was, key, value)
            if (find_difference(text, size, key, value, json_object_get(is, key)))
                return true;
    }
    char before[160], now[160];
    print(before, sizeof before, was);
    print(now, sizeof now, is);
    snprintf(text, size, "%s was %s, and is %s", name, before, now);
    return true;
}

// ---- the file

static cgv_status damaged(const char *path) {
    return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: delete its folder and begin anew", path);
}

static json_t *pack(const cgv_journal *j) {
    json_t *list = json_array();
    for (int i = 0; list && i < j->count; i++) {
        const cgv_packets_sum *sum = &j->segments[i].sum;
        json_t *segment = json_pack("{sI sI sI}", "packets", (json_int_t)sum->packets, "bytes",
                                    (json_int_t)sum->bytes, "crc32c", (json_int_t)sum->crc);
        if (json_array_append_new(list, segment)) { // a journal that lacks one is none
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{sO sb sI s[Iii] s{sI sI sI sI} s{sI sI} sO so}", "job", j->job, "complete",
                     j->complete, "frames", (json_int_t)j->frames, "last", (json_int_t)j->last_pts,
                     j->clock.num, j->clock.den, "written", "frames", (json_int_t)j->place.frames,
                     "time", (json_int_t)j->place.time, "bytes", (json_int_t)j->place.bytes,
                     "last_pts", (json_int_t)j->place.last_pts, "state", "bytes",
                     (json_int_t)j->state_bytes, "crc32c", (json_int_t)j->state_crc, "kernels",
                     j->kernels, "segments", list);
}

static cgv_status unpack_segments(cgv_journal *j, const json_t *list, const char *path) {
    size_t count = json_array_size(list), i;
    const json_t *item;
    j->segments = calloc(count + 1, sizeof *j->segments);
    if (!j->segments)
        return no_memory();
    json_array_foreach ((json_t *)list, i, item) {
        json_int_t packets, bytes, crc;
        if (json_unpack((json_t *)item, "{sI sI sI}", "packets", &packets, "bytes", &bytes,
                        "crc32c", &crc))
            return damaged(path);
        cgv_segment *segment = &j->segments[i];
        segment->path = cgv_journal_segment(j, (int)i);
        segment->sum = (cgv_packets_sum){packets, bytes, (uint32_t)crc};
        if (!segment->path)
            return no_memory();
        j->count++;
    }
    return CGV_OK;
}

static cgv_status unpack(cgv_journal *j, const json_t *root, const char *path) {
    int complete;
    json_int_t frames, last, place[4], state[2];
    json_t *list;
    if (json_unpack((json_t *)root, "{sb sI s[Iii] s{sI sI sI sI} s{sI sI} sO so}", "complete",
                    &complete, "frames", &frames, "last", &last, &j->clock.num, &j->clock.den,
                    "written", "frames", &place[0], "time", &place[1], "bytes", &place[2],
                    "last_pts", &place[3], "state", "bytes", &state[0], "crc32c", &state[1],
                    "kernels", &j->kernels, "segments", &list) ||
        !json_is_object(j->kernels) || !json_is_array(list))
        return damaged(path);
    j->complete = complete;
    j->frames = frames;
    j->last_pts = last;
    j->place = (cgv_sink_place){
        .frames = place[0], .time = place[1], .bytes = place[2], .last_pts = place[3]};
    j->state_bytes = state[0];
    j->state_crc = (uint32_t)state[1];
    return unpack_segments(j, list, path);
}

static cgv_status parse(json_t **root, const char *path) {
    void *text;
    size_t size;
    cgv_status status = cgv_fs_read(&text, &size, path, LONGEST);
    if (status)
        return status;
    *root = json_loadb(text, size, 0, NULL);
    free(text);
    return json_is_object(json_object_get(*root, "job")) ? CGV_OK : damaged(path);
}

static cgv_status read_journal(cgv_journal *j, const char *path, bool resume) {
    json_t *root = NULL;
    char difference[512];
    cgv_status status =
        resume ? parse(&root, path)
               : cgv_fail(CGV_ERROR_ARGUMENT,
                          "%s: a job that was not finished: add -resume to go on with it, or "
                          "delete that folder to begin anew",
                          j->folder);
    if (!status &&
        find_difference(difference, sizeof difference, "job", json_object_get(root, "job"), j->job))
        status = cgv_fail(CGV_ERROR_ARGUMENT,
                          "%s: of another job: %s: do as before, or delete that folder to begin "
                          "anew",
                          j->folder, difference);
    if (!status)
        status = unpack(j, root, path);
    json_decref(root);
    return status;
}

static cgv_status lock(cgv_journal *j) {
    j->lock = open(j->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->lock < 0)
        return cgv_fail(CGV_ERROR_IO, "%s: %s", j->folder, strerror(errno));
    if (flock(j->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) // some systems have no locks
        return cgv_fail(CGV_ERROR_IO, "%s: another cgvideo is at this job", j->folder);
    return CGV_OK;
}

// The output is written in the folder and moved out of it in the end.
static cgv_status check_file_system(const cgv_journal *j) {
    struct stat inside, outside;
    char *above = cgv_fs_folder(j->folder);
    bool known = above && !fstat(j->lock, &inside) && !stat(above, &outside);
    free(above);
    return known && inside.st_dev != outside.st_dev
               ? cgv_fail(CGV_ERROR_ARGUMENT,
                          "%s: on another file system than the output: that cannot be moved there "
                          "in one step",
                          j->folder)
               : CGV_OK;
}

static cgv_status read_folder(cgv_journal *j, const char *path, bool resume) {
    int error = find(j->folder);
    if (error && error != ENOENT)
        return cgv_fail(CGV_ERROR_IO, "%s: %s", path, strerror(error));
    return error ? check_files(j) : read_journal(j, path, resume);
}

cgv_status cgv_journal_open(cgv_journal *out, char *folder, json_t *job, bool resume) {
    *out = (cgv_journal){.folder = folder,
                         .lock = -1,
                         .job = job,
                         .clock = {0, 1},
                         .place = {.last_pts = INT64_MIN}}; // no frame was encoded
    char *path = folder && job ? in_folder(folder, CGV_JOURNAL_NAME) : NULL;
    cgv_status status = path ? CGV_OK : no_memory();
    if (!status && !(out->own = !mkdir(folder, 0777)))
        status = cgv_make_folder(folder);
    if (!status)
        status = lock(out);
    if (!status)
        status = check_file_system(out);
    if (!status)
        status = read_folder(out, path, resume);
    if (!status) {
        delete_leftovers(out);
    } else if (out->lock >= 0) { // what is there stays as it is
        close(out->lock);
        out->lock = -1;
    }
    free(path);
    return status;
}

static cgv_status write_journal(const cgv_journal *j) {
    json_t *root = pack(j);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    char *path = in_folder(j->folder, CGV_JOURNAL_NAME);
    cgv_status status = text && path ? cgv_fs_write(path, text, strlen(text)) : no_memory();
    if (!status)
        status = cgv_fs_sync(j->folder);
    free(path);
    free(text);
    json_decref(root);
    return status;
}

cgv_status cgv_journal_append(cgv_journal *j, const cgv_packets_sum *sum) {
    cgv_segment *grown = realloc(j->segments, ((size_t)j->count + 1) * sizeof *grown);
    char *path = cgv_journal_segment(j, j->count);
    if (grown)
        j->segments = grown;
    if (!grown || !path) {
        free(path);
        return no_memory();
    }
    j->segments[j->count++] = (cgv_segment){path, *sum};
    cgv_status status = cgv_fs_sync(j->folder); // the names of the files
    if (!status)
        status = write_journal(j);
    if (status)
        free(j->segments[--j->count].path);
    return status;
}

void cgv_journal_close(cgv_journal *j) {
    if (!j)
        return;
    if (j->lock >= 0) {
        if (find(j->folder) == ENOENT) {
            delete_leftovers(j);
            if (j->own)
                rmdir(j->folder);
        }
        close(j->lock);
    }
    forget(j);
    json_decref(j->kernels);
    json_decref(j->job);
    free(j->folder);
    *j = (cgv_journal){.lock = -1};
}
