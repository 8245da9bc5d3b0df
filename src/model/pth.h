// What the two containers of .pth files share: a pickle that describes tensors as views of
// storages, and the storages' bytes, which each container keeps in its own way.
#ifndef CGV_MODEL_PTH_H
#define CGV_MODEL_PTH_H

#include <stdbool.h>

#include "model/pickle.h"
#include "model/state_dict.h"

typedef struct cgv_pth_storage {
    char key[64];
    cgv_dtype dtype;
    uint64_t count; // numbers, as the pickle declares them
    size_t bytes;
    const uint8_t *data; // NULL until the container found it
    uint8_t *owned;      // freed at the end; NULL when data lies inside the file
    bool wanted;         // of a tensor of the network
} cgv_pth_storage;

// Element (i, j, ...) is number offset + i * stride[0] + j * stride[1] ... of the storage.
typedef struct cgv_pth_tensor {
    char name[256];
    int storage, dims;
    int64_t offset, shape[CGV_MAX_DIMS], stride[CGV_MAX_DIMS];
    size_t count;
} cgv_pth_tensor;

typedef struct cgv_pth {
    const uint8_t *data; // the whole file
    size_t size;
    const char *where;
    cgv_pth_storage *storages;
    cgv_pth_tensor *tensors;
    int storage_count, storage_capacity, tensor_count, tensor_capacity;
    size_t numbers; // of all tensors so far, bounded by the file's size
} cgv_pth;

// Fill the tables of tensors and storages from the pickle of a state_dict, or of a checkpoint that
// holds the generator's among others.
CGV_NODISCARD cgv_status cgv_pth_index(cgv_pth *pth, const cgv_pickle *pickle);

// Containers: index the file and find the data of every storage.
CGV_NODISCARD cgv_status cgv_pth_read_legacy(cgv_pth *pth);
CGV_NODISCARD cgv_status cgv_pth_read_zip(cgv_pth *pth);

// Storage of this key, or NULL.
cgv_pth_storage *cgv_pth_find_storage(const cgv_pth *pth, const char *key);

#endif
