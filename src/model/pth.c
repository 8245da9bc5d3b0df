#include "model/pth.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static cgv_status damaged(const cgv_pth *pth, const char *name, const char *why) {
    return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: '%s' %s", pth->where, name, why);
}

static bool reserve(void **items, int count, int *capacity, size_t size) {
    if (count < *capacity)
        return true;
    int wanted = *capacity ? 2 * *capacity : 64;
    void *grown = realloc(*items, (size_t)wanted * size);
    if (grown) {
        *items = grown;
        *capacity = wanted;
    }
    return grown;
}

static const cgv_pickle_value *item(const cgv_pickle *p, const cgv_pickle_value *chain, uint32_t n,
                                    cgv_pickle_type type) {
    const cgv_pickle_value *value = cgv_pickle_item(p, chain, n);
    return value && value->type == type ? value : NULL;
}

// A string that may stand in messages as it is.
static bool copy_text(char *out, size_t size, const cgv_pickle_value *text) {
    if (!text || text->type != CGV_PICKLE_STRING || text->count >= size)
        return false;
    for (uint32_t i = 0; i < text->count; i++) {
        if (text->text[i] < ' ' || text->text[i] == 0x7f)
            return false;
        out[i] = (char)text->text[i];
    }
    out[text->count] = 0;
    return true;
}

cgv_pth_storage *cgv_pth_find_storage(const cgv_pth *pth, const char *key) {
    for (int i = 0; i < pth->storage_count; i++)
        if (!strcmp(pth->storages[i].key, key))
            return &pth->storages[i];
    return NULL;
}

// Index of the storage with this persistent id: ('storage', type, key, location, count[, view]).
static cgv_status index_storage(cgv_pth *pth, int *out, const cgv_pickle *p,
                                const cgv_pickle_value *reference, const char *name) {
    const cgv_pickle_value *id = &p->values[reference->args];
    if (id->type != CGV_PICKLE_TUPLE)
        return damaged(pth, name, "has no storage");
    const cgv_pickle_value *type = item(p, id, 1, CGV_PICKLE_GLOBAL);
    const cgv_pickle_value *count = item(p, id, 4, CGV_PICKLE_INT);
    const cgv_pickle_value *view = cgv_pickle_item(p, id, 5);
    cgv_pth_storage storage = {0};
    if (!cgv_pickle_is_string(cgv_pickle_item(p, id, 0), "storage") || !type || !count ||
        type->global != CGV_GLOBAL_STORAGE || count->integer < 0 ||
        (uint64_t)count->integer > pth->size ||
        !copy_text(storage.key, sizeof storage.key, cgv_pickle_item(p, id, 2)))
        return damaged(pth, name, "has no storage that could be in the file");
    if (view && view->type != CGV_PICKLE_NONE)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: '%s' lies in a view of another storage; save it again with a newer "
                        "PyTorch",
                        pth->where, name);
    storage.dtype = type->dtype;
    storage.count = (uint64_t)count->integer;
    storage.bytes = (size_t)storage.count * cgv_dtype_size(storage.dtype);

    const cgv_pth_storage *known = cgv_pth_find_storage(pth, storage.key);
    if (known) {
        *out = (int)(known - pth->storages);
        bool same = known->dtype == storage.dtype && known->count == storage.count;
        return same ? CGV_OK : damaged(pth, name, "contradicts another tensor of its storage");
    }
    void *storages = pth->storages;
    if (!reserve(&storages, pth->storage_count, &pth->storage_capacity, sizeof storage))
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", pth->where);
    pth->storages = storages;
    *out = pth->storage_count;
    pth->storages[pth->storage_count++] = storage;
    return CGV_OK;
}

static bool copy_integers(int64_t *out, int *count, const cgv_pickle *p,
                          const cgv_pickle_value *tuple) {
    if (!tuple || tuple->count > CGV_MAX_DIMS)
        return false;
    for (uint32_t i = 0; i < tuple->count; i++) {
        const cgv_pickle_value *number = item(p, tuple, i, CGV_PICKLE_INT);
        if (!number || number->integer < 0)
            return false;
        out[i] = number->integer;
    }
    *count = (int)tuple->count;
    return true;
}

// Every element inside the storage? Sizes come from the file, so each step may overflow.
static bool inside(const cgv_pth_tensor *t, uint64_t storage_count) {
    int64_t last = t->offset, reach;
    for (int i = 0; i < t->dims && t->count; i++)
        if (__builtin_mul_overflow(t->shape[i] - 1, t->stride[i], &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return false;
    return !t->count || (uint64_t)last < storage_count;
}

// The arguments of _rebuild_tensor(_v2): (storage, offset, size, stride, ...).
static cgv_status index_tensor(cgv_pth *pth, cgv_pth_tensor *t, const cgv_pickle *p,
                               const cgv_pickle_value *args) {
    const cgv_pickle_value *storage = item(p, args, 0, CGV_PICKLE_PERSISTENT);
    const cgv_pickle_value *offset = item(p, args, 1, CGV_PICKLE_INT);
    int strides;
    if (!storage || !offset || offset->integer < 0)
        return damaged(pth, t->name, "has no storage");
    t->offset = offset->integer;
    if (!copy_integers(t->shape, &t->dims, p, item(p, args, 2, CGV_PICKLE_TUPLE)) ||
        !copy_integers(t->stride, &strides, p, item(p, args, 3, CGV_PICKLE_TUPLE)) ||
        strides != t->dims)
        return damaged(pth, t->name, "has an impossible shape or more than 4 dimensions");
    cgv_status status = cgv_state_count(&t->count, t->name, t->dims, t->shape, pth->where);
    if (!status)
        status = index_storage(pth, &t->storage, p, storage, t->name);
    if (status)
        return status;
    pth->storages[t->storage].wanted = true;
    if (!inside(t, pth->storages[t->storage].count))
        return damaged(pth, t->name, "reaches beyond its storage");
    // Views may repeat numbers (strides of 0, tensors that share a storage) and would let a small
    // file ask for any amount of memory.
    if (t->count > pth->size - pth->numbers)
        return cgv_fail(CGV_ERROR_FORMAT,
                        "%s: truncated or damaged: its tensors up to '%s' hold more numbers than "
                        "the file has bytes (%zu)",
                        pth->where, t->name, pth->size);
    pth->numbers += t->count;
    return CGV_OK;
}

// The call that makes a tensor, seen through nn.Parameter; NULL for anything else.
static const cgv_pickle_value *tensor_args(const cgv_pickle *p, const cgv_pickle_value *value) {
    if (value->type == CGV_PICKLE_CALL && value->global == CGV_GLOBAL_REBUILD_PARAMETER)
        value = cgv_pickle_item(p, &p->values[value->args], 0);
    if (!value || value->type != CGV_PICKLE_CALL || value->global != CGV_GLOBAL_REBUILD_TENSOR)
        return NULL;
    return &p->values[value->args];
}

static cgv_status refuse_content(const cgv_pth *pth, const cgv_pickle *p,
                                 const cgv_pickle_value *dict) {
    char keys[400] = "";
    size_t length = 0;
    uint32_t shown = 0;
    for (uint32_t i = dict->first; i != CGV_PICKLE_END && shown < 5; shown++) {
        const cgv_pickle_value *key = &p->values[p->links[i].value];
        char text[64] = "?";
        if (key->type == CGV_PICKLE_STRING)
            cgv_pickle_printable(text, key->text, key->count);
        length += (size_t)snprintf(keys + length, sizeof keys - length, "%s'%s'", shown ? ", " : "",
                                   text);
        i = p->links[p->links[i].next].next;
    }
    return cgv_fail(CGV_ERROR_UNSUPPORTED,
                    "%s: not a plain state_dict of tensors but a dictionary of %s%s; save the "
                    "generator's state_dict() alone",
                    pth->where, keys, dict->count > 2 * shown ? " ..." : "");
}

// Names under which checkpoints keep the generator, or a dictionary that holds it: averaged weights
// first, for they are what is meant to be used.
static const cgv_pickle_value *find_generator(const cgv_pickle *p, const cgv_pickle_value *dict) {
    static const char *const names[] = {"params_ema", "netG",       "G",
                                        "generator",  "state_dict", "params"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (uint32_t i = dict->first; i != CGV_PICKLE_END;) {
            uint32_t next = p->links[i].next;
            const cgv_pickle_value *value = &p->values[p->links[next].value];
            if (value->type == CGV_PICKLE_DICT &&
                cgv_pickle_is_string(&p->values[p->links[i].value], names[n]))
                return value;
            i = p->links[next].next;
        }
    return NULL;
}

// The dictionary of tensors in a checkpoint; itself where it holds none.
static const cgv_pickle_value *find_state_dict(const cgv_pickle *p, const cgv_pickle_value *top) {
    enum { DEEPEST = 4 };
    for (int depth = 0; depth < DEEPEST; depth++) {
        const cgv_pickle_value *inner = find_generator(p, top);
        if (!inner)
            break;
        top = inner;
    }
    return top;
}

// The storages of what else a checkpoint holds: where one ends the next one begins in a legacy
// file, wanted or not.
static cgv_status index_other_storages(cgv_pth *pth, const cgv_pickle *pickle) {
    enum { MOST = 4 * CGV_MAX_TENSORS };
    int seen = 0, index;
    for (uint32_t i = 0; i < pickle->value_count; i++) {
        if (pickle->values[i].type != CGV_PICKLE_PERSISTENT)
            continue;
        if (++seen > MOST)
            return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: more than %d tensors", pth->where, MOST);
        cgv_status status = index_storage(pth, &index, pickle, &pickle->values[i], "a tensor");
        if (status)
            return status;
    }
    return CGV_OK;
}

cgv_status cgv_pth_index(cgv_pth *pth, const cgv_pickle *pickle) {
    const cgv_pickle_value *top = &pickle->values[pickle->top];
    if (top->type != CGV_PICKLE_DICT)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: its pickle holds no state_dict", pth->where);
    const cgv_pickle_value *dict = find_state_dict(pickle, top);
    for (uint32_t i = dict->first; i != CGV_PICKLE_END;) {
        uint32_t next = pickle->links[i].next;
        const cgv_pickle_value *key = &pickle->values[pickle->links[i].value];
        const cgv_pickle_value *args =
            tensor_args(pickle, &pickle->values[pickle->links[next].value]);
        if (!args)
            return refuse_content(pth, pickle, dict);
        cgv_pth_tensor tensor = {0};
        if (!copy_text(tensor.name, sizeof tensor.name, key))
            return cgv_fail(CGV_ERROR_FORMAT,
                            "%s: damaged: a tensor's name is no short, printable text", pth->where);
        if (pth->tensor_count >= CGV_MAX_TENSORS)
            return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: more than %d tensors", pth->where,
                            CGV_MAX_TENSORS);
        cgv_status status = index_tensor(pth, &tensor, pickle, args);
        if (status)
            return status;
        void *tensors = pth->tensors;
        if (!reserve(&tensors, pth->tensor_count, &pth->tensor_capacity, sizeof tensor))
            return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", pth->where);
        pth->tensors = tensors;
        pth->tensors[pth->tensor_count++] = tensor;
        i = pickle->links[next].next;
    }
    return dict == top ? CGV_OK : index_other_storages(pth, pickle);
}

// Gather a strided view into C order, one innermost row at a time.
static void gather(float *dst, const cgv_pth_tensor *t, const cgv_pth_storage *storage) {
    size_t element = cgv_dtype_size(storage->dtype);
    size_t row = t->dims ? (size_t)t->shape[t->dims - 1] : 1;
    size_t step = t->dims ? (size_t)t->stride[t->dims - 1] : 1;
    int64_t index[CGV_MAX_DIMS] = {0};
    for (size_t done = 0; done < t->count; done += row) {
        size_t at = (size_t)t->offset;
        for (int i = 0; i < t->dims - 1; i++)
            at += (size_t)(index[i] * t->stride[i]);
        cgv_dtype_to_float(dst + done, storage->data + at * element, row, step, storage->dtype);
        for (int i = t->dims - 2; i >= 0 && ++index[i] == t->shape[i]; i--)
            index[i] = 0;
    }
}

static cgv_status copy_tensors(cgv_state_dict *out, const cgv_pth *pth) {
    for (int i = 0; i < pth->tensor_count; i++) {
        const cgv_pth_tensor *t = &pth->tensors[i];
        cgv_state_tensor *copy;
        cgv_status status = cgv_state_dict_add(out, &copy, t->name, t->dims, t->shape, pth->where);
        if (status)
            return status;
        gather(copy->data, t, &pth->storages[t->storage]);
    }
    return CGV_OK;
}

cgv_status cgv_pth_parse(cgv_state_dict *out, const void *data, size_t size, const char *where) {
    *out = (cgv_state_dict){0};
    cgv_pth pth = {.data = data, .size = size, .where = where};
    bool zip = size >= 4 && !memcmp(data, "PK\3\4", 4);
    cgv_status status = zip ? cgv_pth_read_zip(&pth) : cgv_pth_read_legacy(&pth);
    if (!status)
        status = copy_tensors(out, &pth);
    if (status)
        cgv_state_dict_free(out);
    for (int i = 0; i < pth.storage_count; i++)
        free(pth.storages[i].owned);
    free(pth.storages);
    free(pth.tensors);
    return status;
}
