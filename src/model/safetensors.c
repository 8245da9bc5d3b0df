// safetensors: uint64 length of the header, a JSON header that maps names to type, shape and range
// of bytes, then the bytes. Ranges must tile the data: no overlap, no gap.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "model/dtype.h"
#include "model/state_dict.h"

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

typedef struct entry {
    const char *name;
    cgv_dtype dtype;
    int dims;
    int64_t shape[CGV_MAX_DIMS];
    uint64_t begin, end;
} entry;

typedef struct table {
    entry *entries;
    int count;
} table;

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

static cgv_status read_table(table *t, json_t *header, uint64_t size, const char *where) {
    if (json_object_size(header) > CGV_MAX_TENSORS)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: more than %d tensors", where, CGV_MAX_TENSORS);
    t->entries = calloc(json_object_size(header) + 1, sizeof *t->entries);
    if (!t->entries)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", where);
    const char *name;
    json_t *value;
    json_object_foreach(header, name, value) {
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

cgv_status cgv_safetensors_parse(cgv_state_dict *out, const void *data, size_t size,
                                 const char *where) {
    *out = (cgv_state_dict){0};
    const uint8_t *bytes = data;
    uint64_t length = 0;
    if (size >= sizeof length)
        memcpy(&length, bytes, sizeof length);
    if (size < sizeof length || length > size - sizeof length)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged or truncated: its header is incomplete",
                        where);
    if (length > MAX_HEADER)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: a header of %llu bytes, more than any model's",
                        where, (unsigned long long)length);
    bytes += sizeof length;
    json_error_t error;
    json_t *header =
        json_loadb((const char *)bytes, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(header)) {
        json_decref(header);
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: its header is no JSON object", where);
    }
    table t = {0};
    cgv_status status = read_table(&t, header, size - sizeof length - length, where);
    if (!status)
        status = copy_tensors(out, &t, bytes + length, where);
    if (status)
        cgv_state_dict_free(out);
    free(t.entries);
    json_decref(header);
    return status;
}

static json_t *make_tensor(const cgv_state_tensor *tensor, uint64_t *at) {
    json_t *shape = json_array();
    for (int i = 0; i < tensor->dims; i++)
        json_array_append_new(shape, json_integer(tensor->shape[i]));
    uint64_t begin = *at;
    *at += tensor->count * sizeof(float);
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)*at);
}

// malloc'ed text, or NULL when out of memory (jansson passes a missing part on).
static char *make_header(const cgv_state_dict *dict, const char *architecture) {
    json_t *header = json_object();
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    int failed =
        architecture && json_object_set_new(metadata, "architecture", json_string(architecture));
    failed |= json_object_set_new(header, "__metadata__", metadata);
    uint64_t at = 0;
    for (int i = 0; i < dict->count; i++)
        failed |=
            json_object_set_new(header, dict->tensors[i].name, make_tensor(&dict->tensors[i], &at));
    char *text = failed ? NULL : json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

static void write_file(FILE *file, const cgv_state_dict *dict, const char *header) {
    uint64_t length = strlen(header);
    uint64_t padded = (length + 7) / 8 * 8; // so that the numbers are aligned in a mapped file
    fwrite(&padded, sizeof padded, 1, file);
    fprintf(file, "%s%*s", header, (int)(padded - length), "");
    for (int i = 0; i < dict->count; i++)
        fwrite(dict->tensors[i].data, sizeof(float), dict->tensors[i].count, file);
}

cgv_status cgv_safetensors_write(const cgv_state_dict *dict, const char *path,
                                 const char *architecture) {
    char *header = make_header(dict, architecture);
    if (!header)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: no memory for the header", path);
    cgv_fs_writer writer;
    cgv_status status = cgv_fs_writer_open(&writer, path);
    if (!status) {
        write_file(writer.file, dict, header);
        status = cgv_fs_writer_commit(&writer); // sees every failed write before
    }
    free(header);
    return status;
}
