// Nodes of the graph: attributes, operands, and messages that name them.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/notes.h"
#include "model/onnx_internal.h"

cgv_status(cgv_onnx_refuse)(const onnx_import *im, const onnx_node *n, const char *format, ...) {
    char why[256], name[64], op[32];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    const char *named = n->proto->name ? n->proto->name : "";
    if (!*named && n->proto->n_output)
        named = n->proto->output[0];
    cgv_notes_clean(name, sizeof name, named);
    cgv_notes_clean(op, sizeof op, n->op);
    return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: node '%s' (%s) %s", im->where, name,
                    op, why);
}

const Cgv__Onnx__Attribute *cgv_onnx_attribute(const onnx_node *n, const char *name) {
    for (size_t i = 0; i < n->proto->n_attribute; i++)
        if (n->proto->attribute[i]->name && !strcmp(n->proto->attribute[i]->name, name))
            return n->proto->attribute[i];
    return NULL;
}

int64_t cgv_onnx_int(const onnx_node *n, const char *name, int64_t otherwise) {
    const Cgv__Onnx__Attribute *a = cgv_onnx_attribute(n, name);
    return a && a->has_i ? a->i : otherwise;
}

float cgv_onnx_float(const onnx_node *n, const char *name, float otherwise) {
    const Cgv__Onnx__Attribute *a = cgv_onnx_attribute(n, name);
    return a && a->has_f ? a->f : otherwise;
}

bool cgv_onnx_text_is(const onnx_node *n, const char *name, const char *otherwise,
                      const char *text) {
    const Cgv__Onnx__Attribute *a = cgv_onnx_attribute(n, name);
    if (!a || !a->has_s)
        return !strcmp(otherwise, text);
    return a->s.len == strlen(text) && !memcmp(a->s.data, text, a->s.len);
}

int cgv_onnx_ints(const onnx_node *n, const char *name, int64_t *out, int most) {
    const Cgv__Onnx__Attribute *a = cgv_onnx_attribute(n, name);
    if (!a || a->n_ints > (size_t)most)
        return -1;
    for (size_t i = 0; i < a->n_ints; i++)
        out[i] = a->ints[i];
    return (int)a->n_ints;
}

onnx_value *cgv_onnx_input(const onnx_import *im, const onnx_node *n, size_t i) {
    if (i >= n->proto->n_input || !*n->proto->input[i])
        return NULL;
    return cgv_onnx_find(im, n->proto->input[i]);
}

onnx_value *cgv_onnx_output(const onnx_import *im, const onnx_node *n, size_t i) {
    if (i >= n->proto->n_output || !*n->proto->output[i])
        return NULL;
    return cgv_onnx_find(im, n->proto->output[i]);
}

onnx_value *cgv_onnx_operand(const onnx_import *im, const onnx_node *n, size_t i) {
    onnx_value *v = cgv_onnx_input(im, n, i);
    if (!v)
        (void)cgv_onnx_refuse(im, n, "lacks an operand");
    return v;
}
