// Networks by name, and the weights that a training starts from.
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "nn/arch.h"

cgv_status cgv_arch_identity(cgv_net **out, int channels) {
    *out = NULL;
    cgv_net *net;
    cgv_status status = cgv_net_create(&net, "identity", channels);
    if (status)
        return status;
    cgv_net_activation(net, 0, CGV_ACT_NONE, 0);
    status = net->status;
    if (status)
        cgv_net_destroy(&net);
    *out = net;
    return status;
}

// Take `suffix` off the end of name, if it is there.
static bool cut(char *name, const char *suffix) {
    size_t length = strlen(name), end = strlen(suffix);
    if (length < end || strcmp(name + length - end, suffix))
        return false;
    name[length - end] = 0;
    return true;
}

static cgv_status parse_name(cgv_resnet_desc *desc, const char *full_name, int ngf) {
    char name[64];
    int length = snprintf(name, sizeof name, "%s", full_name);
    if (length < 0 || (size_t)length >= sizeof name)
        name[0] = 0; // none is as long
    bool affine = cut(name, "_affine"), resize = cut(name, "_resize");
    bool mobile = !strncmp(name, "mobile_", 7);
    const char *rest = name + (mobile ? 7 : 0);
    int blocks = -1, end = 0;
    sscanf(rest, "resnet_%3dblocks%n", &blocks, &end);
    if (!end || rest[end] || blocks < 0)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: no such architecture; there are resnet_9blocks (any number), "
                        "mobile_resnet_9blocks, patchgan, identity",
                        full_name);
    *desc = cgv_resnet_desc_default(ngf, blocks, mobile);
    desc->upsample = resize ? CGV_RESNET_RESIZE : CGV_RESNET_TRANSPOSE;
    desc->head = affine ? CGV_RESNET_AFFINE : CGV_RESNET_PLAIN;
    return CGV_OK;
}

// *value = the index of `word`; unchanged where it is NULL.
static cgv_status choose(int *value, const char *word, const char *const words[2],
                         const char *what) {
    for (int i = 0; word && i < 2; i++)
        if (!strcmp(word, words[i])) {
            *value = i;
            return CGV_OK;
        }
    if (!word)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_ARGUMENT, "%s: no such %s; there are %s and %s", word, what, words[0],
                    words[1]);
}

static cgv_status resnet_by_name(cgv_net **out, const cgv_arch_options *o, int ngf) {
    static const char *const upsamples[] = {"transpose", "resize"};
    static const char *const heads[] = {"plain", "affine"};
    cgv_resnet_desc desc;
    cgv_status status = parse_name(&desc, o->name, ngf);
    if (status)
        return status;
    int upsample = desc.upsample, head = desc.head;
    status = choose(&upsample, o->upsample, upsamples, "upsampling");
    if (!status)
        status = choose(&head, o->head, heads, "head");
    if (status)
        return status;
    desc.upsample = (cgv_resnet_upsample)upsample;
    desc.head = (cgv_resnet_head)head;
    return cgv_arch_resnet(out, &desc);
}

cgv_status cgv_arch_by_name(cgv_net **out, const cgv_arch_options *o) {
    *out = NULL;
    if (!strcmp(o->name, "identity"))
        return cgv_arch_identity(out, 3);
    bool patchgan = !strcmp(o->name, "patchgan");
    int width = patchgan ? o->ndf : o->ngf;
    if (!width)
        width = 64;
    if (width < 1 || width > CGV_ARCH_MAX_CHANNELS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: a width of %d channels; it must be 1 to %d",
                        o->name, width, CGV_ARCH_MAX_CHANNELS);
    if (patchgan)
        return cgv_arch_patchgan(out, &(cgv_patchgan_desc){3, width, o->layers ? o->layers : 3});
    return resnet_by_name(out, o, width);
}

// ---- weights to start from ----

static void draw(const cgv_net *net, float *params, int param, float mean, float deviation,
                 cgv_rng *rng) {
    for (size_t i = 0; param >= 0 && i < net->params[param].count; i++)
        params[net->params[param].offset + i] = mean + deviation * cgv_rng_normal(rng);
}

static void fill_zero(const cgv_net *net, float *params, int param) {
    for (size_t i = 0; param >= 0 && i < net->params[param].count; i++)
        params[net->params[param].offset + i] = 0;
}

static bool feeds_affine_head(const cgv_net *net, int node) {
    for (int i = node + 1; i < net->node_count; i++)
        if (net->nodes[i].op == CGV_OP_AFFINE_HEAD && net->nodes[i].input[0] == node)
            return true;
    return false;
}

void cgv_arch_init(const cgv_net *net, float *params, uint64_t seed) {
    cgv_rng rng;
    cgv_rng_seed(&rng, seed, 0);
    for (int i = 1; i < net->node_count; i++) {
        const cgv_node *node = &net->nodes[i];
        bool norm = node->op == CGV_OP_INSTANCE_NORM;
        draw(net, params, node->weight, norm ? 1 : 0, feeds_affine_head(net, i) ? 0.002f : 0.02f,
             &rng);
        fill_zero(net, params, node->bias);
    }
}
