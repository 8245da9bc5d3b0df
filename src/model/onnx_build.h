// An ONNX graph in the making: nodes and constants, whose memory it owns. Errors (out of memory)
// stick, so that export code reads straight.
#ifndef CGV_MODEL_ONNX_BUILD_H
#define CGV_MODEL_ONNX_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/onnx.pb-c.h"

typedef struct onnx_build {
    Cgv__Onnx__Node **nodes;
    Cgv__Onnx__Tensor **tensors;
    size_t node_count, node_capacity, tensor_count, tensor_capacity;
    void **blocks; // everything else that was allocated
    size_t block_count, block_capacity;
    int names;
    bool failed;
} onnx_build;

void cgv_onnx_build_free(onnx_build *b);

// Zeroed memory that lives as long as the build; a copy of text made by a format.
void *cgv_onnx_build_memory(onnx_build *b, size_t size);
char *cgv_onnx_build_text(onnx_build *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Append a node; the name of its result. Operands may be "" where they are left out, and end with
// NULL. Attributes go to the node appended last.
const char *cgv_onnx_build_node(onnx_build *b, const char *op, const char *const *operands);
#define CGV_ONNX_NODE(b, op, ...)                                                                  \
    cgv_onnx_build_node(b, op, (const char *const[]){__VA_ARGS__, NULL})
// The same with two results.
void cgv_onnx_build_two(onnx_build *b, const char *op, const char *x, const char *parts,
                        const char *results[2]);

void cgv_onnx_build_int(onnx_build *b, const char *name, int64_t value);
void cgv_onnx_build_float(onnx_build *b, const char *name, float value);
void cgv_onnx_build_word(onnx_build *b, const char *name, const char *value);
void cgv_onnx_build_ints(onnx_build *b, const char *name, const int64_t *values, size_t count);
#define CGV_ONNX_INTS(b, name, ...)                                                                \
    cgv_onnx_build_ints(b, name, (const int64_t[]){__VA_ARGS__},                                   \
                        sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

// Constants; their name. Floats are not copied: they outlive the build. name NULL: any.
const char *cgv_onnx_build_floats(onnx_build *b, const char *name, const float *values, int dims,
                                  const int64_t *shape);
const char *cgv_onnx_build_fill(onnx_build *b, float value, int64_t count);
const char *cgv_onnx_build_scalar(onnx_build *b, float value);
const char *cgv_onnx_build_list(onnx_build *b, const int64_t *values, int64_t count);
#define CGV_ONNX_LIST(b, ...)                                                                      \
    cgv_onnx_build_list(b, (const int64_t[]){__VA_ARGS__},                                         \
                        sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

#endif
