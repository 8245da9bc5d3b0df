// Tensors of the graph by name.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/dtype.h"
#include "model/onnx_internal.h"

// ---- the table ----

onnx_value *cgv_onnx_find(const onnx_import *im, const char *name) {
    ENTRY *found;
    struct hsearch_data *table = (struct hsearch_data *)&im->table; // FIND changes nothing
    return hsearch_r((ENTRY){.key = (char *)name}, FIND, &found, table) ? found->data : NULL;
}

static cgv_status add(onnx_import *im, const char *name, int producer) {
    ENTRY *entry;
    onnx_value *v = &im->values[im->value_count];
    if (cgv_onnx_find(im, name))
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: two tensors have one name", im->where);
    if (!hsearch_r((ENTRY){.key = (char *)name, .data = v}, ENTER, &entry, &im->table))
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", im->where);
    *v = (onnx_value){.name = name, .producer = producer, .node = -1};
    im->value_count++;
    return CGV_OK;
}

cgv_status cgv_onnx_values_create(onnx_import *im) {
    const Cgv__Onnx__Graph *g = im->graph;
    size_t most = g->n_initializer + g->n_input;
    for (size_t i = 0; i < g->n_node; i++)
        most += g->node[i]->n_output;
    im->values = cgv_onnx_allocate(im, most + 1, sizeof *im->values);
    if (!im->values)
        return CGV_ERROR_UNSUPPORTED;
    if (!hcreate_r(most + most / 2 + 16, &im->table))
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", im->where);
    cgv_status status = CGV_OK;
    for (size_t i = 0; i < g->n_initializer && !status; i++) {
        const Cgv__Onnx__Tensor *tensor = g->initializer[i];
        status = add(im, tensor->name ? tensor->name : "", -1);
        if (!status) {
            im->values[im->value_count - 1].kind = ONNX_CONSTANT;
            im->values[im->value_count - 1].tensor = tensor;
        }
    }
    // Old files list the initializers among the inputs too.
    for (size_t i = 0; i < g->n_input && !status; i++) {
        const char *name = g->input[i]->name ? g->input[i]->name : "";
        if (!cgv_onnx_find(im, name))
            status = add(im, name, -1);
    }
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_output && !status; k++)
            if (*g->node[i]->output[k])
                status = add(im, g->node[i]->output[k], (int)i);
    return status;
}

void cgv_onnx_values_destroy(onnx_import *im) {
    for (int i = 0; i < im->value_count; i++)
        free(im->values[i].data);
    free(im->values);
    hdestroy_r(&im->table);
}

// ---- constants ----

void *cgv_onnx_allocate(onnx_import *im, size_t count, size_t size) {
    if (count > im->room / size) {
        im->cause = cgv_fail(CGV_ERROR_UNSUPPORTED,
                             "%s: unsupported: it unfolds to too much memory", im->where);
        return NULL;
    }
    im->room -= count * size;
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        im->cause = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", im->where);
    return memory;
}

cgv_status cgv_onnx_constant(onnx_import *im, onnx_value *v, int rank, const int64_t *shape,
                             bool varies, bool integer) {
    // most: of any part of the shape, also where another extent is 0.
    int64_t count = 1, most = 1;
    if (rank < 0 || rank > ONNX_MAX_RANK)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: a tensor of %d dimensions",
                        im->where, rank);
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0 || shape[i] > INT32_MAX || (most *= shape[i] ? shape[i] : 1) > INT32_MAX)
            return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: a tensor of an impossible shape",
                            im->where);
        count *= shape[i];
    }
    free(v->data);
    v->data = cgv_onnx_allocate(im, (size_t)count * (varies ? ONNX_LANES : 1), sizeof *v->data);
    if (!v->data)
        return CGV_ERROR_UNSUPPORTED;
    v->kind = ONNX_CONSTANT;
    v->tensor = NULL;
    v->rank = rank;
    v->count = (size_t)count;
    v->varies = varies;
    v->integer = integer;
    for (int i = 0; i < rank; i++)
        v->shape[i] = shape[i];
    return CGV_OK;
}

static const struct {
    int type;
    cgv_dtype dtype;
    bool integer;
} types[] = {
    {ONNX_FLOAT, CGV_DTYPE_F32, false},     {ONNX_HALF, CGV_DTYPE_F16, false},
    {ONNX_BFLOAT16, CGV_DTYPE_BF16, false}, {ONNX_DOUBLE, CGV_DTYPE_F64, false},
    {ONNX_INT64, CGV_DTYPE_I64, true},      {ONNX_INT32, CGV_DTYPE_I32, true},
    {ONNX_INT16, CGV_DTYPE_I16, true},      {ONNX_INT8, CGV_DTYPE_I8, true},
    {ONNX_UINT8, CGV_DTYPE_U8, true},       {ONNX_BOOL, CGV_DTYPE_U8, true},
};

// int64 and double keep more digits than cgv_dtype_to_float does.
static void read_raw(double *out, const uint8_t *raw, size_t count, cgv_dtype dtype) {
    for (size_t i = 0; i < count; i++) {
        float narrow;
        int64_t wide;
        switch (dtype) {
        case CGV_DTYPE_I64:
            memcpy(&wide, raw + 8 * i, 8);
            out[i] = (double)wide;
            break;
        case CGV_DTYPE_F64:
            memcpy(&out[i], raw + 8 * i, 8);
            break;
        default:
            cgv_dtype_to_float(&narrow, raw + cgv_dtype_size(dtype) * i, 1, 1, dtype);
            out[i] = (double)narrow;
        }
    }
}

// The fields that hold numbers of each type one by one.
static bool read_fields(double *out, const Cgv__Onnx__Tensor *t, size_t count) {
    if (t->data_type == ONNX_FLOAT && t->n_float_data == count) {
        for (size_t i = 0; i < count; i++)
            out[i] = (double)t->float_data[i];
    } else if (t->data_type == ONNX_DOUBLE && t->n_double_data == count) {
        memcpy(out, t->double_data, count * sizeof *out);
    } else if (t->data_type == ONNX_INT64 && t->n_int64_data == count) {
        for (size_t i = 0; i < count; i++)
            out[i] = (double)t->int64_data[i];
    } else if (t->n_int32_data == count) {
        bool half = t->data_type == ONNX_HALF || t->data_type == ONNX_BFLOAT16;
        cgv_dtype dtype = t->data_type == ONNX_HALF ? CGV_DTYPE_F16 : CGV_DTYPE_BF16;
        for (size_t i = 0; i < count; i++) {
            uint16_t bits = (uint16_t)t->int32_data[i];
            if (half)
                read_raw(&out[i], (const uint8_t *)&bits, 1, dtype);
            else
                out[i] = t->int32_data[i];
        }
    } else {
        return false;
    }
    return true;
}

cgv_status cgv_onnx_decode(onnx_import *im, onnx_value *v, const Cgv__Onnx__Tensor *t) {
    size_t type = 0, types_count = sizeof types / sizeof *types;
    while (type < types_count && types[type].type != t->data_type)
        type++;
    if (type == types_count)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: a tensor of element type %d",
                        im->where, t->data_type);
    if (t->n_dims > ONNX_MAX_RANK)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: a tensor of %zu dimensions",
                        im->where, t->n_dims);
    // What the file does not hold is not allocated either.
    size_t held = t->has_raw_data
                      ? t->raw_data.len / cgv_dtype_size(types[type].dtype)
                      : t->n_float_data + t->n_double_data + t->n_int64_data + t->n_int32_data;
    uint64_t count = 1;
    for (size_t i = 0; i < t->n_dims; i++)
        if (t->dims[i] < 0 || __builtin_mul_overflow(count, (uint64_t)t->dims[i], &count))
            count = UINT64_MAX;
    if (count != held)
        return cgv_fail(CGV_ERROR_FORMAT,
                        "%s: damaged: a tensor's shape and its numbers do not agree", im->where);
    cgv_status status =
        cgv_onnx_constant(im, v, (int)t->n_dims, t->dims, false, types[type].integer);
    if (status)
        return status;
    if (t->has_raw_data)
        read_raw(v->data, t->raw_data.data, v->count, types[type].dtype);
    else if (!read_fields(v->data, t, v->count))
        return cgv_fail(CGV_ERROR_FORMAT,
                        "%s: damaged: a tensor's type and its numbers do not agree", im->where);
    return CGV_OK;
}

const double *cgv_onnx_numbers(onnx_import *im, onnx_value *v, int lane) {
    cgv_status status = v->tensor ? cgv_onnx_decode(im, v, v->tensor) : CGV_OK;
    if (status && !im->cause)
        im->cause = status;
    if (status)
        return NULL;
    return v->data + (v->varies ? (size_t)lane * v->count : 0);
}

static bool agree(const onnx_value *v) {
    for (size_t i = 0; v->varies && i < v->count; i++)
        for (int lane = 1; lane < ONNX_LANES; lane++)
            if (v->data[(size_t)lane * v->count + i] != v->data[i])
                return false;
    return true;
}

int cgv_onnx_integers(onnx_import *im, const onnx_node *n, onnx_value *v, int64_t *out, int most) {
    const double *numbers = v->kind == ONNX_CONSTANT ? cgv_onnx_numbers(im, v, 0) : NULL;
    if (!numbers && v->kind == ONNX_CONSTANT)
        return -1;
    if (!numbers || v->count > (size_t)most || !agree(v)) {
        (void)cgv_onnx_refuse(im, n, "has operands that depend on the picture");
        return -1;
    }
    for (size_t i = 0; i < v->count; i++) { // the ends of int64 stand for "as far as there is"
        double clipped = fmin(fmax(numbers[i], -4e18), 4e18);
        out[i] = (int64_t)(isnan(clipped) ? 0 : clipped);
    }
    return (int)v->count;
}

cgv_status cgv_onnx_copy(onnx_import *im, onnx_value *y, onnx_value *x) {
    if (x->kind == ONNX_PICTURE) {
        y->kind = ONNX_PICTURE;
        y->node = x->node;
        y->view = x->view;
        return CGV_OK;
    }
    cgv_status status = cgv_onnx_constant(im, y, x->rank, x->shape, x->varies, x->integer);
    if (!status)
        memcpy(y->data, x->data, x->count * (size_t)cgv_onnx_lanes(x) * sizeof *x->data);
    return status;
}

int64_t cgv_onnx_product(const int64_t *shape, int from, int to) {
    int64_t count = 1;
    for (int i = from; i < to; i++)
        count *= shape[i];
    return count;
}
