#include "model/onnx_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_FLOAT = 1, TYPE_INT64 = 7 };
// Of attributes, as the format numbers them.
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_STRING = 3, ATTRIBUTE_INTS = 7 };

void cgv_onnx_build_free(onnx_build *b) {
    for (size_t i = 0; i < b->block_count; i++)
        free(b->blocks[i]);
    free(b->blocks);
    free(b->nodes);
    free(b->tensors);
    *b = (onnx_build){0};
}

// Room for one more pointer; the arrays double.
static bool reserve(onnx_build *b, void *array, size_t count, size_t *capacity) {
    void ***items = array;
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? 2 * *capacity : 64;
    void **grown = realloc(*items, wanted * sizeof *grown);
    if (!grown) {
        b->failed = true;
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

void *cgv_onnx_build_memory(onnx_build *b, size_t size) {
    if (!reserve(b, &b->blocks, b->block_count, &b->block_capacity))
        return NULL;
    void *block = calloc(1, size ? size : 1);
    if (!block) {
        b->failed = true;
        return NULL;
    }
    b->blocks[b->block_count++] = block;
    return block;
}

char *cgv_onnx_build_text(onnx_build *b, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    char *copy = cgv_onnx_build_memory(b, strlen(text) + 1);
    return copy ? memcpy(copy, text, strlen(text) + 1) : NULL;
}

// ---- nodes ----

static Cgv__Onnx__Node *append_node(onnx_build *b, const char *op, const char *const *operands,
                                    size_t results) {
    size_t count = 0;
    while (operands[count])
        count++;
    Cgv__Onnx__Node *node = cgv_onnx_build_memory(b, sizeof *node);
    char **inputs = cgv_onnx_build_memory(b, count * sizeof *inputs);
    char **outputs = cgv_onnx_build_memory(b, results * sizeof *outputs);
    if (b->failed || !reserve(b, &b->nodes, b->node_count, &b->node_capacity))
        return NULL;
    for (size_t i = 0; i < count; i++)
        inputs[i] = (char *)operands[i];
    cgv__onnx__node__init(node);
    node->op_type = (char *)op;
    node->name = cgv_onnx_build_text(b, "%s_%d", op, b->names);
    node->n_input = count;
    node->input = inputs;
    node->n_output = results;
    node->output = outputs;
    for (size_t i = 0; i < results; i++)
        outputs[i] = cgv_onnx_build_text(b, "t%d", b->names++);
    b->nodes[b->node_count++] = node;
    return b->failed ? NULL : node;
}

const char *cgv_onnx_build_node(onnx_build *b, const char *op, const char *const *operands) {
    const Cgv__Onnx__Node *node = append_node(b, op, operands, 1);
    return node ? node->output[0] : "";
}

void cgv_onnx_build_two(onnx_build *b, const char *op, const char *x, const char *parts,
                        const char *results[2]) {
    const Cgv__Onnx__Node *node = append_node(b, op, (const char *const[]){x, parts, NULL}, 2);
    for (int i = 0; i < 2; i++)
        results[i] = node ? node->output[i] : "";
}

// One more attribute of the last node; NULL after a failure.
static Cgv__Onnx__Attribute *attribute(onnx_build *b, const char *name, int type) {
    enum { MOST = 8 };
    if (b->failed || !b->node_count)
        return NULL;
    Cgv__Onnx__Node *node = b->nodes[b->node_count - 1];
    if (!node->attribute)
        node->attribute = cgv_onnx_build_memory(b, MOST * sizeof(Cgv__Onnx__Attribute *));
    Cgv__Onnx__Attribute *a = cgv_onnx_build_memory(b, sizeof *a);
    if (b->failed || node->n_attribute == MOST)
        return NULL;
    cgv__onnx__attribute__init(a);
    a->name = (char *)name;
    a->has_type = true;
    a->type = type;
    node->attribute[node->n_attribute++] = a;
    return a;
}

void cgv_onnx_build_int(onnx_build *b, const char *name, int64_t value) {
    Cgv__Onnx__Attribute *a = attribute(b, name, ATTRIBUTE_INT);
    if (a) {
        a->has_i = true;
        a->i = value;
    }
}

void cgv_onnx_build_float(onnx_build *b, const char *name, float value) {
    Cgv__Onnx__Attribute *a = attribute(b, name, ATTRIBUTE_FLOAT);
    if (a) {
        a->has_f = true;
        a->f = value;
    }
}

void cgv_onnx_build_word(onnx_build *b, const char *name, const char *value) {
    Cgv__Onnx__Attribute *a = attribute(b, name, ATTRIBUTE_STRING);
    if (a) {
        a->has_s = true;
        a->s = (ProtobufCBinaryData){strlen(value), (uint8_t *)value};
    }
}

void cgv_onnx_build_ints(onnx_build *b, const char *name, const int64_t *values, size_t count) {
    Cgv__Onnx__Attribute *a = attribute(b, name, ATTRIBUTE_INTS);
    int64_t *copy = cgv_onnx_build_memory(b, count * sizeof *copy);
    if (a && copy) {
        memcpy(copy, values, count * sizeof *copy);
        a->ints = copy;
        a->n_ints = count;
    }
}

// ---- constants ----

static const char *tensor(onnx_build *b, const char *name, int type, const void *data, size_t size,
                          int dims, const int64_t *shape) {
    Cgv__Onnx__Tensor *t = cgv_onnx_build_memory(b, sizeof *t);
    int64_t *copy = cgv_onnx_build_memory(b, (size_t)dims * sizeof *copy);
    if (b->failed || !reserve(b, &b->tensors, b->tensor_count, &b->tensor_capacity))
        return "";
    cgv__onnx__tensor__init(t);
    for (int i = 0; i < dims; i++)
        copy[i] = shape[i];
    t->name = cgv_onnx_build_text(b, "%s", name ? name : "");
    if (!name)
        t->name = cgv_onnx_build_text(b, "c%d", b->names++);
    t->n_dims = (size_t)dims;
    t->dims = copy;
    t->has_data_type = true;
    t->data_type = type;
    t->has_raw_data = true;
    t->raw_data = (ProtobufCBinaryData){size, (uint8_t *)data};
    b->tensors[b->tensor_count++] = t;
    return b->failed ? "" : t->name;
}

const char *cgv_onnx_build_floats(onnx_build *b, const char *name, const float *values, int dims,
                                  const int64_t *shape) {
    size_t count = 1;
    for (int i = 0; i < dims; i++)
        count *= (size_t)shape[i];
    return tensor(b, name, TYPE_FLOAT, values, count * sizeof *values, dims, shape);
}

const char *cgv_onnx_build_fill(onnx_build *b, float value, int64_t count) {
    float *values = cgv_onnx_build_memory(b, (size_t)count * sizeof *values);
    for (int64_t i = 0; values && i < count; i++)
        values[i] = value;
    return cgv_onnx_build_floats(b, NULL, values, 1, &count);
}

const char *cgv_onnx_build_scalar(onnx_build *b, float value) {
    float *copy = cgv_onnx_build_memory(b, sizeof *copy);
    if (copy)
        *copy = value;
    return tensor(b, NULL, TYPE_FLOAT, copy, sizeof *copy, 0, NULL);
}

const char *cgv_onnx_build_list(onnx_build *b, const int64_t *values, int64_t count) {
    int64_t *copy = cgv_onnx_build_memory(b, (size_t)count * sizeof *copy);
    if (copy)
        memcpy(copy, values, (size_t)count * sizeof *copy);
    return tensor(b, NULL, TYPE_INT64, copy, (size_t)count * sizeof *copy, 1, &count);
}
