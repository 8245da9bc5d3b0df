// What was found out about a device, by name: looked up in memory, kept on disk beside its
// pipelines. Of the file, whoever wrote it, only lines of this form are believed:
//
//     STAMP <tab> NAME <tab> TEXT
//
// The stamp, eight hexadecimal digits, is of what the notes are about and of the device; notes with
// another one are forgotten when the file is written anew.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "gpu/internal.h"

enum {
    STAMP = 8,
    MOST = 1024, // notes of a file: the newest
};

// A CPU driver is as fast as its CPU, which its name does not tell.
static uint32_t sum_cpu(uint32_t crc) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "model name", 10)) {
            crc = cgv_crc32c(crc, line, strlen(line));
            break;
        }
    if (file)
        fclose(file);
    return crc;
}

static uint32_t stamp(const cgv_device *device, uint32_t version) {
    const cgv_limits *limits = &device->limits;
    uint32_t crc = cgv_crc32c(version, device->info.name, strlen(device->info.name));
    crc = cgv_crc32c(crc, device->info.driver, strlen(device->info.driver));
    crc = cgv_crc32c(crc, &limits->threads, sizeof limits->threads);
    return limits->cpu ? sum_cpu(crc) : crc;
}

static cgv_note *find_kind(cgv_notes *notes, const char *name, bool given) {
    for (int i = 0; i < notes->count; i++)
        if (notes->list[i].given == given && !strcmp(notes->list[i].name, name))
            return &notes->list[i];
    return NULL;
}

static cgv_note *add(cgv_notes *notes, const char *name, const char *text) {
    if (notes->count == notes->capacity) {
        int capacity = notes->capacity ? 2 * notes->capacity : 32;
        cgv_note *grown = realloc(notes->list, (size_t)capacity * sizeof *grown);
        if (!grown)
            return NULL;
        notes->list = grown;
        notes->capacity = capacity;
    }
    cgv_note *note = &notes->list[notes->count++];
    *note = (cgv_note){0};
    snprintf(note->name, sizeof note->name, "%s", name);
    snprintf(note->text, sizeof note->text, "%s", text);
    return note;
}

static bool fits(const char *text, size_t size) {
    return *text && strlen(text) < size && !strpbrk(text, "\t\n");
}

// Line without its end; what is no note of this stamp, or is known already, is passed over.
static void read_line(cgv_notes *notes, char *line) {
    char own[STAMP + 1];
    snprintf(own, sizeof own, "%08x", notes->stamp);
    char *name = strchr(line, '\t');
    if (!name || name - line != STAMP || strncmp(line, own, STAMP))
        return;
    char *text = strchr(++name, '\t');
    if (!text)
        return;
    *text++ = 0;
    if (fits(name, sizeof notes->list->name) && fits(text, sizeof notes->list->text) &&
        !find_kind(notes, name, false))
        add(notes, name, text);
}

static void load(cgv_notes *notes) {
    size_t size;
    char *data = (char *)cgv_cache_load(notes->path, &size);
    for (size_t at = 0; at < size;) {
        char *end = memchr(data + at, '\n', size - at);
        if (!end)
            break;
        *end = 0; // a zero before it ends the line earlier
        read_line(notes, data + at);
        at = (size_t)(end - data) + 1;
    }
    free(data);
}

static void store(cgv_notes *notes) {
    char *data = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&data, &size);
    for (int i = notes->count > MOST ? notes->count - MOST : 0; file && i < notes->count; i++)
        if (!notes->list[i].given)
            fprintf(file, "%08x\t%s\t%s\n", notes->stamp, notes->list[i].name, notes->list[i].text);
    if (file && !fclose(file))
        cgv_cache_store(notes->path, data, size, "what was measured is not kept");
    free(data);
}

void cgv_notes_begin(cgv_device *device, uint32_t version) {
    cgv_notes *notes = &device->notes;
    pthread_mutex_lock(&device->lock);
    if (!notes->stamp) {
        notes->stamp = stamp(device, version);
        load(notes);
    }
    pthread_mutex_unlock(&device->lock);
}

bool cgv_notes_find(cgv_device *device, const char *name, bool given, char text[CGV_NOTE_TEXT]) {
    pthread_mutex_lock(&device->lock);
    cgv_note *note = find_kind(&device->notes, name, given);
    if (note) {
        note->used = true;
        memcpy(text, note->text, sizeof note->text);
    }
    pthread_mutex_unlock(&device->lock);
    return note != NULL;
}

cgv_status cgv_notes_put(cgv_device *device, const char *name, const char *text, bool given) {
    cgv_status status = CGV_OK;
    pthread_mutex_lock(&device->lock);
    if (!fits(name, CGV_NOTE_NAME) || !fits(text, CGV_NOTE_TEXT)) {
        status =
            cgv_fail(CGV_ERROR_FORMAT, "'%s', '%s': not what was measured of a device", name, text);
    } else {
        cgv_note *note = find_kind(&device->notes, name, given);
        if (!note)
            note = add(&device->notes, name, text);
        if (note) {
            snprintf(note->text, sizeof note->text, "%s", text);
            note->given = given;
            note->used = !given;
        } else {
            status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", name);
        }
    }
    pthread_mutex_unlock(&device->lock);
    return status;
}

void cgv_notes_keep(cgv_device *device) {
    pthread_mutex_lock(&device->lock);
    if (device->notes.path) {
        load(&device->notes); // what others have found out meanwhile
        store(&device->notes);
    }
    pthread_mutex_unlock(&device->lock);
}

cgv_status cgv_notes_used(cgv_device *device, cgv_note **out, int *count) {
    pthread_mutex_lock(&device->lock);
    const cgv_notes *notes = &device->notes;
    *count = 0;
    *out = calloc((size_t)notes->count + 1, sizeof **out);
    for (int i = 0; *out && i < notes->count; i++)
        if (notes->list[i].used)
            (*out)[(*count)++] = notes->list[i];
    pthread_mutex_unlock(&device->lock);
    return *out ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "what was measured: out of memory");
}

void cgv_notes_destroy(cgv_device *device) {
    free(device->notes.list);
    free(device->notes.path);
}
