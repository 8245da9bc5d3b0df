#include "train/events.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fs.h"
#include "base/log.h"
#include "train/events.pb-c.h"

enum { MAX_SCALARS = 64 };

struct cgv_events {
    FILE *file;
    char *path;
};

uint32_t cgv_events_masked_crc(const void *data, size_t size) {
    uint32_t crc = cgv_crc32c(0, data, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static cgv_status write_record(cgv_events *events, const void *data, size_t size) {
    uint64_t length = size; // numbers are little-endian, as on every target
    uint32_t length_crc = cgv_events_masked_crc(&length, sizeof length);
    uint32_t data_crc = cgv_events_masked_crc(data, size);
    fwrite(&length, sizeof length, 1, events->file);
    fwrite(&length_crc, sizeof length_crc, 1, events->file);
    fwrite(data, 1, size, events->file);
    fwrite(&data_crc, sizeof data_crc, 1, events->file);
    if (fflush(events->file) || ferror(events->file))
        return cgv_fail(CGV_ERROR_IO, "%s: cannot write: %s", events->path, strerror(errno));
    return CGV_OK;
}

static cgv_status write_event(cgv_events *events, Cgv__Event *event) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    event->wall_time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    size_t size = cgv__event__get_packed_size(event);
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", events->path);
    cgv__event__pack(event, bytes);
    cgv_status status = write_record(events, bytes, size);
    free(bytes);
    return status;
}

// The next second in which there is no such file: readers take files in the order of their names.
static cgv_status open_file(cgv_events *events, const char *dir) {
    char host[256] = "localhost";
    gethostname(host, sizeof host - 1);
    for (int64_t now = time(NULL);; now++) {
        events->path = cgv_fs_format("%s/events.out.tfevents.%010" PRId64 ".%s", dir, now, host);
        if (!events->path)
            return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", dir);
        int file = open(events->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0) {
            events->file = fdopen(file, "wb");
            if (events->file)
                return CGV_OK;
            close(file);
        }
        if (errno != EEXIST)
            return cgv_fail(CGV_ERROR_IO, "%s: cannot create: %s", events->path, strerror(errno));
        free(events->path);
    }
}

static cgv_status begin(cgv_events *events, int64_t step) {
    Cgv__Event version = CGV__EVENT__INIT;
    version.what_case = CGV__EVENT__WHAT_FILE_VERSION;
    version.file_version = "brain.Event:2";
    cgv_status status = write_event(events, &version);
    if (status || !step)
        return status;
    Cgv__SessionLog log = CGV__SESSION_LOG__INIT;
    log.status = CGV__SESSION__START;
    Cgv__Event start = CGV__EVENT__INIT;
    start.step = step + 1;
    start.what_case = CGV__EVENT__WHAT_SESSION_LOG;
    start.session_log = &log;
    return write_event(events, &start);
}

cgv_status cgv_events_create(cgv_events **out, const char *dir, int64_t step) {
    cgv_events *events = *out = calloc(1, sizeof *events);
    if (!events)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", dir);
    cgv_status status = open_file(events, dir);
    if (!status)
        status = begin(events, step);
    if (status)
        cgv_events_destroy(out);
    return status;
}

void cgv_events_destroy(cgv_events **events) {
    if (!*events)
        return;
    if ((*events)->file)
        fclose((*events)->file); // every record was flushed, and its failure reported
    free((*events)->path);
    free(*events);
    *events = NULL;
}

static cgv_status write_summary(cgv_events *events, int64_t step, Cgv__Value **values, int count) {
    Cgv__Summary summary = CGV__SUMMARY__INIT;
    summary.n_value = (size_t)count;
    summary.value = values;
    Cgv__Event event = CGV__EVENT__INIT;
    event.step = step;
    event.what_case = CGV__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return write_event(events, &event);
}

cgv_status cgv_events_scalars(cgv_events *events, int64_t step, const cgv_scalar *scalars,
                              int count) {
    Cgv__Value values[MAX_SCALARS], *pointers[MAX_SCALARS];
    if (count > MAX_SCALARS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: %d scalars in one event", events->path, count);
    for (int i = 0; i < count; i++) {
        cgv__value__init(&values[i]);
        values[i].tag = (char *)scalars[i].tag; // it is only read
        values[i].value_case = CGV__VALUE__VALUE_NUMBER;
        values[i].number = scalars[i].value;
        pointers[i] = &values[i];
    }
    return write_summary(events, step, pointers, count);
}

cgv_status cgv_events_picture(cgv_events *events, int64_t step, const char *tag, const void *png,
                              size_t size, int width, int height) {
    Cgv__Image image = CGV__IMAGE__INIT;
    image.width = width;
    image.height = height;
    image.channels = 3;
    image.png = (ProtobufCBinaryData){.len = size, .data = (uint8_t *)png}; // it is only read
    Cgv__Value value = CGV__VALUE__INIT;
    value.tag = (char *)tag;
    value.value_case = CGV__VALUE__VALUE_IMAGE;
    value.image = &image;
    return write_summary(events, step, &(Cgv__Value *){&value}, 1);
}
