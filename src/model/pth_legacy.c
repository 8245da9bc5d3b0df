// torch.save before PyTorch 1.6: five pickles one after another (magic number, protocol, system,
// the object, the keys of its storages), then for each key an int64 count and that many numbers.
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "model/pth.h"

static cgv_status next_pickle(cgv_pickle *out, const cgv_pth *pth, size_t *at) {
    size_t used;
    cgv_status status = cgv_pickle_parse(out, pth->data + *at, pth->size - *at, &used, pth->where);
    *at += used;
    return status;
}

static const cgv_pickle_value *lookup(const cgv_pickle *p, const cgv_pickle_value *dict,
                                      const char *key) {
    for (uint32_t i = dict->first; i != CGV_PICKLE_END;) {
        uint32_t value = p->links[i].next;
        if (cgv_pickle_is_string(&p->values[p->links[i].value], key))
            return &p->values[p->links[value].value];
        i = p->links[value].next;
    }
    return NULL;
}

static bool is_magic(const cgv_pickle *p) {
    static const uint8_t magic[10] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    const cgv_pickle_value *v = &p->values[p->top];
    return v->type == CGV_PICKLE_BIG && v->count == sizeof magic &&
           !memcmp(v->text, magic, sizeof magic);
}

static bool is_protocol(const cgv_pickle *p) {
    const cgv_pickle_value *v = &p->values[p->top];
    return v->type == CGV_PICKLE_INT && v->integer == 1001;
}

static bool is_little_endian(const cgv_pickle *p) {
    const cgv_pickle_value *dict = &p->values[p->top];
    const cgv_pickle_value *flag =
        dict->type == CGV_PICKLE_DICT ? lookup(p, dict, "little_endian") : NULL;
    return flag && flag->type == CGV_PICKLE_BOOL && flag->integer;
}

static cgv_status read_prologue(const cgv_pth *pth, size_t *at) {
    static const struct {
        bool (*is)(const cgv_pickle *p);
        const char *what;
    } expected[] = {
        {is_magic, "a pickle, but not one of torch.save"},
        {is_protocol, "an unknown version of PyTorch's legacy format"},
        {is_little_endian, "written by a big-endian machine"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cgv_pickle pickle;
        cgv_status status = next_pickle(&pickle, pth, at);
        if (!status && !expected[i].is(&pickle))
            status = cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: %s", pth->where, expected[i].what);
        cgv_pickle_free(&pickle);
        if (status)
            return status;
    }
    return CGV_OK;
}

// One storage: its count and its numbers, from *at on.
static cgv_status take_storage(const cgv_pth *pth, const char *key, size_t *at) {
    cgv_pth_storage *storage = cgv_pth_find_storage(pth, key);
    if (!storage || storage->data)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: nothing is known of its storage '%s'",
                        pth->where, key);
    int64_t count;
    size_t left = pth->size - *at;
    if (left < sizeof count || left - sizeof count < storage->bytes)
        return cgv_fail(CGV_ERROR_FORMAT,
                        "%s: truncated: its storage '%s' needs %zu bytes at %zu, but the file ends "
                        "at %zu",
                        pth->where, key, storage->bytes + sizeof count, *at, pth->size);
    memcpy(&count, pth->data + *at, sizeof count);
    if (count < 0 || (uint64_t)count != storage->count)
        return cgv_fail(CGV_ERROR_FORMAT,
                        "%s: damaged: its storage '%s' has %lld numbers in one place, %llu in "
                        "another",
                        pth->where, key, (long long)count, (unsigned long long)storage->count);
    storage->data = pth->data + *at + sizeof count;
    *at += sizeof count + storage->bytes;
    return CGV_OK;
}

static cgv_status take_storages(const cgv_pth *pth, const cgv_pickle *keys, size_t at) {
    const cgv_pickle_value *list = &keys->values[keys->top];
    if (list->type != CGV_PICKLE_LIST)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: no list of storages", pth->where);
    for (uint32_t i = list->first; i != CGV_PICKLE_END; i = keys->links[i].next) {
        const cgv_pickle_value *value = &keys->values[keys->links[i].value];
        char key[64] = "?";
        if (value->type == CGV_PICKLE_STRING)
            cgv_pickle_printable(key, value->text, value->count);
        cgv_status status = take_storage(pth, key, &at);
        if (status)
            return status;
    }
    for (int i = 0; i < pth->storage_count; i++)
        if (!pth->storages[i].data)
            return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: its storage '%s' is missing",
                            pth->where, pth->storages[i].key);
    return CGV_OK;
}

cgv_status cgv_pth_read_legacy(cgv_pth *pth) {
    size_t at = 0;
    cgv_pickle object = {0}, keys = {0};
    cgv_status status = read_prologue(pth, &at);
    if (!status)
        status = next_pickle(&object, pth, &at);
    if (!status)
        status = cgv_pth_index(pth, &object);
    if (!status)
        status = next_pickle(&keys, pth, &at);
    if (!status)
        status = take_storages(pth, &keys, at);
    cgv_pickle_free(&object);
    cgv_pickle_free(&keys);
    return status;
}
