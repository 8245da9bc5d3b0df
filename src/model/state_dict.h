// A network's weights by name, as files hold them: what importers produce and exporters consume.
#ifndef CGV_MODEL_STATE_DICT_H
#define CGV_MODEL_STATE_DICT_H

#include <stddef.h>
#include <stdint.h>

#include "cgvideo/model.h"
#include "cgvideo/status.h"
#include "model/dtype.h"

#define CGV_MAX_DIMS    4
#define CGV_MAX_TENSORS 4096 // of one dictionary; a 64-block generator has some 270

// data: float32, dense, C order, owned by the dictionary. A scalar has dims 0 and count 1.
typedef struct cgv_state_tensor {
    char *name;
    int dims;
    int64_t shape[CGV_MAX_DIMS];
    size_t count;
    float *data;
} cgv_state_tensor;

// What a file may say about its network besides the weights; as in cgv_model_info.
typedef struct cgv_state_notes {
    char description[CGV_MODEL_DESCRIPTION];
    int train_width, train_height;
} cgv_state_notes;

typedef struct cgv_state_dict {
    cgv_state_tensor *tensors;
    int count, capacity;
    cgv_state_notes notes;
} cgv_state_dict;

// Append a tensor with its own zeroed data; *out is valid until the next append.
// `name` is copied. CGV_ERROR_FORMAT on a duplicate or unprintable name, or a shape that overflows;
// messages start with `where`.
CGV_NODISCARD cgv_status cgv_state_dict_add(cgv_state_dict *dict, cgv_state_tensor **out,
                                            const char *name, int dims, const int64_t *shape,
                                            const char *where);
// Product of the extents into *count. CGV_ERROR_FORMAT when one is negative, there are more than
// CGV_MAX_DIMS, or the tensor would not fit in memory.
CGV_NODISCARD cgv_status cgv_state_count(size_t *count, const char *name, int dims,
                                         const int64_t *shape, const char *where);
// NULL when absent.
const cgv_state_tensor *cgv_state_dict_find(const cgv_state_dict *dict, const char *name);
// The others keep their order.
void cgv_state_dict_remove(cgv_state_dict *dict, int index);
void cgv_state_dict_free(cgv_state_dict *dict);

// Parsers work on memory, so that they can be fuzzed; `where` names the source in messages.
// On failure the dictionary is left empty. Nothing in the input is executed, nothing allocated
// beyond a small multiple of `size` plus a fixed allowance for tables.
//
// PyTorch's torch.save of a state_dict, zip or legacy container.
CGV_NODISCARD cgv_status cgv_pth_parse(cgv_state_dict *out, const void *data, size_t size,
                                       const char *where);
CGV_NODISCARD cgv_status cgv_safetensors_parse(cgv_state_dict *out, const void *data, size_t size,
                                               const char *where);
// The file appears whole or not at all. architecture: kept as metadata, NULL: none. dtype: F32, or
// F16, which refuses numbers beyond its range with CGV_ERROR_UNSUPPORTED.
CGV_NODISCARD cgv_status cgv_safetensors_write(const cgv_state_dict *dict, const char *path,
                                               const char *architecture, cgv_dtype dtype);

#endif
