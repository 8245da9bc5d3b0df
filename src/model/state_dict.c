#include "model/state_dict.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { MAX_NAME = 255 };

// Names end up in messages and terminals.
static bool printable(const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return length > 0 && length <= MAX_NAME;
}

cgv_status cgv_state_count(size_t *count, const char *name, int dims, const int64_t *shape,
                           const char *where) {
    *count = 0;
    if (dims < 0 || dims > CGV_MAX_DIMS)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: '%s' has %d dimensions, more than %d", where, name,
                        dims, CGV_MAX_DIMS);
    int64_t product = 1;
    for (int i = 0; i < dims; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(product, shape[i], &product) ||
            product > INT64_MAX / 64)
            return cgv_fail(CGV_ERROR_FORMAT, "%s: the shape of '%s' is impossible", where, name);
    *count = (size_t)product;
    return CGV_OK;
}

static cgv_status reserve(cgv_state_dict *dict, const char *where) {
    if (dict->count < dict->capacity)
        return CGV_OK;
    if (dict->count >= CGV_MAX_TENSORS)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: more than %d tensors", where, CGV_MAX_TENSORS);
    int capacity = dict->capacity ? 2 * dict->capacity : 64;
    void *tensors = realloc(dict->tensors, (size_t)capacity * sizeof *dict->tensors);
    if (!tensors)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", where);
    dict->tensors = tensors;
    dict->capacity = capacity;
    return CGV_OK;
}

cgv_status cgv_state_dict_add(cgv_state_dict *dict, cgv_state_tensor **out, const char *name,
                              int dims, const int64_t *shape, const char *where) {
    *out = NULL;
    if (!printable(name))
        return cgv_fail(CGV_ERROR_FORMAT, "%s: a tensor's name is empty, too long or not printable",
                        where);
    size_t count;
    cgv_status status = cgv_state_count(&count, name, dims, shape, where);
    if (status)
        return status;
    if (cgv_state_dict_find(dict, name))
        return cgv_fail(CGV_ERROR_FORMAT, "%s: it holds '%s' twice", where, name);
    status = reserve(dict, where);
    if (status)
        return status;
    cgv_state_tensor tensor = {.name = strdup(name),
                               .dims = dims,
                               .count = count,
                               .data = calloc(count ? count : 1, sizeof(float))};
    if (!tensor.name || !tensor.data) {
        free(tensor.name);
        free(tensor.data);
        return cgv_fail(CGV_ERROR_MEMORY, "%s: no memory for '%s' (%zu numbers)", where, name,
                        count);
    }
    for (int i = 0; i < dims; i++)
        tensor.shape[i] = shape[i];
    dict->tensors[dict->count] = tensor;
    *out = &dict->tensors[dict->count++];
    return CGV_OK;
}

const cgv_state_tensor *cgv_state_dict_find(const cgv_state_dict *dict, const char *name) {
    for (int i = 0; i < dict->count; i++)
        if (!strcmp(dict->tensors[i].name, name))
            return &dict->tensors[i];
    return NULL;
}

void cgv_state_dict_remove(cgv_state_dict *dict, int index) {
    cgv_state_tensor *tensor = &dict->tensors[index];
    free(tensor->name);
    free(tensor->data);
    memmove(tensor, tensor + 1, (size_t)(--dict->count - index) * sizeof *tensor);
}

void cgv_state_dict_free(cgv_state_dict *dict) {
    if (!dict)
        return;
    for (int i = 0; i < dict->count; i++) {
        free(dict->tensors[i].name);
        free(dict->tensors[i].data);
    }
    free(dict->tensors);
    *dict = (cgv_state_dict){0};
}
