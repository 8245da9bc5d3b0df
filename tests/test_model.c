// Models: loading by content, cleaning of names, refusals, saving; and real files of others.
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "messages.h"
#include "model/model.h"
#include "model/state_dict.h"
#include "model_fixtures.h"
#include "nn/arch.h"
#include "support.h"

static char folder[64];

static char *path_of(const char *name) {
    if (!*folder) {
        strcpy(folder, "/tmp/cgvideo-test-XXXXXX");
        CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    }
    char *path = cgv_fs_format("%s/%s", folder, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    return path;
}

// Write the bytes to a file, load it, remove it. The bytes are freed.
static cgv_status load(cgv_model **out, fixture_bytes *bytes) {
    char *path = path_of("model.bin"); // the name says nothing: content is probed
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    if (bytes->size)
        CU_ASSERT_EQUAL(fwrite(bytes->data, bytes->size, 1, file), 1);
    CU_ASSERT_EQUAL(fclose(file), 0);
    cgv_status status = cgv_model_load(out, path);
    CU_ASSERT_EQUAL(unlink(path), 0);
    free(path);
    fixture_free(bytes);
    return status;
}

static cgv_net *tiny(void) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(
        cgv_arch_by_name(&net, &(cgv_arch_options){.name = "resnet_1blocks", .ngf = 2}), CGV_OK);
    return net;
}

static bool same_values(const cgv_model *model, const float *values) {
    for (int i = 0; i < model->net->param_count; i++) {
        const cgv_param *p = &model->net->params[i];
        if (memcmp(model->params + p->offset, values + p->offset, p->count * sizeof(float)))
            return false;
    }
    return true;
}

static void test_load_and_save(void) {
    cgv_net *net = tiny();
    fixture_model fixture = fixture_from_net(net);
    static const char *const formats[] = {"pth (legacy)", "pth (zip)"};
    for (int zip = 0; zip < 2; zip++) {
        fixture_bytes bytes = {0};
        if (zip)
            fixture_zip(&bytes, &fixture.file, false);
        else
            fixture_legacy(&bytes, &fixture.file);
        cgv_model *model, *again;
        CU_ASSERT_EQUAL_FATAL(load(&model, &bytes), CGV_OK);
        const cgv_model_info *info = cgv_model_get_info(model);
        CU_ASSERT_STRING_EQUAL(info->architecture, "resnet_1blocks");
        CU_ASSERT_STRING_EQUAL(info->format, formats[zip]);
        CU_ASSERT(info->input_channels == 3 && info->output_channels == 3 && info->multiple == 4);
        CU_ASSERT_EQUAL(info->tensors, net->param_count);
        CU_ASSERT_EQUAL(info->parameters, 296 + 76 + 296 + 2 * 584 + 292 + 74 + 297);
        CU_ASSERT(same_values(model, fixture.values));

        char *path = path_of("saved");
        CU_ASSERT_EQUAL(cgv_model_save(model, path, CGV_MODEL_F32), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_model_load(&again, path), CGV_OK);
        CU_ASSERT_STRING_EQUAL(cgv_model_get_info(again)->format, "safetensors");
        CU_ASSERT_STRING_EQUAL(cgv_model_get_info(again)->architecture, "resnet_1blocks");
        CU_ASSERT(same_values(again, fixture.values));
        CU_ASSERT_EQUAL(unlink(path), 0);
        free(path);
        cgv_model_destroy(&again);
        cgv_model_destroy(&model);
        CU_ASSERT_PTR_NULL(model);
    }
    fixture_model_free(&fixture);
    cgv_net_destroy(&net);
}

static void test_average(void) {
    cgv_test_listen();
    cgv_model *model, *other, *wider;
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, tiny(), "new"), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&other, tiny(), "new"), CGV_OK);
    size_t count = model->net->param_floats;
    for (size_t i = 0; i < count; i++) {
        model->params[i] = (float)i;
        other->params[i] = 8;
    }
    const float shares[] = {-0.25f, 1.25f, NAN};
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(cgv_model_average(model, other, shares[i]), CGV_ERROR_ARGUMENT);
        CU_ASSERT(cgv_test_said("not between 0 and 1"));
    }
    CU_ASSERT_EQUAL(cgv_model_average(model, other, 0.25f), CGV_OK);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL(model->params[i], 0.75f * (float)i + 2);
    CU_ASSERT_EQUAL(cgv_model_average(model, other, 0), CGV_OK);
    CU_ASSERT_EQUAL(model->params[4], 5);
    // The other's to the bit, however far apart they are.
    model->params[5] = 1e30f;
    other->params[6] = 0.1f;
    CU_ASSERT_EQUAL(cgv_model_average(model, other, 1), CGV_OK);
    CU_ASSERT(same_values(model, other->params));

    cgv_net *net;
    cgv_arch_options options = {.name = "resnet_1blocks", .ngf = 3};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&wider, net, "new"), CGV_OK);
    CU_ASSERT_EQUAL(cgv_model_average(model, wider, 0.5f), CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("two models alike"));
    cgv_model_destroy(&model);
    cgv_model_destroy(&other);
    cgv_model_destroy(&wider);
}

// Graphs of .onnx files have one name, and may have as many weights.
static cgv_model *graph(int stride, float slope, int channels) {
    cgv_net *net;
    cgv_model *model;
    cgv_conv_desc conv = {.channels = channels, .kernel = 3, .pad = 1, .stride = stride};
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "onnx", 3), CGV_OK);
    int x = cgv_net_conv(net, 0, "a", &conv);
    cgv_net_activation(net, x, CGV_ACT_LEAKY_RELU, slope);
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "onnx"), CGV_OK);
    return model;
}

static void test_average_of_graphs(void) {
    cgv_model *model = graph(1, 0.5f, 3);
    cgv_model *others[] = {graph(1, 0.5f, 3), graph(2, 0.5f, 3), graph(1, 0.25f, 3),
                           graph(1, 0.5f, 4)};
    cgv_test_listen();
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(cgv_model_average(model, others[i], 0.5f), i ? CGV_ERROR_ARGUMENT : CGV_OK);
        CU_ASSERT_EQUAL(cgv_test_said("two models alike"), i > 0);
        cgv_model_destroy(&others[i]);
    }
    cgv_model_destroy(&model);
}

// What a file says about its network survives copies of it.
static void test_notes_and_precision(void) {
    cgv_test_listen();
    cgv_model *model, *half;
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, tiny(), "new"), CGV_OK);
    for (size_t i = 0; i < model->net->param_floats; i++)
        model->params[i] = (float)(i % 1024) / 64 - 3; // exact in half precision
    char *path = path_of("saved"), *copy = path_of("copy");
    CU_ASSERT_EQUAL(cgv_model_describe(model, "day → night"), CGV_OK);
    model->info.train_width = 192;
    model->info.train_height = 112;
    CU_ASSERT_EQUAL(cgv_model_save(model, path, CGV_MODEL_F32), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&half, path), CGV_OK);
    CU_ASSERT_EQUAL(cgv_model_save(half, copy, CGV_MODEL_F16), CGV_OK);
    cgv_model_destroy(&half);
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&half, copy), CGV_OK);
    CU_ASSERT_STRING_EQUAL(cgv_model_get_info(half)->description, "day → night");
    CU_ASSERT_EQUAL(cgv_model_get_info(half)->train_width, 192);
    CU_ASSERT_EQUAL(cgv_model_get_info(half)->train_height, 112);
    CU_ASSERT(same_values(half, model->params));
    cgv_model_destroy(&half);

    char longest[CGV_MODEL_DESCRIPTION + 1];
    memset(longest, 'a', sizeof longest);
    longest[CGV_MODEL_DESCRIPTION] = 0;
    const char *const bad[] = {longest, "two\nlines", "\033[2J", "\xff", "a\xc2", "\xc2\x9b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(cgv_model_describe(model, bad[i]), CGV_ERROR_ARGUMENT);
        CU_ASSERT(cgv_test_said("one line of UTF-8"));
        CU_ASSERT_STRING_EQUAL(cgv_model_get_info(model)->description, "day → night");
    }
    longest[CGV_MODEL_DESCRIPTION - 1] = 0;
    CU_ASSERT_EQUAL(cgv_model_describe(model, longest), CGV_OK);
    CU_ASSERT_EQUAL(cgv_model_describe(model, ""), CGV_OK);
    unlink(path);
    unlink(copy);
    free(path);
    free(copy);
    cgv_model_destroy(&model);
}

static void test_identity(void) {
    cgv_test_listen();
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, "identity"), CGV_OK);
    const cgv_model_info *info = cgv_model_get_info(model);
    CU_ASSERT_STRING_EQUAL(info->architecture, "identity");
    CU_ASSERT_STRING_EQUAL(info->format, "built in");
    CU_ASSERT(info->parameters == 0 && info->tensors == 0 && info->multiple == 1);
    CU_ASSERT_EQUAL(cgv_model_gmac(model, 640, 360), 0);
    CU_ASSERT_EQUAL(cgv_model_save(model, "/nonexistent/x", CGV_MODEL_F32), CGV_ERROR_UNSUPPORTED);
    CU_ASSERT(cgv_test_said("no weights"));
    cgv_model_destroy(&model);
    cgv_model_destroy(NULL);
    CU_ASSERT_EQUAL(cgv_model_load(&model, "./identity"), CGV_ERROR_IO);
    CU_ASSERT(cgv_test_said("./identity: No such file"));
    CU_ASSERT_PTR_NULL(model);
}

// A file of the tiny net whose names get a prefix, plus tensors of 4 numbers named in `more`.
static cgv_status load_variant(cgv_model **out, const char *prefix, const char *const *more,
                               int more_count) {
    cgv_net *net = tiny();
    fixture_model fixture = fixture_from_net(net);
    int count = net->param_count + more_count;
    fixture_tensor *tensors = calloc((size_t)count, sizeof *tensors);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tensors);
    for (int i = 0; i < count; i++) {
        bool extra = i >= net->param_count;
        tensors[i] =
            extra ? (fixture_tensor){.dims = 1, .shape = {4}, .stride = {1}} : fixture.tensors[i];
        tensors[i].name = cgv_fs_format(
            "%s%s", prefix, extra ? more[i - net->param_count] : fixture.tensors[i].name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(tensors[i].name);
    }
    fixture.file.tensors = tensors;
    fixture.file.tensor_count = count;
    fixture_bytes bytes = {0};
    fixture_legacy(&bytes, &fixture.file);
    cgv_status status = load(out, &bytes);
    CU_ASSERT(status || same_values(*out, fixture.values));
    for (int i = 0; i < count; i++)
        free((char *)tensors[i].name);
    free(tensors);
    fixture_model_free(&fixture);
    cgv_net_destroy(&net);
    return status;
}

static void test_names_are_cleaned(void) {
    static const char *const stale[] = {"model.2.running_mean", "model.2.running_var",
                                        "model.2.num_batches_tracked"};
    static const char *const prefixes[] = {"",      "module.",           "_orig_mod.",
                                           "netG.", "generator.module.", "module._orig_mod.G."};
    cgv_model *model;
    for (int i = 0; i < 12; i++) {
        CU_ASSERT_EQUAL_FATAL(load_variant(&model, prefixes[i / 2], stale, i % 2 * 3), CGV_OK);
        CU_ASSERT_EQUAL(cgv_model_get_info(model)->tensors, 16);
        CU_ASSERT_STRING_EQUAL(model->net->params[0].name, "model.1.weight");
        cgv_model_destroy(&model);
    }
}

static void test_refusals(void) {
    cgv_test_listen();
    static const char *const affine[] = {"model.2.weight"};
    cgv_model *model;
    CU_ASSERT_EQUAL(load_variant(&model, "", affine, 1), CGV_ERROR_UNSUPPORTED);
    CU_ASSERT(cgv_test_said("no 'model.2.weight'"));
    CU_ASSERT_EQUAL(load_variant(&model, "net.", NULL, 0), CGV_ERROR_UNSUPPORTED);
    CU_ASSERT(cgv_test_said("'net.model.1.weight' fits none"));

    fixture_bytes text = {0};
    fixture_put(&text, "<!DOCTYPE html>", 15);
    CU_ASSERT_EQUAL(load(&model, &text), CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_said("not a model"));
    CU_ASSERT_EQUAL(load(&model, &text), CGV_ERROR_FORMAT); // an empty file
    CU_ASSERT(cgv_test_said("not a model"));
    CU_ASSERT_EQUAL(cgv_model_load(&model, "/tmp"), CGV_ERROR_IO);
    CU_ASSERT(cgv_test_said("/tmp: not a regular file"));
}

static void test_numbers_are_finite(void) {
    cgv_test_listen();
    const float bad[] = {NAN, INFINITY, -INFINITY};
    cgv_net *net = tiny();
    for (int i = 0; i < 3; i++) {
        fixture_model fixture = fixture_from_net(net);
        fixture.values[net->params[2].offset + 5] = bad[i];
        fixture_bytes bytes = {0};
        fixture_zip(&bytes, &fixture.file, false);
        cgv_model *model;
        CU_ASSERT_EQUAL(load(&model, &bytes), CGV_ERROR_FORMAT);
        CU_ASSERT(cgv_test_said("'model.4.weight' holds NaN or infinity"));
        CU_ASSERT_PTR_NULL(model);
        fixture_model_free(&fixture);
    }
    cgv_net_destroy(&net);
}

static void test_gmac(void) {
    cgv_net *net;
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &(cgv_arch_options){.name = "resnet_9blocks"}),
                          CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "built in"), CGV_OK);
    CU_ASSERT(fabs(cgv_model_gmac(model, 256, 256) - 49.6) < 0.05);
    CU_ASSERT(fabs(cgv_model_gmac(model, 1920, 1080) - 1568) < 1);
    // Sides are extended to multiples of 4.
    CU_ASSERT_EQUAL(cgv_model_gmac(model, 637, 358), cgv_model_gmac(model, 640, 360));
    cgv_model_destroy(&model);
}

// The oracle's weights, as .pth and as plain numbers with a table.
static void check_oracle(const char *dir, const char *name, const char *architecture) {
    char *pth = cgv_fs_format("%s/latest_net_%s.pth", dir, name);
    char *json = cgv_fs_format("%s/%s.json", dir, name);
    char *bin = cgv_fs_format("%s/%s.bin", dir, name);
    CU_ASSERT_FATAL(pth && json && bin);
    cgv_model *model;
    void *numbers;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, pth), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&numbers, &size, bin, 1 << 30), CGV_OK);
    json_t *table = json_load_file(json, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(table);

    CU_ASSERT_STRING_EQUAL(cgv_model_get_info(model)->architecture, architecture);
    CU_ASSERT_STRING_EQUAL(cgv_model_get_info(model)->format, "pth (zip)");
    CU_ASSERT_EQUAL(json_object_size(table), (size_t)model->net->param_count);
    CU_ASSERT_EQUAL(cgv_model_get_info(model)->parameters, (int64_t)(size / sizeof(float)));
    for (int i = 0; i < model->net->param_count; i++) {
        const cgv_param *p = &model->net->params[i];
        const json_t *row = json_object_get(table, p->name), *shape = json_object_get(row, "shape");
        CU_ASSERT_EQUAL_FATAL(json_array_size(shape), (size_t)p->dims);
        for (int d = 0; d < p->dims; d++)
            CU_ASSERT_EQUAL(json_integer_value(json_array_get(shape, (size_t)d)), p->shape[d]);
        size_t offset = (size_t)json_integer_value(json_object_get(row, "offset"));
        CU_ASSERT_FATAL(offset + p->count * sizeof(float) <= size);
        CU_ASSERT_EQUAL(
            memcmp(model->params + p->offset, (char *)numbers + offset, p->count * sizeof(float)),
            0);
    }
    json_decref(table);
    free(numbers);
    cgv_model_destroy(&model);
    free(pth);
    free(json);
    free(bin);
}

static void test_oracle(void) {
    char *dir = cgv_test_shared("oracle/trace_lsgan");
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    check_oracle(dir, "G_A", "resnet_2blocks");
    check_oracle(dir, "G_B", "resnet_2blocks");
    check_oracle(dir, "D_A", "patchgan");
    check_oracle(dir, "D_B", "patchgan");
    free(dir);
}

static const cgv_param *param(const cgv_net *net, const char *name) {
    for (int i = 0; i < net->param_count; i++)
        if (!strcmp(net->params[i].name, name))
            return &net->params[i];
    return NULL;
}

static void test_horse2zebra(void) {
    char *path = cgv_test_shared("data/weights/horse2zebra_mobile_net_G.pth");
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, path), CGV_OK);
    const cgv_model_info *info = cgv_model_get_info(model);
    CU_ASSERT_STRING_EQUAL(info->architecture, "mobile_resnet_9blocks");
    CU_ASSERT_STRING_EQUAL(info->format, "pth (legacy)");
    CU_ASSERT_EQUAL(info->parameters, 356867);
    // Without multiplications by stuffed zeros; the publishers' 2.67 counts them.
    CU_ASSERT(fabs(cgv_model_gmac(model, 256, 256) - 1.846) < 0.001);

    // Elements of strided tensors, and the sums of all, as PyTorch reads them.
    static const struct {
        const char *name;
        size_t index;
        float value;
    } known[] = {
        {"model.4.weight", 752, -0.08387582749128342f},
        {"model.7.weight", 36863, -0.2035055011510849f},
        {"model.10.conv_block.6.conv.2.weight", 4991, -0.22024953365325928f},
        {"model.19.weight", 28954, 0.07800370454788208f},
        {"model.26.weight", 2351, -0.01120548415929079f},
        {"model.26.weight", 808, -0.2567082345485687f},
        {"model.26.bias", 2, -0.05850374698638916f},
        {"model.10.conv_block.1.conv.0.weight", 580, -0.09116920828819275f},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const cgv_param *p = param(model->net, known[i].name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        CU_ASSERT_EQUAL(model->params[p->offset + known[i].index], known[i].value);
    }
    double sum = 0, squares = 0;
    for (int i = 0; i < model->net->param_count; i++)
        for (size_t j = 0; j < model->net->params[i].count; j++) {
            double x = model->params[model->net->params[i].offset + j];
            sum += x;
            squares += x * x;
        }
    CU_ASSERT(fabs(sum + 947.3567194947661) < 1e-6);
    CU_ASSERT(fabs(squares - 10904.742941623068) < 1e-6);
    cgv_model_destroy(&model);
    free(path);
}

// Cut real files at many lengths, read from exact copies.
static void check_truncated(const char *path) {
    void *data;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&data, &size, path, 1 << 30), CGV_OK);
    for (size_t cut = 0; cut < size; cut += cut < 2000 ? 7 : size / 101) {
        void *copy = malloc(cut ? cut : 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        memcpy(copy, data, cut);
        cgv_state_dict dict;
        CU_ASSERT_NOT_EQUAL(cgv_pth_parse(&dict, copy, cut, "test"), CGV_OK);
        CU_ASSERT_EQUAL(cgv_test_messages(), 1);
        free(copy);
    }
    free(data);
}

static void test_damaged_files(void) {
    cgv_test_listen();
    char *corrupt = cgv_test_shared("data/weights/corrupt_netG.pth");
    char *legacy = cgv_test_shared("data/weights/horse2zebra_mobile_net_G.pth");
    char *zip = cgv_test_shared("oracle/trace_lsgan/latest_net_G_A.pth");
    CU_ASSERT_FATAL(corrupt && legacy && zip);
    cgv_model *model;
    CU_ASSERT_EQUAL(cgv_model_load(&model, corrupt), CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_said("corrupt_netG.pth: truncated"));
    CU_ASSERT_PTR_NULL(model);
    check_truncated(legacy);
    check_truncated(zip);
    free(corrupt);
    free(legacy);
    free(zip);
}

int main(int argc, char **argv) {
    static const cgv_test_case shared[] = {
        {"the oracle's weights", test_oracle},
        {"horse2zebra", test_horse2zebra},
        {"damaged files", test_damaged_files},
        {0},
    };
    static const cgv_test_case cases[] = {
        {"load and save", test_load_and_save},
        {"identity", test_identity},
        {"means of weights", test_average},
        {"means of graphs", test_average_of_graphs},
        {"notes and precision", test_notes_and_precision},
        {"names are cleaned", test_names_are_cleaned},
        {"refusals", test_refusals},
        {"numbers are finite", test_numbers_are_finite},
        {"GMAC", test_gmac},
        {0},
    };
    if (argc > 1 && !strcmp(argv[1], "shared"))
        return cgv_test_run_shared("model: real files", shared, "data/weights");
    int failed = cgv_test_run("model", cases);
    if (*folder)
        failed |= rmdir(folder) != 0; // fails if a file is left
    return failed;
}
