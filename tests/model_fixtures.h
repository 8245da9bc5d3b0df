// Model files made in memory, so that the parsers are tested without files of others.
#ifndef CGV_TESTS_MODEL_FIXTURES_H
#define CGV_TESTS_MODEL_FIXTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/net.h"

// Grows as it is written to; out of memory ends the program.
typedef struct fixture_bytes {
    uint8_t *data;
    size_t size, capacity;
} fixture_bytes;

void fixture_put(fixture_bytes *out, const void *data, size_t size);
void fixture_free(fixture_bytes *bytes);

typedef struct fixture_storage {
    const char *type; // "FloatStorage"
    const void *data;
    size_t count, element;
} fixture_storage;

typedef struct fixture_tensor {
    const char *name;
    int storage;
    int64_t offset;
    int dims;
    int64_t shape[4], stride[4];
} fixture_tensor;

typedef enum fixture_dialect {
    FIXTURE_PROTOCOL_2, // what torch.save writes
    FIXTURE_PYTHON_2,   // byte strings, long integers; an OrderedDict is a call on a list of pairs
    FIXTURE_PROTOCOL_4, // frames, short strings, globals from the stack
} fixture_dialect;

typedef struct fixture_file {
    const fixture_storage *storages;
    int storage_count;
    const fixture_tensor *tensors;
    int tensor_count;
    fixture_dialect dialect;
    bool parameters;     // wrap each tensor in nn.Parameter
    const char *wrapped; // the state_dict under this key of an outer dictionary, NULL: alone
    int aside;           // wrapped: so many of the last tensors lie under "netD" instead, before it
} fixture_file;

void fixture_legacy(fixture_bytes *out, const fixture_file *file);
void fixture_zip(fixture_bytes *out, const fixture_file *file, bool compress);
// The pickle alone, and any files as a zip archive.
void fixture_pickle(fixture_bytes *out, const fixture_file *file);
void fixture_archive(fixture_bytes *out, const char *const *names, const fixture_bytes *contents,
                     int count, bool compress);

// Header and data, with the header's true length.
void fixture_safetensors(fixture_bytes *out, const char *header, const void *data, size_t size);

// A file of a net's parameters, value k of the arena being k / 64 - 3. Freed by the function below.
typedef struct fixture_model {
    fixture_file file;
    float *values;
    fixture_storage *storages;
    fixture_tensor *tensors;
} fixture_model;
fixture_model fixture_from_net(const cgv_net *net);
void fixture_model_free(fixture_model *model);

#endif
