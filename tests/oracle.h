// Directories made by an independent PyTorch reference: networks, inputs, outputs, and a training
// trace. Shared by the checks of tests/test_oracle.c.
#ifndef CGV_TESTS_ORACLE_H
#define CGV_TESTS_ORACLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/float32.h"
#include "cgvideo/device.h"
#include "model/model.h"

// Whether this is the build in double precision (docs/numerics.md).
enum { ORACLE_IN_DOUBLE = sizeof(float) > sizeof(float32) };

// NAME.json + NAME.bin: named float32 tensors.
typedef struct oracle_table {
    json_t *entries; // name -> {"shape": [...], "offset": bytes}
    float *values;
    size_t count;
} oracle_table;

typedef struct oracle_dir {
    const char *path;
    int size, steps, batch; // of the inputs
    cgv_model *nets[4];     // ORACLE_G_A …
    int failures;           // printed as they are found
    // In float32: limits that the trajectory missed, as rounding may let it (oracle_train.c).
    int misses;
    char parted[160]; // the first of them
    float nudge;      // a test's: is added to weights after the first step, so that it parts
} oracle_dir;

enum { ORACLE_G_A, ORACLE_G_B, ORACLE_D_A, ORACLE_D_B };
extern const char *const oracle_net_names[4];

// Print a failure of this directory and count it.
void oracle_fail(oracle_dir *dir, const char *format, ...) __attribute__((format(printf, 2, 3)));
// A number that is off by `error` where `limit` is allowed, as the text says; NaN is off. Up to
// `chance` it may be the chance of float32, and counts as a miss; in double precision as a failure.
void oracle_off(oracle_dir *dir, double error, double limit, double chance, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

// What a constant of the sources stands for: 0.2f is 0.200000003, also in double precision.
float oracle_decimal(float constant);

// False (and a failure) when the file is missing or malformed.
bool oracle_table_read(oracle_dir *dir, oracle_table *out, const char *name);
void oracle_table_free(oracle_table *table);
// The values of one entry and their number; NULL (and a failure) when absent or out of bounds.
const float *oracle_table_find(oracle_dir *dir, const oracle_table *table, const char *name,
                               size_t *count);

// Raw float32 file of exactly `count` values, malloc'ed; NULL (and a failure) otherwise.
float *oracle_read_floats(oracle_dir *dir, const char *name, size_t count);

// Read trace.json and the four networks, whose .pth and .bin must agree to the bit.
void oracle_open(oracle_dir *dir, const char *path);
void oracle_close(oracle_dir *dir);

// Compare forward.bin with the networks' outputs on the device.
void oracle_check_forward(oracle_dir *dir, cgv_device *device);

// Repeat the trace's training and compare losses, first gradients and movement (oracle_train.c).
void oracle_check_training(oracle_dir *dir, cgv_device *device);

#endif
