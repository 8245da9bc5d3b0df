// torch.save since PyTorch 1.6: a zip archive of NAME/data.pkl, the object, and NAME/data/KEY, one
// file for each storage.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/fs.h"
#include "base/log.h"
#include "model/pth.h"

static cgv_status out_of_memory(const cgv_pth *pth) {
    return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", pth->where);
}

static bool is_memory(zip_error_t *error) {
    return zip_error_code_zip(error) == ZIP_ER_MEMORY;
}

static cgv_status open_archive(zip_t **out, const cgv_pth *pth) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(pth->data, pth->size, 0, &error);
    *out = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    cgv_status status = CGV_OK;
    if (!*out) {
        status = is_memory(&error)
                     ? out_of_memory(pth)
                     : cgv_fail(CGV_ERROR_FORMAT, "%s: damaged or truncated zip archive: %s",
                                pth->where, zip_error_strerror(&error));
        zip_source_free(source);
    }
    zip_error_fini(&error);
    return status;
}

// *data: the file's bytes, malloc'ed. `budget` falls by their number: what an archive may unpack to
// is bounded by twice its size: PyTorch stores, and weights that others compressed hardly shrink.
static cgv_status read_entry(uint8_t **data, size_t *size, zip_t *archive, zip_int64_t index,
                             size_t *budget, const char *name, const cgv_pth *pth) {
    *data = NULL;
    zip_stat_t st;
    zip_file_t *file = NULL;
    if (index < 0 || zip_stat_index(archive, (zip_uint64_t)index, 0, &st) ||
        !(st.valid & ZIP_STAT_SIZE))
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: the archive has no '%s'", pth->where, name);
    if (st.size > *budget)
        return cgv_fail(CGV_ERROR_FORMAT,
                        "%s: damaged: '%s' would unpack to more than the archive holds", pth->where,
                        name);
    *size = (size_t)st.size;
    *data = malloc(*size ? *size : 1);
    if (!*data)
        return out_of_memory(pth);
    file = zip_fopen_index(archive, (zip_uint64_t)index, 0);
    size_t at = 0;
    zip_int64_t got;
    while (file && at < *size && (got = zip_fread(file, *data + at, *size - at)) > 0)
        at += (size_t)got;
    // The checksum is compared when the end is reached, so one more read tells.
    uint8_t beyond;
    bool whole = file && at == *size && zip_fread(file, &beyond, 1) == 0;
    bool memory = is_memory(file ? zip_file_get_error(file) : zip_get_error(archive));
    if (file)
        zip_fclose(file);
    if (!whole) {
        free(*data);
        *data = NULL;
        return memory ? out_of_memory(pth)
                      : cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: cannot unpack '%s'", pth->where,
                                 name);
    }
    *budget -= *size;
    return CGV_OK;
}

// Length of NAME/ in the entry NAME/data.pkl; *index: that entry, -1 when there is none.
static size_t find_pickle(zip_t *archive, zip_int64_t *index) {
    static const char wanted[] = "data.pkl";
    const size_t wanted_length = sizeof wanted - 1;
    zip_int64_t count = zip_get_num_entries(archive, 0);
    for (*index = 0; *index < count; ++*index) {
        const char *name = zip_get_name(archive, (zip_uint64_t)*index, ZIP_FL_ENC_RAW);
        size_t length = name ? strlen(name) : 0;
        if (length > wanted_length && name[length - wanted_length - 1] == '/' &&
            !strcmp(name + length - wanted_length, wanted))
            return length - wanted_length;
    }
    *index = -1;
    return 0;
}

static cgv_status read_storages(cgv_pth *pth, zip_t *archive, const char *folder, int length,
                                size_t *budget) {
    for (int i = 0; i < pth->storage_count; i++) {
        cgv_pth_storage *storage = &pth->storages[i];
        if (!storage->wanted)
            continue;
        char *name = cgv_fs_format("%.*sdata/%s", length, folder, storage->key);
        if (!name)
            return out_of_memory(pth);
        size_t size = 0;
        cgv_status status =
            read_entry(&storage->owned, &size, archive,
                       zip_name_locate(archive, name, ZIP_FL_ENC_RAW), budget, storage->key, pth);
        free(name);
        if (status)
            return status;
        if (size != storage->bytes)
            return cgv_fail(CGV_ERROR_FORMAT,
                            "%s: damaged: storage '%s' has %zu bytes instead of %zu", pth->where,
                            storage->key, size, storage->bytes);
        storage->data = storage->owned;
    }
    return CGV_OK;
}

// Absent before PyTorch 2.1, which wrote the machine's own order, in practice little-endian.
static cgv_status check_byte_order(const cgv_pth *pth, zip_t *archive, const char *folder,
                                   int length, size_t *budget) {
    char *name = cgv_fs_format("%.*sbyteorder", length, folder);
    if (!name)
        return out_of_memory(pth);
    zip_int64_t index = zip_name_locate(archive, name, ZIP_FL_ENC_RAW);
    free(name);
    if (index < 0)
        return CGV_OK;
    uint8_t *order;
    size_t size;
    cgv_status status = read_entry(&order, &size, archive, index, budget, "byteorder", pth);
    if (!status && (size != 6 || memcmp(order, "little", 6)))
        status = cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: written by a big-endian machine", pth->where);
    free(order);
    return status;
}

cgv_status cgv_pth_read_zip(cgv_pth *pth) {
    zip_t *archive;
    cgv_status status = open_archive(&archive, pth);
    if (status)
        return status;
    uint8_t *bytes = NULL;
    size_t size = 0, used, budget = 2 * pth->size;
    cgv_pickle pickle = {0};
    zip_int64_t index;
    int length = (int)find_pickle(archive, &index);
    if (index < 0) {
        status = cgv_fail(CGV_ERROR_UNSUPPORTED,
                          "%s: a zip archive, but not one of torch.save: it has no data.pkl",
                          pth->where);
        goto done;
    }
    const char *folder = zip_get_name(archive, (zip_uint64_t)index, ZIP_FL_ENC_RAW);
    status = read_entry(&bytes, &size, archive, index, &budget, "data.pkl", pth);
    if (!status)
        status = cgv_pickle_parse(&pickle, bytes, size, &used, pth->where);
    if (!status)
        status = cgv_pth_index(pth, &pickle);
    if (!status)
        status = check_byte_order(pth, archive, folder, length, &budget);
    if (!status)
        status = read_storages(pth, archive, folder, length, &budget);
done:
    cgv_pickle_free(&pickle);
    free(bytes);
    zip_discard(archive);
    return status;
}
