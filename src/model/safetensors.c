// safetensors: uint64 length of the header, a JSON header that maps names to type, shape and range
// of bytes, then the bytes. Ranges must tile the data: no overlap, no gap.
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "model/notes.h"
#include "model/safetensors.h"

// A header of CGV_MAX_TENSORS long names stays below; a parsed JSON value takes many times its
// text.
enum { MAX_HEADER = 1 << 20 };

static const struct {
    const char *name;
    cgv_dtype dtype;
} types[] = {
    {"F32", CGV_DTYPE_F32}, {"F16", CGV_DTYPE_F16}, {"BF16", CGV_DTYPE_BF16},
    {"F64", CGV_DTYPE_F64}, {"I64", CGV_DTYPE_I64}, {"I32", CGV_DTYPE_I32},
    {"I16", CGV_DTYPE_I16}, {"I8", CGV_DTYPE_I8},   {"U8", CGV_DTYPE_U8},
    {"BOOL", CGV_DTYPE_U8},
};

typedef cgv_safetensors_entry entry;
typedef cgv_safetensors table;

static cgv_status damaged(const char *where, const char *name, const char *why) {
    return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: '%s' %s", where, name, why);
}

static cgv_status read_dtype(entry *e, const json_t *value, const char *where) {
    const char *name = json_string_value(value);
    for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
        if (!strcmp(name, types[i].name)) {
            e->dtype = types[i].dtype;
            return CGV_OK;
        }
    return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: '%s' has a number type that cgvideo cannot read",
                    where, e->name);
}

static cgv_status read_shape(entry *e, const json_t *shape, const char *where) {
    if (!json_is_array(shape) || json_array_size(shape) > CGV_MAX_DIMS)
        return damaged(where, e->name, "has no shape of at most 4 dimensions");
    e->dims = (int)json_array_size(shape);
    for (int i = 0; i < e->dims; i++) {
        const json_t *extent = json_array_get(shape, (size_t)i);
        if (!json_is_integer(extent))
            return damaged(where, e->name, "has a shape that is not made of integers");
        e->shape[i] = json_integer_value(extent);
    }
    return CGV_OK;
}

static cgv_status read_range(entry *e, const json_t *range, uint64_t size, const char *where) {
    const json_t *begin = json_array_get(range, 0), *end = json_array_get(range, 1);
    if (json_array_size(range) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return damaged(where, e->name, "has no range of bytes");
    e->begin = (uint64_t)json_integer_value(begin);
    e->end = (uint64_t)json_integer_value(end);
    if (e->end > size)
        return damaged(where, e->name, "lies beyond the end of the file; it may be truncated");
    return CGV_OK;
}

static cgv_status read_entry(entry *e, const char *name, const json_t *value, uint64_t size,
                             const char *where) {
    *e = (entry){.name = name};
    if (!json_is_object(value))
        return damaged(where, name, "is no tensor");
    cgv_status status = read_dtype(e, json_object_get(value, "dtype"), where);
    if (!status)
        status = read_shape(e, json_object_get(value, "shape"), where);
    if (!status)
        status = read_range(e, json_object_get(value, "data_offsets"), size, where);
    size_t count;
    if (!status)
        status = cgv_state_count(&count, name, e->dims, e->shape, where);
    if (!status && count * cgv_dtype_size(e->dtype) != e->end - e->begin)
        status = damaged(where, name, "has a range of bytes that does not fit its shape");
    return status;
}

static int by_begin(const void *a, const void *b) {
    const entry *x = a, *y = b;
    // An empty range comes before the one that starts at the same byte.
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin)
                                : (x->end > y->end) - (x->end < y->end);
}

static cgv_status check_tiling(const table *t, uint64_t size, const char *where) {
    uint64_t at = 0;
    for (int i = 0; i < t->count; i++) {
        const entry *e = &t->entries[i];
        if (e->begin < at)
            return damaged(where, e->name, "overlaps another tensor");
        if (e->begin > at)
            return damaged(where, e->name, "comes after bytes that belong to no tensor");
        at = e->end;
    }
    if (at != size)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: bytes at its end belong to no tensor",
                        where);
    return CGV_OK;
}

static cgv_status read_table(table *t, uint64_t size, const char *where) {
    json_t *header = t->header;
    if (json_object_size(header) > CGV_MAX_TENSORS)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: more than %d tensors", where, CGV_MAX_TENSORS);
    t->entries = calloc(json_object_size(header) + 1, sizeof *t->entries);
    if (!t->entries)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", where);
    const char *name;
    json_t *value;
    json_object_foreach (header, name, value) {
        if (!strcmp(name, "__metadata__"))
            continue;
        for (size_t i = 0; name[i]; i++)
            if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
                return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: a tensor's name is not printable",
                                where);
        cgv_status status = read_entry(&t->entries[t->count++], name, value, size, where);
        if (status)
            return status;
    }
    qsort(t->entries, (size_t)t->count, sizeof *t->entries, by_begin);
    return check_tiling(t, size, where);
}

static cgv_status copy_tensors(cgv_state_dict *out, const table *t, const uint8_t *data,
                               const char *where) {
    for (int i = 0; i < t->count; i++) {
        const entry *e = &t->entries[i];
        cgv_state_tensor *tensor;
        cgv_status status = cgv_state_dict_add(out, &tensor, e->name, e->dims, e->shape, where);
        if (status)
            return status;
        cgv_dtype_to_float(tensor->data, data + e->begin, tensor->count, 1, e->dtype);
    }
    return CGV_OK;
}

// text: the header, `length` bytes, before `size` bytes of numbers.
static cgv_status read_header(table *t, const char *text, uint64_t length, uint64_t size,
                              const char *where) {
    json_error_t error = {0};
    *t = (table){.start = sizeof length + length,
                 .header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error)};
    cgv_status status;
    if (json_is_object(t->header))
        status = read_table(t, size, where);
    // jansson says nothing where some of its allocations fail.
    else if (!t->header && (!*error.text || json_error_code(&error) == json_error_out_of_memory))
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: no memory for the header", where);
    else
        status = cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: its header is no JSON object", where);
    if (status)
        cgv_safetensors_free(t);
    return status;
}

// length: as the file says, which has `size` bytes after it.
static cgv_status check_length(uint64_t length, uint64_t size, const char *where) {
    if (length > size)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged or truncated: its header is incomplete",
                        where);
    if (length > MAX_HEADER)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: a header of %llu bytes, more than any model's",
                        where, (unsigned long long)length);
    return CGV_OK;
}

cgv_status cgv_safetensors_parse(cgv_state_dict *out, const void *data, size_t size,
                                 const char *where) {
    *out = (cgv_state_dict){0};
    const uint8_t *bytes = data;
    uint64_t length = UINT64_MAX;
    if (size >= sizeof length) {
        memcpy(&length, bytes, sizeof length);
        bytes += sizeof length;
        size -= sizeof length;
    }
    cgv_status status = check_length(length, size, where);
    if (status)
        return status;
    table t;
    status = read_header(&t, (const char *)bytes, length, size - length, where);
    if (!status)
        status = copy_tensors(out, &t, bytes + length, where);
    if (status)
        cgv_state_dict_free(out);
    else
        cgv_notes_read(&out->notes, &t);
    cgv_safetensors_free(&t);
    return status;
}

cgv_status cgv_safetensors_read_header(cgv_safetensors *out, FILE *file, const char *where) {
    *out = (cgv_safetensors){0};
    uint64_t length = UINT64_MAX, size = 0;
    struct stat st;
    if (!fstat(fileno(file), &st) && fread(&length, sizeof length, 1, file) == 1)
        size = (uint64_t)st.st_size - sizeof length;
    if (ferror(file))
        return cgv_fail(CGV_ERROR_IO, "%s: cannot read: %s", where, strerror(errno));
    cgv_status status = check_length(length, size, where);
    if (status)
        return status;
    char *text = malloc(length + 1);
    if (!text)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: no memory for the header", where);
    if (fread(text, 1, length, file) == length)
        status = read_header(out, text, length, size - length, where);
    else
        status = cgv_fail(CGV_ERROR_IO, "%s: cannot read the header", where);
    free(text);
    return status;
}

void cgv_safetensors_free(cgv_safetensors *file) {
    free(file->entries);
    json_decref(file->header);
    *file = (cgv_safetensors){0};
}

const cgv_safetensors_entry *cgv_safetensors_find(const cgv_safetensors *file, const char *name) {
    for (int i = 0; i < file->count; i++)
        if (!strcmp(file->entries[i].name, name))
            return &file->entries[i];
    return NULL;
}

const char *cgv_safetensors_find_note(const cgv_safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

static const char *type_name(cgv_dtype dtype) {
    size_t i = 0;
    while (types[i].dtype != dtype)
        i++;
    return types[i].name;
}

static json_t *make_tensor(entry *e, uint64_t *at) {
    json_t *shape = json_array();
    uint64_t count = 1;
    for (int i = 0; i < e->dims; i++) {
        json_array_append_new(shape, json_integer(e->shape[i]));
        count *= (uint64_t)e->shape[i];
    }
    e->begin = *at;
    e->end = *at += count * cgv_dtype_size(e->dtype);
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", type_name(e->dtype), "shape", shape,
                     "data_offsets", (json_int_t)e->begin, (json_int_t)e->end);
}

// malloc'ed text, or NULL when out of memory (jansson passes a missing part on).
static char *make_header(entry *entries, int count, const cgv_safetensors_note *notes,
                         int note_count) {
    json_t *header = json_object();
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    int failed = 0;
    for (int i = 0; i < note_count; i++)
        failed |= json_object_set_new(metadata, notes[i].key, json_string(notes[i].value));
    failed |= json_object_set_new(header, "__metadata__", metadata);
    uint64_t at = 0;
    for (int i = 0; i < count; i++)
        failed |= json_object_set_new(header, entries[i].name, make_tensor(&entries[i], &at));
    char *text = failed ? NULL : json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

cgv_status cgv_safetensors_write_header(FILE *file, cgv_safetensors_entry *entries, int count,
                                        const cgv_safetensors_note *notes, int note_count,
                                        const char *where) {
    char *header = make_header(entries, count, notes, note_count);
    if (!header)
        return cgv_fail(CGV_ERROR_MEMORY,
                        "%s: no memory for the header, or a text in it is no UTF-8", where);
    uint64_t length = strlen(header);
    uint64_t padded = (length + 7) / 8 * 8; // so that the numbers are aligned in a mapped file
    cgv_status status = CGV_OK;
    if (count > CGV_MAX_TENSORS || padded > MAX_HEADER)
        status = cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: %d tensors, more than a file may hold", where,
                          count);
    if (!status) {
        fwrite(&padded, sizeof padded, 1, file);
        fprintf(file, "%s%*s", header, (int)(padded - length), "");
    }
    free(header);
    return status;
}

static cgv_status write_halves(FILE *file, const cgv_state_tensor *tensor, const char *where) {
    uint16_t halves[4096];
    const size_t piece = sizeof halves / sizeof *halves;
    for (size_t at = 0; at < tensor->count; at += piece) {
        size_t count = tensor->count - at < piece ? tensor->count - at : piece;
        for (size_t i = 0; i < count; i++) {
            halves[i] = cgv_half_from_float(tensor->data[at + i]);
            if ((halves[i] & 0x7fff) == 0x7c00)
                return cgv_fail(CGV_ERROR_UNSUPPORTED,
                                "%s: '%s' holds %g, beyond half precision (65504): keep float32",
                                where, tensor->name, (double)tensor->data[at + i]);
        }
        fwrite(halves, sizeof *halves, count, file);
    }
    return CGV_OK;
}

static cgv_status write_tensor(FILE *file, const cgv_state_tensor *tensor, cgv_dtype dtype,
                               const char *where) {
    if (dtype == CGV_DTYPE_F16)
        return write_halves(file, tensor, where);
    fwrite(tensor->data, sizeof(float), tensor->count, file);
    return CGV_OK;
}

static cgv_status write_file(FILE *file, const cgv_state_dict *dict, const char *architecture,
                             cgv_dtype dtype, const char *where) {
    cgv_safetensors_note notes[CGV_MAX_NOTES];
    char size[32];
    int note_count;
    entry *entries = calloc((size_t)dict->count + 1, sizeof *entries);
    if (!entries)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", where);
    for (int i = 0; i < dict->count; i++) {
        const cgv_state_tensor *tensor = &dict->tensors[i];
        entries[i] = (entry){.name = tensor->name, .dtype = dtype, .dims = tensor->dims};
        memcpy(entries[i].shape, tensor->shape, sizeof tensor->shape);
    }
    cgv_notes_list(notes, &note_count, &dict->notes, architecture, size);
    cgv_status status =
        cgv_safetensors_write_header(file, entries, dict->count, notes, note_count, where);
    for (int i = 0; i < dict->count && !status; i++)
        status = write_tensor(file, &dict->tensors[i], dtype, where);
    free(entries);
    return status;
}

cgv_status cgv_safetensors_write(const cgv_state_dict *dict, const char *path,
                                 const char *architecture, cgv_dtype dtype) {
    cgv_fs_writer writer;
    cgv_status status = cgv_fs_writer_open(&writer, path);
    if (status)
        return status;
    status = write_file(writer.file, dict, architecture, dtype, path);
    if (!status)
        return cgv_fs_writer_commit(&writer); // sees every failed write before
    cgv_fs_writer_abort(&writer);
    return status;
}
