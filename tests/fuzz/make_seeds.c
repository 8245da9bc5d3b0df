// make_seeds DIR: a few tiny model files for each fuzz target, into DIR/pth, DIR/safetensors
// and DIR/onnx.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/model.h"
#include "model/state_dict.h"
#include "model_fixtures.h"
#include "nn/arch.h"

static const char *folder;

static void save(const char *name, fixture_bytes *bytes) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes->data, bytes->size, 1, file) != 1 || fclose(file)) {
        perror(path);
        exit(1);
    }
    fixture_free(bytes);
}

static void make_folder(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s%s%s", folder, *name ? "/" : "", name);
    if (mkdir(path, 0777) && errno != EEXIST) {
        perror(path);
        exit(1);
    }
}

static void make_pth(const fixture_file *file, const char *name) {
    static const char *const dialects[] = {"protocol2", "python2", "protocol4"};
    fixture_file variant = *file;
    char path[64];
    for (int i = 0; i < 3; i++) {
        variant.dialect = (fixture_dialect)i;
        variant.parameters = i == 1;
        fixture_bytes bytes = {0};
        fixture_legacy(&bytes, &variant);
        snprintf(path, sizeof path, "pth/%s_%s_legacy", name, dialects[i]);
        save(path, &bytes);
        fixture_zip(&bytes, &variant, i == 2);
        snprintf(path, sizeof path, "pth/%s_%s_zip", name, dialects[i]);
        save(path, &bytes);
    }
}

static void make_safetensors(const fixture_file *file, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/safetensors/%s", folder, name);
    fixture_bytes bytes = {0};
    fixture_legacy(&bytes, file);
    cgv_state_dict dict;
    if (cgv_pth_parse(&dict, bytes.data, bytes.size, "fixture") ||
        cgv_safetensors_write(&dict, path, name, CGV_DTYPE_F32))
        exit(1);
    cgv_state_dict_free(&dict);
    fixture_free(&bytes);
}

static void make_onnx(cgv_net *net, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/onnx/%s", folder, name);
    cgv_model *model;
    if (cgv_model_from_net(&model, net, "new"))
        exit(1);
    cgv_arch_init(model->net, model->params, 1);
    if (cgv_model_save_onnx(model, path))
        exit(1);
    cgv_model_destroy(&model);
}

// A net of width 1: every name, and few numbers.
static void make_net(const char *architecture) {
    cgv_net *net;
    if (cgv_arch_by_name(&net, &(cgv_arch_options){architecture, .ngf = 1, .ndf = 1, .layers = 2}))
        exit(1);
    fixture_model model = fixture_from_net(net);
    make_pth(&model.file, architecture);
    make_safetensors(&model.file, architecture);
    fixture_model_free(&model);
    make_onnx(net, architecture);
}

// A tensor of ones called PREFIX + suffix, its numbers in storage 0.
static void add_ones(fixture_tensor *tensors, int *count, const char *prefix, int length,
                     const char *suffix, int dims, const int64_t *shape) {
    static char names[256][64];
    fixture_tensor *t = &tensors[*count];
    snprintf(names[*count], sizeof *names, "%.*s%s", length, prefix, suffix);
    *t = (fixture_tensor){.name = names[(*count)++], .dims = dims};
    int64_t stride = 1;
    for (int i = dims - 1; i >= 0; i--) {
        t->shape[i] = shape[i];
        t->stride[i] = stride;
        stride *= shape[i];
    }
}

// What training leaves of a network with batch norms, its first convolution with a spectral norm
// too.
static void make_normed(void) {
    static float ones[4096];
    static fixture_tensor tensors[256];
    static const char *const parts[] = {".weight", ".bias", ".running_mean", ".running_var"};
    fixture_storage storage = {"FloatStorage", ones, 4096, 4};
    cgv_resnet_desc desc = cgv_resnet_desc_default(1, 1, 1, false);
    cgv_net *net;
    int count = 0;
    desc.norm = CGV_NORM_FOLDED;
    if (cgv_arch_resnet(&net, &desc))
        exit(1);
    for (int i = 0; i < 4096; i++)
        ones[i] = 1;
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        const char *folded = strstr(p->name, ".folded");
        int length = folded ? (int)(folded - p->name) : (int)strlen(p->name);
        const char *weight = i ? ".weight" : ".weight_orig";
        if (!folded || p->dims == 4)
            add_ones(tensors, &count, p->name, length, folded ? weight : "", p->dims, p->shape);
        for (int k = 0; folded && p->dims == 1 && k < 4; k++) {
            char norm[64];
            const char *dot = folded - 1; // before the convolution's index
            while (*dot != '.')
                dot--;
            snprintf(norm, sizeof norm, "%.*s.%d", (int)(dot - p->name), p->name,
                     atoi(dot + 1) + 1);
            add_ones(tensors, &count, norm, (int)strlen(norm), parts[k], 1, p->shape);
        }
    }
    add_ones(tensors, &count, "model.1", 7, ".weight_u", 1, (const int64_t[]){1});
    add_ones(tensors, &count, "model.1", 7, ".weight_v", 1, (const int64_t[]){147});
    make_pth(
        &(fixture_file){
            .storages = &storage, .storage_count = 1, .tensors = tensors, .tensor_count = count},
        "normed");
    cgv_net_destroy(&net);
}

static void make_types(void) {
    static const uint8_t data[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const fixture_storage storages[] = {
        {"FloatStorage", data, 16, 4}, {"HalfStorage", data, 4, 2}, {"BFloat16Storage", data, 4, 2},
        {"DoubleStorage", data, 2, 8}, {"LongStorage", data, 1, 8}, {"ByteStorage", data, 3, 1},
    };
    static const fixture_tensor tensors[] = {
        {"a", 0, 1, 2, {3, 4}, {1, 4}}, {"b", 1, 0, 1, {4}, {1}}, {"c", 2, 0, 1, {4}, {1}},
        {"d", 3, 0, 2, {2, 3}, {1, 0}}, {"e", 4, 0, 0, {0}, {0}}, {"f", 5, 0, 1, {2}, {2}},
    };
    fixture_file file = {.storages = storages,
                         .storage_count = sizeof storages / sizeof *storages,
                         .tensors = tensors,
                         .tensor_count = sizeof tensors / sizeof *tensors};
    make_pth(&file, "types");
    file.wrapped = "net";
    make_pth(&file, "wrapped");
    file.wrapped = "netG";
    file.aside = 2;
    make_pth(&file, "checkpoint");

    fixture_bytes bytes = {0};
    fixture_safetensors(&bytes,
                        "{\"__metadata__\":{\"format\":\"pt\"},"
                        "\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[16,20]},"
                        "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                        data, 20);
    save("safetensors/two", &bytes);
    fixture_safetensors(&bytes,
                        "{\"w\":{\"dtype\":\"BF16\",\"shape\":[1,1,1,3],\"data_offsets\":[0,6]},"
                        "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[6,14]},"
                        "\"z\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[14,14]}}  ",
                        data, 14);
    save("safetensors/types", &bytes);
    fixture_safetensors(&bytes,
                        "{\"__metadata__\":{\"architecture\":\"resnet_9blocks\","
                        "\"description\":\"Tag \xe2\x86\x92 Nacht\",\"train_size\":\"192x112\"}}",
                        data, 0);
    save("safetensors/notes", &bytes);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    make_folder("");
    make_folder("pth");
    make_folder("safetensors");
    make_folder("onnx");
    make_types();
    make_normed();
    make_net("patchgan");
    make_net("resnet_1blocks");
    make_net("resnet_1blocks_antialias");
    make_net("unet_16");
    return 0;
}
