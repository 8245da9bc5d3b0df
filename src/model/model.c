#include "model/model.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "model/clean.h"
#include "model/folds.h"
#include "model/notes.h"
#include "model/onnx.h"
#include "model/state_dict.h"
#include "nn/arch.h"

static const size_t max_file = (size_t)1 << 30; // far above any CycleGAN, far below a disk image

cgv_status cgv_model_from_net(cgv_model **out, cgv_net *net, const char *format) {
    *out = NULL;
    cgv_model *model = calloc(1, sizeof *model);
    float *params = calloc(net->param_floats + 1, sizeof *params); // identity has none
    if (!model || !params) {
        free(model);
        free(params);
        cgv_net_destroy(&net);
        return cgv_fail(CGV_ERROR_MEMORY, "no memory for a model's weights");
    }
    model->net = net;
    model->params = params;
    cgv_model_info *info = &model->info;
    snprintf(info->architecture, sizeof info->architecture, "%s", net->architecture);
    snprintf(info->format, sizeof info->format, "%s", format);
    info->input_channels = net->input_channels;
    info->output_channels = net->nodes[net->node_count - 1].channels;
    info->multiple = net->multiple;
    info->tensors = net->param_count;
    for (int i = 0; i < net->param_count; i++)
        info->parameters += (int64_t)net->params[i].count;
    info->steadies = strcmp(net->architecture, "identity") != 0;
    *out = model;
    return CGV_OK;
}

void cgv_model_destroy(cgv_model **model) {
    if (!model || !*model)
        return;
    cgv_net_destroy(&(*model)->net);
    free((*model)->params);
    free(*model);
    *model = NULL;
}

const cgv_model_info *cgv_model_get_info(const cgv_model *model) {
    return &model->info;
}

double cgv_model_gmac(const cgv_model *model, int width, int height) {
    int m = model->net->multiple;
    return cgv_net_macs(model->net, (height + m - 1) / m * m, (width + m - 1) / m * m) / 1e9;
}

static void copy_notes(cgv_model_info *info, const cgv_state_notes *notes) {
    memcpy(info->description, notes->description, sizeof info->description);
    info->train_width = notes->train_width;
    info->train_height = notes->train_height;
}

static cgv_status detect(cgv_net **out, const cgv_state_dict *dict, const char *where) {
    cgv_weight_shape *shapes = calloc((size_t)dict->count + 1, sizeof *shapes);
    if (!shapes)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", where);
    for (int i = 0; i < dict->count; i++) {
        const cgv_state_tensor *tensor = &dict->tensors[i];
        shapes[i] = (cgv_weight_shape){.name = tensor->name, .dims = tensor->dims};
        memcpy(shapes[i].shape, tensor->shape, sizeof shapes[i].shape);
    }
    cgv_status status = cgv_arch_detect(out, shapes, dict->count, where);
    free(shapes);
    return status;
}

// Filters are part of the architecture: a network with others is another one.
static cgv_status check_filter(const cgv_param *param, const float *values, const char *where) {
    cgv_status status = CGV_OK;
    float *expected = calloc(param->count + 1, sizeof *expected);
    if (!expected)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", where);
    cgv_param_fill_filter(param, expected);
    for (size_t i = 0; i < param->count && !status; i++)
        if (!(fabsf(values[i] - expected[i]) < 1e-4f))
            status = cgv_fail(CGV_ERROR_UNSUPPORTED,
                              "%s: unsupported: '%s' is not the filter %s that such networks have",
                              where, param->name,
                              param->filter == CGV_FILTER_1_2_1 ? "1 2 1" : "1 3 3 1");
    free(expected);
    return status;
}

static void copy_weights(cgv_model *model, const cgv_state_dict *dict) {
    for (int i = 0; i < model->net->param_count; i++) {
        const cgv_param *param = &model->net->params[i];
        // cgv_arch_detect found every parameter, with this shape.
        const cgv_state_tensor *tensor = cgv_state_dict_find(dict, param->name);
        memcpy(model->params + param->offset, tensor->data, param->count * sizeof(float));
    }
}

// After the folds: the product of two numbers may be none.
static cgv_status check_weights(const cgv_model *model, const char *where) {
    for (int i = 0; i < model->net->param_count; i++) {
        const cgv_param *param = &model->net->params[i];
        const float *values = model->params + param->offset;
        for (size_t j = 0; j < param->count; j++)
            if (!isfinite(values[j]))
                return cgv_fail(CGV_ERROR_FORMAT,
                                "%s: damaged: '%s' holds NaN or infinity; its training diverged",
                                where, param->name);
        cgv_status status = param->filter ? check_filter(param, values, where) : CGV_OK;
        if (status)
            return status;
    }
    return CGV_OK;
}

static cgv_status from_dict(cgv_model **out, cgv_state_dict *dict, const char *format,
                            const char *where) {
    cgv_net *net;
    cgv_folds folds;
    cgv_clean_names(dict);
    cgv_status status = cgv_folds_take(&folds, dict, where);
    cgv_clean_statistics(dict);
    if (!status)
        status = detect(&net, dict, where);
    if (!status)
        status = cgv_model_from_net(out, net, format);
    if (!status) {
        copy_weights(*out, dict);
        status = cgv_folds_apply(&folds, *out, where);
    }
    if (!status)
        status = check_weights(*out, where);
    cgv_folds_free(&folds);
    if (status)
        cgv_model_destroy(out);
    else
        copy_notes(&(*out)->info, &dict->notes);
    return status;
}

static bool is_zip(const uint8_t *data, size_t size) {
    return size >= 4 && !memcmp(data, "PK\3\4", 4);
}

static bool is_pickle(const uint8_t *data, size_t size) {
    return size >= 2 && data[0] == 0x80 && data[1] <= 5;
}

static bool is_safetensors(const uint8_t *data, size_t size) {
    return size >= 9 && data[8] == '{';
}

// What a file is: a dictionary of weights, or a graph with them.
static const struct {
    bool (*is)(const uint8_t *data, size_t size);
    cgv_status (*parse)(cgv_state_dict *out, const void *data, size_t size, const char *where);
    const char *name;
    cgv_status (*parse_graph)(cgv_model **out, const void *data, size_t size,
                              const cgv_model_params *params, const char *where);
} formats[] = {
    {is_zip, cgv_pth_parse, "pth (zip)", NULL},
    // Its third byte is above 16, which that of safetensors, a length of at most 1 MiB, is not.
    {cgv_onnx_is, NULL, "onnx", cgv_onnx_parse},
    // Before the pickle: a header of 640 bytes begins as one does. No pickle has a brace there.
    {is_safetensors, cgv_safetensors_parse, "safetensors", NULL},
    {is_pickle, cgv_pth_parse, "pth (legacy)", NULL},
};

static cgv_status load_identity(cgv_model **out) {
    cgv_net *net;
    cgv_status status = cgv_arch_identity(&net, 3);
    return status ? status : cgv_model_from_net(out, net, "built in");
}

static cgv_status refuse_params(const cgv_model_params *params, const char *path) {
    if (params->range != CGV_MODEL_RANGE_AUTO || params->order != CGV_MODEL_ORDER_AUTO)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: range and order of a model's numbers can be chosen for .onnx files "
                        "only: this network's are -1..1 and RGB",
                        path);
    return CGV_OK;
}

// Parse what one row of `formats` has recognised.
static cgv_status parse(cgv_model **out, size_t row, const void *data, size_t size,
                        const cgv_model_params *params, const char *path) {
    if (formats[row].parse_graph)
        return formats[row].parse_graph(out, data, size, params, path);
    cgv_status status = refuse_params(params, path);
    if (status)
        return status;
    cgv_state_dict dict;
    status = formats[row].parse(&dict, data, size, path);
    if (!status)
        status = from_dict(out, &dict, formats[row].name, path);
    cgv_state_dict_free(&dict);
    return status;
}

cgv_status cgv_model_load(cgv_model **out, const char *path) {
    return cgv_model_load_with(out, path, NULL);
}

cgv_status cgv_model_load_with(cgv_model **out, const char *path, const cgv_model_params *params) {
    static const cgv_model_params defaults = {0};
    *out = NULL;
    if (!params)
        params = &defaults;
    if (!strcmp(path, "identity")) {
        cgv_status status = refuse_params(params, path);
        return status ? status : load_identity(out);
    }
    void *data;
    size_t size;
    cgv_status status = cgv_fs_read(&data, &size, path, max_file);
    if (status)
        return status;
    size_t row = 0, rows = sizeof formats / sizeof *formats;
    while (row < rows && !formats[row].is(data, size))
        row++;
    status = row < rows ? parse(out, row, data, size, params, path)
                        : cgv_fail(CGV_ERROR_FORMAT,
                                   "%s: not a model: neither PyTorch's .pth nor .safetensors nor "
                                   ".onnx",
                                   path);
    free(data);
    return status;
}

// Exactly x where share is 0 or both are the same, exactly y where it is 1.
static float mean(float x, float y, double share) {
    double difference = (double)y - (double)x;
    return (float)(share < 0.5 ? (double)x + share * difference
                               : (double)y - (1 - share) * difference);
}

cgv_status cgv_model_average(cgv_model *model, const cgv_model *other, float share) {
    if (!(share >= 0 && share <= 1))
        return cgv_fail(CGV_ERROR_ARGUMENT, "a share of %g is not between 0 and 1", (double)share);
    // All graphs of .onnx files are of one name.
    if (strcmp(model->info.architecture, other->info.architecture) ||
        !cgv_net_same(model->net, other->net))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "a mean of weights takes two models alike, not %s with %lld parameters and "
                        "another %s with %lld",
                        model->info.architecture, (long long)model->info.parameters,
                        other->info.architecture, (long long)other->info.parameters);
    for (size_t i = 0; i < model->net->param_floats; i++)
        model->params[i] = mean(model->params[i], other->params[i], (double)share);
    return CGV_OK;
}

cgv_status cgv_model_describe(cgv_model *model, const char *text) {
    char line[CGV_MODEL_DESCRIPTION];
    json_t *utf8 = json_string(text); // NULL when it is none
    bool valid = utf8 != NULL;
    json_decref(utf8);
    cgv_notes_clean(line, sizeof line, text);
    if (!valid || strcmp(line, text))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "a description is one line of UTF-8, of at most %d bytes",
                        CGV_MODEL_DESCRIPTION - 1);
    memcpy(model->info.description, line, sizeof line);
    return CGV_OK;
}

static cgv_status copy_parameters(cgv_state_dict *dict, const cgv_model *model, const char *where) {
    cgv_status status = CGV_OK;
    for (int i = 0; i < model->net->param_count && !status; i++) {
        const cgv_param *param = &model->net->params[i];
        cgv_state_tensor *tensor;
        status = cgv_state_dict_add(dict, &tensor, param->name, param->dims, param->shape, where);
        if (!status)
            memcpy(tensor->data, model->params + param->offset, param->count * sizeof(float));
    }
    return status;
}

cgv_status cgv_model_save(const cgv_model *model, const char *path, cgv_model_precision precision) {
    if (!model->net->param_count)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: %s has no weights to write", path,
                        model->net->architecture);
    if (!strcmp(model->info.format, "onnx"))
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: a graph from an .onnx file can only be written as .onnx", path);
    cgv_state_dict dict = {0};
    memcpy(dict.notes.description, model->info.description, sizeof dict.notes.description);
    dict.notes.train_width = model->info.train_width;
    dict.notes.train_height = model->info.train_height;
    cgv_status status = copy_parameters(&dict, model, path);
    if (!status)
        status = cgv_safetensors_write(&dict, path, model->net->architecture,
                                       precision == CGV_MODEL_F16 ? CGV_DTYPE_F16 : CGV_DTYPE_F32);
    cgv_state_dict_free(&dict);
    return status;
}

cgv_status cgv_model_save_onnx(const cgv_model *model, const char *path) {
    return cgv_onnx_write(model, path);
}
