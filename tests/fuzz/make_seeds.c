// make_seeds DIR: a few tiny model files for each fuzz target, into DIR/pth, DIR/safetensors
// and DIR/onnx.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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
    make_net("patchgan");
    make_net("resnet_1blocks");
    make_net("resnet_1blocks_antialias");
    make_net("unet_16");
    return 0;
}
