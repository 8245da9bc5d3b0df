// Files of a cache: what is kept on disk only to save time. A missing or damaged one costs just
// that, and so does one that cannot be written.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "gpu/internal.h"

// A damaged cache can crash a driver, so the file carries a checksum of its own (FNV-1a).
static uint64_t checksum(const void *data, size_t size) {
    const uint8_t *bytes = data;
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}

uint8_t *cgv_cache_load(const char *path, size_t *size) {
    FILE *file = path ? fopen(path, "rb") : NULL;
    uint8_t *data = NULL;
    uint64_t sum;
    *size = 0;
    if (!file)
        return NULL;
    if (fread(&sum, sizeof sum, 1, file) == 1 && !fseek(file, 0, SEEK_END)) {
        long end = ftell(file);
        size_t length = end > (long)sizeof sum ? (size_t)end - sizeof sum : 0;
        data = length && length < 1 << 30 ? malloc(length) : NULL;
        if (data && !fseek(file, sizeof sum, SEEK_SET) && fread(data, 1, length, file) == length &&
            checksum(data, length) == sum) {
            *size = length;
        } else {
            free(data);
            data = NULL;
            cgv_log(CGV_LOG_VERBOSE, "%s is damaged, starting a new one", path);
        }
    }
    fclose(file);
    return data;
}

static bool write_file(const char *path, const char *part, const void *data, size_t size) {
    uint64_t sum = checksum(data, size);
    FILE *file = fopen(part, "wb");
    if (!file)
        return false;
    bool whole = fwrite(&sum, sizeof sum, 1, file) == 1 && fwrite(data, 1, size, file) == size;
    whole = !fclose(file) && whole && !rename(part, path);
    int why = errno;
    if (!whole)
        unlink(part);
    errno = why;
    return whole;
}

void cgv_cache_store(const char *path, const void *data, size_t size, const char *what) {
    char *part = cgv_fs_part_name(path);
    if (part && !write_file(path, part, data, size))
        cgv_log(CGV_LOG_WARNING, "%s: %s, so the next start is slower: %s", path, what,
                strerror(errno));
    free(part);
}

// A folder that can be written to, else NULL after saying so.
static char *find_folder(const char *dir) {
    char *base = dir ? strdup(dir) : cgv_fs_cache_dir();
    if (base && *base && !access(base, W_OK))
        return base;
    bool unwanted = dir && !*dir;
    if (!unwanted)
        cgv_log(CGV_LOG_WARNING,
                "%s: no pipeline cache can be kept there, so every start is slow: set "
                "XDG_CACHE_HOME to a folder that can be written to",
                base ? base : "$XDG_CACHE_HOME, ~/.cache");
    free(base);
    return NULL;
}

void cgv_cache_find(cgv_device *device, const char *dir) {
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(device->physical, &properties);
    char uuid[2 * VK_UUID_SIZE + 1];
    for (unsigned i = 0; i < VK_UUID_SIZE; i++)
        snprintf(uuid + 2 * i, 3, "%02x", properties.pipelineCacheUUID[i]);
    char *folder = find_folder(dir);
    device->cache_path = folder ? cgv_fs_format("%s/pipelines-%s.bin", folder, uuid) : NULL;
    device->notes.path = folder ? cgv_fs_format("%s/kernels-%s.bin", folder, uuid) : NULL;
    free(folder);
}
