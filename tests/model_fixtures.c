#include "model_fixtures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

static void *check(void *p) {
    if (!p) {
        fprintf(stderr, "no memory for a fixture\n");
        exit(1);
    }
    return p;
}

void fixture_put(fixture_bytes *out, const void *data, size_t size) {
    if (!size)
        return;
    if (out->size + size > out->capacity) {
        out->capacity = 2 * (out->size + size);
        out->data = check(realloc(out->data, out->capacity));
    }
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

void fixture_free(fixture_bytes *bytes) {
    free(bytes->data);
    *bytes = (fixture_bytes){0};
}

static void put_byte(fixture_bytes *out, int byte) {
    uint8_t b = (uint8_t)byte;
    fixture_put(out, &b, 1);
}

static void put_text(fixture_bytes *out, const char *text) {
    fixture_put(out, text, strlen(text));
}

static void put_number(fixture_bytes *out, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++)
        put_byte(out, (int)(number >> 8 * i & 255));
}

static void put_string(fixture_bytes *out, const char *text, fixture_dialect dialect) {
    static const uint8_t opcodes[] = {'X', 'U', 0x8c};
    put_byte(out, opcodes[dialect]);
    put_number(out, strlen(text), dialect == FIXTURE_PROTOCOL_2 ? 4 : 1);
    put_text(out, text);
}

static void put_int(fixture_bytes *out, int64_t number, fixture_dialect dialect) {
    if (dialect == FIXTURE_PYTHON_2) { // a long, in as few bytes as hold its sign too
        int bytes = number ? 1 : 0;
        while (bytes && bytes < 8 &&
               (number < -(1ll << (8 * bytes - 1)) || number >> (8 * bytes - 1) > 0))
            bytes++;
        put_byte(out, 0x8a);
        put_byte(out, bytes);
        put_number(out, (uint64_t)number, bytes);
    } else if (number >= 0 && number < 256) {
        put_byte(out, 'K');
        put_number(out, (uint64_t)number, 1);
    } else if (number >= INT32_MIN && number <= INT32_MAX) {
        put_byte(out, 'J');
        put_number(out, (uint64_t)number, 4);
    } else {
        put_text(out, "\x8a\x08");
        put_number(out, (uint64_t)number, 8);
    }
}

static void put_global(fixture_bytes *out, const char *module, const char *name,
                       fixture_dialect dialect) {
    if (dialect == FIXTURE_PROTOCOL_4) {
        put_string(out, module, dialect);
        put_string(out, name, dialect);
        put_text(out, "\x93\x94");
        return;
    }
    put_text(out, "c");
    put_text(out, module);
    put_text(out, "\n");
    put_text(out, name);
    put_text(out, "\n");
}

static void put_prologue(fixture_bytes *out, fixture_dialect dialect) {
    put_byte(out, 0x80);
    put_byte(out, dialect == FIXTURE_PROTOCOL_4 ? 4 : 2);
    if (dialect == FIXTURE_PROTOCOL_4) {
        put_byte(out, 0x95);
        put_number(out, 0, 8);
    }
}

static void put_tuple(fixture_bytes *out, const int64_t *numbers, int count,
                      fixture_dialect dialect) {
    put_text(out, "(");
    for (int i = 0; i < count; i++)
        put_int(out, numbers[i], dialect);
    put_text(out, "t");
}

static void put_storage(fixture_bytes *out, const fixture_file *file, int index) {
    const fixture_storage *storage = &file->storages[index];
    char key[16];
    snprintf(key, sizeof key, "%d", index);
    put_text(out, "(");
    put_string(out, "storage", file->dialect);
    put_global(out, "torch", storage->type, file->dialect);
    put_string(out, key, file->dialect);
    put_string(out, "cpu", file->dialect);
    put_int(out, (int64_t)storage->count, file->dialect);
    put_text(out, "tQ");
}

static void put_tensor(fixture_bytes *out, const fixture_file *file, const fixture_tensor *t) {
    if (file->parameters) {
        put_global(out, "torch._utils", "_rebuild_parameter", file->dialect);
        put_text(out, "(");
    }
    put_global(out, "torch._utils", "_rebuild_tensor_v2", file->dialect);
    put_text(out, "(");
    put_storage(out, file, t->storage);
    put_int(out, t->offset, file->dialect);
    put_tuple(out, t->shape, t->dims, file->dialect);
    put_tuple(out, t->stride, t->dims, file->dialect);
    put_byte(out, 0x89);
    put_global(out, "collections", "OrderedDict", file->dialect);
    put_text(out, ")RtR");
    if (file->parameters) {
        put_byte(out, 0x88);
        put_text(out, "NtR");
    }
}

static void put_state_dict(fixture_bytes *out, const fixture_file *file, int first, int end) {
    bool python2 = file->dialect == FIXTURE_PYTHON_2;
    put_global(out, "collections", "OrderedDict", file->dialect);
    put_text(out, python2 ? "(](" : ")Rq\x01(");
    for (int i = first; i < end; i++) {
        if (python2)
            put_text(out, "](");
        put_string(out, file->tensors[i].name, file->dialect);
        put_tensor(out, file, &file->tensors[i]);
        if (python2)
            put_text(out, "e");
    }
    if (python2) {
        put_text(out, "etR");
        return;
    }
    put_text(out, "u}"); // the items; then the attribute _metadata
    put_string(out, "_metadata", file->dialect);
    put_text(out, "h\x01sb");
}

void fixture_pickle(fixture_bytes *out, const fixture_file *file) {
    put_prologue(out, file->dialect);
    if (file->wrapped) {
        put_text(out, "}");
        put_string(out, "epoch", file->dialect);
        put_int(out, 7, file->dialect);
        put_text(out, "s");
        if (file->aside) {
            put_string(out, "netD", file->dialect);
            put_state_dict(out, file, file->tensor_count - file->aside, file->tensor_count);
            put_text(out, "s");
        }
        put_string(out, file->wrapped, file->dialect);
    }
    put_state_dict(out, file, 0, file->tensor_count - file->aside);
    put_text(out, file->wrapped ? "s." : ".");
}

void fixture_legacy(fixture_bytes *out, const fixture_file *file) {
    static const uint8_t magic[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                    0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
    fixture_put(out, magic, sizeof magic);
    fixture_put(out, "\x80\x02M\xe9\x03.", 6);
    fixture_put(out, "\x80\x02}(", 4);
    put_string(out, "protocol_version", file->dialect);
    fixture_put(out, "M\xe9\x03", 3);
    put_string(out, "little_endian", file->dialect);
    fixture_put(out, "\x88u.", 3);
    fixture_pickle(out, file);
    fixture_put(out, "\x80\x02](", 4);
    for (int i = file->storage_count - 1; i >= 0; i--) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        put_string(out, key, file->dialect);
    }
    put_text(out, "e.");
    for (int i = file->storage_count - 1; i >= 0; i--) {
        const fixture_storage *storage = &file->storages[i];
        put_number(out, storage->count, 8);
        fixture_put(out, storage->data, storage->count * storage->element);
    }
}

static void take_archive(fixture_bytes *out, zip_source_t *source) {
    zip_stat_t st;
    uint8_t buffer[4096];
    zip_int64_t got = -1;
    if (!zip_source_stat(source, &st) && !zip_source_open(source)) {
        while ((got = zip_source_read(source, buffer, sizeof buffer)) > 0)
            fixture_put(out, buffer, (size_t)got);
        zip_source_close(source);
    }
    check(got == 0 ? out : NULL);
}

void fixture_archive(fixture_bytes *out, const char *const *names, const fixture_bytes *contents,
                     int count, bool compress) {
    zip_source_t *target = check(zip_source_buffer_create(NULL, 0, 0, NULL));
    zip_source_keep(target);
    zip_t *archive = check(zip_open_from_source(target, ZIP_TRUNCATE, NULL));
    for (int i = 0; i < count; i++) {
        zip_source_t *content =
            check(zip_source_buffer(archive, contents[i].data, contents[i].size, 0));
        zip_int64_t index = zip_file_add(archive, names[i], content, 0);
        check(index < 0 ? NULL : archive);
        zip_set_file_compression(archive, (zip_uint64_t)index,
                                 compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    }
    check(zip_close(archive) ? NULL : out);
    take_archive(out, target);
    zip_source_free(target);
}

void fixture_zip(fixture_bytes *out, const fixture_file *file, bool compress) {
    int count = file->storage_count + 1;
    char(*text)[32] = check(calloc((size_t)count, sizeof *text));
    const char **names = check(calloc((size_t)count, sizeof *names));
    fixture_bytes *contents = check(calloc((size_t)count, sizeof *contents));
    for (int i = 0; i < count; i++) {
        names[i] = text[i];
        snprintf(text[i], sizeof text[i], i ? "archive/data/%d" : "archive/data.pkl", i - 1);
        if (i) {
            const fixture_storage *storage = &file->storages[i - 1];
            fixture_put(&contents[i], storage->data, storage->count * storage->element);
        } else {
            fixture_pickle(&contents[i], file);
        }
    }
    fixture_archive(out, names, contents, count, compress);
    for (int i = 0; i < count; i++)
        fixture_free(&contents[i]);
    free(contents);
    free(names);
    free(text);
}

void fixture_safetensors(fixture_bytes *out, const char *header, const void *data, size_t size) {
    put_number(out, strlen(header), 8);
    put_text(out, header);
    fixture_put(out, data, size);
}

fixture_model fixture_from_net(const cgv_net *net) {
    size_t count = (size_t)net->param_count;
    fixture_model m = {.values = check(calloc(net->param_floats, sizeof *m.values)),
                       .storages = check(calloc(count, sizeof *m.storages)),
                       .tensors = check(calloc(count, sizeof *m.tensors))};
    for (size_t i = 0; i < net->param_floats; i++)
        m.values[i] = (float)i / 64 - 3;
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        m.storages[i] =
            (fixture_storage){"FloatStorage", m.values + p->offset, p->count, sizeof(float)};
        m.tensors[i] = (fixture_tensor){.name = p->name, .storage = i, .dims = p->dims};
        memcpy(m.tensors[i].shape, p->shape, sizeof p->shape);
        int64_t stride = 1;
        for (int d = p->dims - 1; d >= 0; d--) {
            m.tensors[i].stride[d] = stride;
            stride *= p->shape[d];
        }
    }
    m.file = (fixture_file){.storages = m.storages,
                            .storage_count = net->param_count,
                            .tensors = m.tensors,
                            .tensor_count = net->param_count};
    return m;
}

void fixture_model_free(fixture_model *model) {
    free(model->values);
    free(model->storages);
    free(model->tensors);
    *model = (fixture_model){0};
}
