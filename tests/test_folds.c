// Norms that become part of convolutions when a model is loaded, and filters.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/rng.h"
#include "messages.h"
#include "model/model.h"
#include "model/state_dict.h"
#include "nn/arch.h"
#include "support.h"

static cgv_rng rng;

// ---- dictionaries ----

static cgv_state_tensor *put(cgv_state_dict *dict, const char *prefix, const char *suffix, int dims,
                             const int64_t *shape) {
    cgv_state_tensor *tensor;
    char *name = cgv_fs_format("%s%s", prefix, suffix);
    CU_ASSERT_PTR_NOT_NULL_FATAL(name);
    CU_ASSERT_EQUAL_FATAL(cgv_state_dict_add(dict, &tensor, name, dims, shape, "test"), CGV_OK);
    free(name);
    for (size_t i = 0; i < tensor->count; i++)
        tensor->data[i] = cgv_rng_normal(&rng);
    return tensor;
}

static cgv_state_tensor *put_vector(cgv_state_dict *dict, const char *prefix, const char *suffix,
                                    int64_t count) {
    return put(dict, prefix, suffix, 1, &count);
}

static const float *numbers(const cgv_state_dict *dict, const char *prefix, const char *suffix) {
    char *name = cgv_fs_format("%s%s", prefix, suffix);
    CU_ASSERT_PTR_NOT_NULL_FATAL(name);
    const cgv_state_tensor *tensor = cgv_state_dict_find(dict, name);
    free(name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tensor);
    return tensor->data;
}

// Save the dictionary and load it as a model.
static cgv_status load(cgv_model **out, const cgv_state_dict *dict) {
    char path[] = "/tmp/cgvideo-test-XXXXXX";
    int file = mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    close(file);
    CU_ASSERT_EQUAL(cgv_safetensors_write(dict, path, NULL, CGV_DTYPE_F32), CGV_OK);
    cgv_status status = cgv_model_load(out, path);
    unlink(path);
    return status;
}

// ---- the networks ----

static cgv_net *resnet(cgv_norm_kind norm, bool mobile) {
    cgv_resnet_desc desc = cgv_resnet_desc_default(3, 2, 1, mobile);
    cgv_net *net;
    desc.norm = norm;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_resnet(&net, &desc), CGV_OK);
    return net;
}

static cgv_net *unet(cgv_norm_kind norm) {
    // Square weights, of which only the network says whether they are transposed.
    cgv_unet_desc desc = {3, 3, 4, {4, 4, 8, 8}, norm};
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_unet(&net, &desc), CGV_OK);
    return net;
}

static const cgv_node *node_of(const cgv_net *net, int param) {
    for (int i = 0; i < net->node_count; i++)
        if (net->nodes[i].weight == param || net->nodes[i].bias == param)
            return &net->nodes[i];
    return NULL;
}

// The channel that comes out where number i of a convolution's weight goes in.
static size_t channel_of(const cgv_node *node, const cgv_param *weight, size_t i) {
    size_t taps = (size_t)(weight->shape[2] * weight->shape[3]);
    return node->op == CGV_OP_CONV_TRANSPOSE ? i / taps % (size_t)weight->shape[1]
                                             : i / taps / (size_t)weight->shape[1];
}

// Length of X in "X.folded.weight" or "X.folded.bias"; 0: another name.
static int folded(const cgv_param *param) {
    const char *at = strstr(param->name, ".folded.");
    return at ? (int)(at - param->name) : 0;
}

// "A.7" for "A.6", "A.2" for "A.1.conv.2": where the norm behind a convolution sits.
static void norm_behind(char norm[200], const char *convolution, bool has_pair) {
    char copy[200];
    snprintf(copy, sizeof copy, "%s", convolution);
    size_t length = strlen(copy);
    if (has_pair && length > 7 && !strcmp(copy + length - 7, ".conv.2"))
        copy[length - 7] = 0;
    char *dot = strrchr(copy, '.');
    snprintf(norm, 200, "%.*s.%d", (int)(dot - copy), copy, atoi(dot + 1) + 1);
}

// ---- batch norm ----

// What training leaves of a network whose norms are batch norms: no biases before them.
static cgv_state_dict unfolded(const cgv_net *net, bool mobile) {
    cgv_state_dict dict = {0};
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        char name[200], norm[200];
        int length = folded(p);
        if (!length) {
            put(&dict, p->name, "", p->dims, p->shape);
            continue;
        }
        snprintf(name, sizeof name, "%.*s", length, p->name);
        if (p->dims == 4) {
            put(&dict, name, ".weight", p->dims, p->shape);
            continue;
        }
        norm_behind(norm, name, mobile);
        put_vector(&dict, norm, ".weight", p->shape[0]);
        put_vector(&dict, norm, ".bias", p->shape[0]);
        put_vector(&dict, norm, ".running_mean", p->shape[0]);
        cgv_state_tensor *variance = put_vector(&dict, norm, ".running_var", p->shape[0]);
        for (size_t c = 0; c < variance->count; c++)
            variance->data[c] *= variance->data[c];
        put(&dict, norm, ".num_batches_tracked", 0, NULL);
    }
    return dict;
}

static int check_batch(const cgv_model *model, const cgv_state_dict *dict, bool mobile) {
    int norms = 0;
    for (int i = 0; i < model->net->param_count; i++) {
        const cgv_param *p = &model->net->params[i];
        const float *got = model->params + p->offset;
        char name[200], norm[200];
        int length = folded(p);
        if (!length) {
            CU_ASSERT(!memcmp(got, numbers(dict, p->name, ""), p->count * sizeof *got));
            continue;
        }
        norms += p->dims == 1;
        snprintf(name, sizeof name, "%.*s", length, p->name);
        norm_behind(norm, name, mobile);
        const float *scale = numbers(dict, norm, ".weight"), *shift = numbers(dict, norm, ".bias");
        const float *mean = numbers(dict, norm, ".running_mean");
        const float *variance = numbers(dict, norm, ".running_var");
        const float *weight = numbers(dict, name, ".weight");
        for (size_t k = 0; k < p->count; k++) {
            size_t c = p->dims == 4 ? channel_of(node_of(model->net, i), p, k) : k;
            double factor = scale[c] / sqrt(variance[c] + 1e-5);
            double wanted = p->dims == 4 ? weight[k] * factor : shift[c] - mean[c] * factor;
            CU_ASSERT(fabs(got[k] - wanted) <= 1e-5 * fabs(wanted) + 1e-6);
        }
    }
    return norms;
}

// Takes the net, whose norms are folded.
static void run_batch(cgv_net *net, bool mobile, int norms) {
    cgv_state_dict dict = unfolded(net, mobile);
    cgv_model *model, *again;
    CU_ASSERT_EQUAL_FATAL(load(&model, &dict), CGV_OK);
    CU_ASSERT_STRING_EQUAL(model->info.architecture, net->architecture);
    CU_ASSERT_EQUAL(check_batch(model, &dict, mobile), norms);

    // What was folded is written, and read, as such.
    char path[] = "/tmp/cgvideo-test-XXXXXX";
    int file = mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    close(file);
    CU_ASSERT_EQUAL(cgv_model_save(model, path, CGV_MODEL_F32), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&again, path), CGV_OK);
    unlink(path);
    CU_ASSERT_STRING_EQUAL(again->info.architecture, net->architecture);
    CU_ASSERT(!memcmp(again->params, model->params, net->param_floats * sizeof(float)));
    cgv_model_destroy(&model);
    cgv_model_destroy(&again);
    cgv_state_dict_free(&dict);
    cgv_net_destroy(&net);
}

static void test_batch_norm(void) {
    cgv_rng_seed(&rng, 1, 1);
    run_batch(resnet(CGV_NORM_FOLDED, false), false, 7);
    run_batch(resnet(CGV_NORM_FOLDED, true), true, 9);
    run_batch(unet(CGV_NORM_FOLDED), false, 5);
}

static void expect_refusal(const cgv_state_dict *dict, cgv_status status, const char *why) {
    cgv_model *model;
    cgv_test_messages();
    CU_ASSERT_EQUAL(load(&model, dict), status);
    CU_ASSERT(cgv_test_said(why));
    CU_ASSERT_PTR_NULL(model);
}

static void test_batch_norm_refused(void) {
    cgv_test_listen();
    cgv_rng_seed(&rng, 1, 2);
    cgv_net *net = resnet(CGV_NORM_FOLDED, false);
    cgv_state_dict dict = unfolded(net, false);
    cgv_state_tensor *variance =
        (cgv_state_tensor *)cgv_state_dict_find(&dict, "model.5.running_var");
    float kept = variance->data[2];
    variance->data[2] = -1;
    expect_refusal(&dict, CGV_ERROR_FORMAT, "the batch norm of 'model.4.folded' holds NaN");
    variance->data[2] = kept;
    // The norm and the weight are finite, their product is not.
    cgv_state_tensor *factor = (cgv_state_tensor *)cgv_state_dict_find(&dict, "model.5.weight");
    cgv_state_tensor *weight = (cgv_state_tensor *)cgv_state_dict_find(&dict, "model.4.weight");
    float gain = factor->data[2], first = weight->data[2 * weight->count / 6];
    factor->data[2] = 1e30f;
    weight->data[2 * weight->count / 6] = 1e30f;
    expect_refusal(&dict, CGV_ERROR_FORMAT, "'model.4.folded.weight' holds NaN or infinity");
    factor->data[2] = gain;
    weight->data[2 * weight->count / 6] = first;
    variance->count--;
    variance->shape[0]--;
    expect_refusal(&dict, CGV_ERROR_FORMAT, "the batch norm 'model.5' is not complete");
    variance->count++;
    variance->shape[0]++;
    put_vector(&dict, "model.0", ".weight", 4);
    put_vector(&dict, "model.0", ".running_var", 4);
    expect_refusal(&dict, CGV_ERROR_UNSUPPORTED, "the batch norm 'model.0' has no convolution");
    cgv_state_dict_free(&dict);

    // As many channels as the norm before, but not as many as the convolution before it.
    dict = unfolded(net, false);
    static const char *const parts[] = {".weight", ".bias", ".running_mean", ".running_var"};
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "model.5%s", parts[i]);
        cgv_state_tensor *tensor = (cgv_state_tensor *)cgv_state_dict_find(&dict, name);
        tensor->shape[0] = (int64_t)--tensor->count;
    }
    expect_refusal(&dict, CGV_ERROR_UNSUPPORTED, "'model.4.folded.bias' has the shape [5]");
    cgv_state_dict_free(&dict);
    cgv_net_destroy(&net);

    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &(cgv_arch_options){.name = "patchgan", .ndf = 2}),
                          CGV_OK);
    dict = unfolded(net, false);
    for (int i = 0; i < 4; i++)
        put_vector(&dict, "model.3", parts[i], 4);
    expect_refusal(&dict, CGV_ERROR_UNSUPPORTED, "a PatchGAN with batch norm");
    cgv_state_dict_free(&dict);
    cgv_net_destroy(&net);
}

// ---- spectral norm ----

static const char *const spectral_names[][3] = {
    {".weight_orig", ".weight_u", ".weight_v"},
    {".parametrizations.weight.original", ".parametrizations.weight.0._u",
     ".parametrizations.weight.0._v"},
};

// The net's weights as spectral norm keeps them: in the names `kind`, without v, or with the old
// version's `weight` beside them.
static cgv_state_dict normed(const cgv_net *net, int kind, bool v, bool old) {
    cgv_state_dict dict = {0};
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        char name[200];
        if (p->dims != 4) {
            put(&dict, p->name, "", p->dims, p->shape);
            continue;
        }
        int64_t rows = node_of(net, i)->channels;
        snprintf(name, sizeof name, "%.*s", (int)strlen(p->name) - 7, p->name);
        put(&dict, name, spectral_names[kind][0], p->dims, p->shape);
        put_vector(&dict, name, spectral_names[kind][1], rows);
        if (v)
            put_vector(&dict, name, spectral_names[kind][2], (int64_t)p->count / rows);
        if (old)
            put(&dict, name, ".weight", p->dims, p->shape);
    }
    return dict;
}

// Column of the matrix that number i of the weight stands in: input channel and tap.
static size_t column_of(const cgv_node *node, const cgv_param *weight, size_t i) {
    size_t taps = (size_t)(weight->shape[2] * weight->shape[3]);
    size_t row = taps * (size_t)weight->shape[1];
    return node->op == CGV_OP_CONV_TRANSPOSE ? i / row * taps + i % taps : i % row;
}

static double norm_of(const cgv_node *node, const cgv_param *p, const float *weight, const float *u,
                      const float *v) {
    double *products = calloc(p->count, sizeof *products), norm = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(products);
    for (size_t i = 0; i < p->count; i++)
        products[column_of(node, p, i)] += (double)weight[i] * u[channel_of(node, p, i)];
    for (size_t c = 0; c < p->count; c++)
        norm += products[c] *
                (v ? (double)(c < p->count / (size_t)node->channels ? v[c] : 0) : products[c]);
    free(products);
    return v ? norm : sqrt(norm);
}

static void run_spectral(cgv_net *net, int kind, bool v, bool old) {
    cgv_state_dict dict = normed(net, kind, v, old);
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(load(&model, &dict), CGV_OK);
    CU_ASSERT_STRING_EQUAL(model->info.architecture, net->architecture);
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        const float *got = model->params + p->offset;
        if (p->dims != 4)
            continue;
        char name[200];
        snprintf(name, sizeof name, "%.*s", (int)strlen(p->name) - 7, p->name);
        const float *weight = numbers(&dict, name, spectral_names[kind][0]);
        double norm =
            norm_of(node_of(net, i), p, weight, numbers(&dict, name, spectral_names[kind][1]),
                    v ? numbers(&dict, name, spectral_names[kind][2]) : NULL);
        for (size_t k = 0; k < p->count; k++)
            CU_ASSERT(fabs(got[k] - weight[k] / norm) <= 1e-5 * fabs(weight[k] / norm) + 1e-7);
    }
    cgv_model_destroy(&model);
    cgv_state_dict_free(&dict);
    cgv_net_destroy(&net);
}

static void test_spectral_norm(void) {
    cgv_rng_seed(&rng, 1, 3);
    run_spectral(resnet(CGV_NORM_INSTANCE, false), 0, true, false);
    run_spectral(resnet(CGV_NORM_INSTANCE, true), 1, true, false);
    run_spectral(unet(CGV_NORM_INSTANCE), 0, false, true);
    run_spectral(unet(CGV_NORM_INSTANCE), 1, true, false);

    cgv_test_listen();
    cgv_net *net = unet(CGV_NORM_INSTANCE);
    cgv_state_dict dict = normed(net, 0, true, false);
    cgv_state_tensor *u = (cgv_state_tensor *)cgv_state_dict_find(&dict, "model.model.3.weight_u");
    memset(u->data, 0, u->count * sizeof *u->data);
    expect_refusal(&dict, CGV_ERROR_FORMAT, "the spectral norm of 'model.model.3' is 0");
    u->shape[0] = (int64_t)--u->count;
    expect_refusal(&dict, CGV_ERROR_FORMAT, "the spectral norm of 'model.model.3' does not fit");
    strcpy(u->name, "x");
    expect_refusal(&dict, CGV_ERROR_UNSUPPORTED, "'model.model.3.weight_orig' has no");
    cgv_state_dict_free(&dict);
    cgv_net_destroy(&net);
}

// Both at once: the spectral norm is of the weight before the batch norm multiplies it.
static void test_both(void) {
    cgv_rng_seed(&rng, 1, 4);
    cgv_net *net = resnet(CGV_NORM_FOLDED, false);
    cgv_state_dict dict = unfolded(net, false);
    cgv_model *plain, *model;
    CU_ASSERT_EQUAL_FATAL(load(&plain, &dict), CGV_OK);
    cgv_state_tensor *weight = (cgv_state_tensor *)cgv_state_dict_find(&dict, "model.4.weight");
    strcpy(weight->name, "x");
    cgv_state_tensor *learned = put(&dict, "model.4", ".weight_orig", 4, weight->shape);
    weight = (cgv_state_tensor *)cgv_state_dict_find(&dict, "x");
    memcpy(learned->data, weight->data, weight->count * sizeof *weight->data);
    // Unit vectors: the norm is number 7 of row 2.
    cgv_state_tensor *u = put_vector(&dict, "model.4", ".weight_u", 6);
    memset(u->data, 0, u->count * sizeof *u->data);
    u->data[2] = 1;
    cgv_state_tensor *v = put_vector(&dict, "model.4", ".weight_v", 27);
    memset(v->data, 0, v->count * sizeof *v->data);
    v->data[7] = 1;
    weight = (cgv_state_tensor *)cgv_state_dict_find(&dict, "x");
    float norm = weight->data[2 * 27 + 7];
    cgv_state_dict_remove(&dict, (int)(weight - dict.tensors));
    CU_ASSERT_EQUAL_FATAL(load(&model, &dict), CGV_OK);
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        float factor = strcmp(p->name, "model.4.folded.weight") ? 1 : norm;
        for (size_t k = 0; k < p->count; k++) {
            float a = plain->params[p->offset + k], b = model->params[p->offset + k] * factor;
            CU_ASSERT(fabsf(a - b) <= 1e-5f * fabsf(a));
        }
    }
    cgv_model_destroy(&plain);
    cgv_model_destroy(&model);
    cgv_state_dict_free(&dict);
    cgv_net_destroy(&net);
}

// ---- several networks in one dictionary; filters ----

static void test_generator_among_others(void) {
    cgv_test_listen();
    cgv_rng_seed(&rng, 1, 5);
    cgv_net *net = unet(CGV_NORM_INSTANCE);
    cgv_state_dict dict = {0};
    for (int i = 0; i < net->param_count; i++) {
        put(&dict, "_orig_mod.netD.", net->params[i].name, 4, (const int64_t[4]){1, 1, 1, 1});
        put(&dict, "_orig_mod.netG.module.", net->params[i].name, net->params[i].dims,
            net->params[i].shape);
    }
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(load(&model, &dict), CGV_OK);
    CU_ASSERT_STRING_EQUAL(model->info.architecture, "unet_16");
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        CU_ASSERT(!memcmp(model->params + p->offset,
                          numbers(&dict, "_orig_mod.netG.module.", p->name),
                          p->count * sizeof(float)));
    }
    cgv_model_destroy(&model);
    cgv_state_dict_free(&dict);
    cgv_net_destroy(&net);
}

static void test_filters(void) {
    cgv_test_listen();
    cgv_net *net;
    cgv_model *model, *again;
    CU_ASSERT_EQUAL_FATAL(
        cgv_arch_by_name(&net, &(cgv_arch_options){.name = "resnet_1blocks_antialias", .ngf = 2}),
        CGV_OK);
    cgv_state_dict dict = {0};
    for (int i = 0; i < net->param_count; i++) {
        cgv_state_tensor *t =
            put(&dict, net->params[i].name, "", net->params[i].dims, net->params[i].shape);
        if (net->params[i].filter)
            cgv_param_fill_filter(&net->params[i], t->data);
    }
    const float *down = numbers(&dict, "model.7", ".filt"),
                *up = numbers(&dict, "model.13", ".filt");
    CU_ASSERT(down[0] == 1 / 16.0f && down[1] == 2 / 16.0f && down[4] == 4 / 16.0f);
    CU_ASSERT(up[0] == 1 / 16.0f && up[1] == 3 / 16.0f && up[5] == 9 / 16.0f && up[15] == up[0]);
    CU_ASSERT_EQUAL_FATAL(load(&model, &dict), CGV_OK);
    CU_ASSERT_STRING_EQUAL(model->info.architecture, "resnet_1blocks_antialias");

    char path[] = "/tmp/cgvideo-test-XXXXXX";
    int file = mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    close(file);
    CU_ASSERT_EQUAL(cgv_model_save(model, path, CGV_MODEL_F16), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&again, path), CGV_OK);
    unlink(path);
    cgv_model_destroy(&model);
    cgv_model_destroy(&again);

    ((float *)up)[20] += 0.01f;
    expect_refusal(&dict, CGV_ERROR_UNSUPPORTED, "'model.13.filt' is not the filter 1 3 3 1");
    ((float *)down)[3] = NAN;
    expect_refusal(&dict, CGV_ERROR_FORMAT, "'model.7.filt' holds NaN");
    cgv_state_dict_free(&dict);
    cgv_net_destroy(&net);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"batch norm", test_batch_norm},
        {"batch norm: refused", test_batch_norm_refused},
        {"spectral norm", test_spectral_norm},
        {"both", test_both},
        {"a generator among others", test_generator_among_others},
        {"filters", test_filters},
        {0},
    };
    return cgv_test_run("folds", cases);
}
