// Networks by name, and the weights that a training starts from.
#include <math.h>
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
    int skipped = 0; // steps up that an affine head does without
    bool coord = cut(name, "_coord");
    bool grid = cut(name, "_grid");
    bool affine = cut(name, "_affine");
    for (int i = 1; i < CGV_RESNET_MAX_DOWNS && !affine; i++) {
        char suffix[16];
        snprintf(suffix, sizeof suffix, "_affine%d", 1 << i);
        affine = cut(name, suffix);
        skipped = affine ? i : 0;
    }
    bool resize = cut(name, "_resize");
    bool antialias = !resize && cut(name, "_antialias");
    bool blur_up = antialias || (!resize && cut(name, "_blurup"));
    bool blur_down = antialias || cut(name, "_blurdown");
    if (!strcmp(name, "mobile"))
        strcpy(name, "mobile_resnet_9blocks");
    bool mobile = !strncmp(name, "mobile_", 7);
    const char *rest = name + (mobile ? 7 : 0);
    int blocks = -1, downs = 2, end = 0, further = 0;
    sscanf(rest, "resnet_%3dblocks%n_%1ddowns%n", &blocks, &end, &downs, &further);
    end = further ? further : end;
    if (!end || rest[end] || blocks < 0 || downs < 1 || downs > CGV_RESNET_MAX_DOWNS)
        return cgv_fail(
            CGV_ERROR_ARGUMENT,
            "%s: no such architecture; there are resnet_9blocks (any number; "
            "resnet_9blocks_3downs halves once more, resnet_9blocks_antialias with "
            "filters), mobile_resnet_9blocks (or mobile), unet_256 (any power of 2 from 4 to 512), "
            "patchgan, patchgan_nonorm, identity",
            full_name);
    *desc = cgv_resnet_desc_default(ngf, downs, blocks, mobile);
    desc->upsample = resize ? CGV_RESNET_RESIZE : blur_up ? CGV_RESNET_BLUR : CGV_RESNET_TRANSPOSE;
    desc->blur_down = blur_down;
    desc->head = grid ? CGV_RESNET_GRID : affine ? CGV_RESNET_AFFINE : CGV_RESNET_PLAIN;
    desc->ups = grid ? 0 : desc->ups - skipped;
    desc->coord = coord;
    return CGV_OK;
}

// *value = the index of `word`; unchanged where it is NULL.
static cgv_status choose(int *value, const char *word, const char *const *words, int count,
                         const char *what) {
    char all[64] = "";
    for (int i = 0; word && i < count; i++) {
        if (!strcmp(word, words[i])) {
            *value = i;
            return CGV_OK;
        }
        size_t length = strlen(all);
        snprintf(all + length, sizeof all - length, "%s%s", i ? ", " : "", words[i]);
    }
    if (!word)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_ARGUMENT, "%s: no such %s; there are %s", word, what, all);
}

static cgv_status resnet_by_name(cgv_net **out, const cgv_arch_options *o, int ngf) {
    static const char *const upsamples[] = {"transpose", "resize", "blur"};
    static const char *const heads[] = {"plain", "affine", "affine2", "affine4", "grid"};
    enum { GRID = 4 };
    cgv_resnet_desc desc;
    cgv_status status = parse_name(&desc, o->name, ngf);
    if (status)
        return status;
    int upsample = desc.upsample, head = -1;
    status = choose(&upsample, o->upsample, upsamples, 3, "upsampling");
    if (!status)
        status = choose(&head, o->head, heads, GRID + 1, "head");
    if (status)
        return status;
    desc.upsample = (cgv_resnet_upsample)upsample;
    if (head == GRID) {
        desc.head = CGV_RESNET_GRID;
        desc.ups = 0;
    } else if (head >= 0) {
        desc.head = head ? CGV_RESNET_AFFINE : CGV_RESNET_PLAIN;
        desc.ups = desc.downs - (head ? head - 1 : 0);
    }
    return cgv_arch_resnet(out, &desc);
}

// The steps down of unet_N, N being 2 to their power; 0: no such name.
static int unet_downs(const char *name) {
    for (int downs = 2; downs <= CGV_UNET_MAX_DOWNS; downs++) {
        char wanted[16];
        snprintf(wanted, sizeof wanted, "unet_%d", 1 << downs);
        if (!strcmp(name, wanted))
            return downs;
    }
    return 0;
}

static cgv_status unet_by_name(cgv_net **out, const cgv_arch_options *o, int downs, int ngf) {
    if (o->upsample || o->head)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: upsampling and head are choices of a resnet",
                        o->name);
    cgv_unet_desc desc = cgv_unet_desc_default(ngf, downs);
    return cgv_arch_unet(out, &desc);
}

cgv_status cgv_arch_by_name(cgv_net **out, const cgv_arch_options *o) {
    *out = NULL;
    if (!strcmp(o->name, "identity"))
        return cgv_arch_identity(out, 3);
    bool no_norm = !strcmp(o->name, "patchgan_nonorm");
    bool patchgan = no_norm || !strcmp(o->name, "patchgan");
    int width = patchgan ? o->ndf : o->ngf;
    if (!width)
        width = 64;
    if (width < 1 || width > CGV_ARCH_MAX_CHANNELS)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: a width of %d channels; it must be 1 to %d",
                        o->name, width, CGV_ARCH_MAX_CHANNELS);
    if (patchgan)
        return cgv_arch_patchgan(out,
                                 &(cgv_patchgan_desc){.input_channels = o->judged ? o->judged : 3,
                                                      .ndf = width,
                                                      .layers = o->layers ? o->layers : 3,
                                                      .no_norm = no_norm,
                                                      .shrink = o->shrink,
                                                      .coarse = o->coarse,
                                                      .coord = o->coord});
    int downs = unet_downs(o->name);
    return downs ? unet_by_name(out, o, downs, width) : resnet_by_name(out, o, width);
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

static bool feeds_head(const cgv_net *net, int node) {
    for (int i = node + 1; i < net->node_count; i++) {
        cgv_op op = net->nodes[i].op;
        if ((op == CGV_OP_AFFINE_HEAD || op == CGV_OP_BILATERAL_SLICE) &&
            net->nodes[i].input[0] == node)
            return true;
    }
    return false;
}

// Of a coarse judge, or of a net without any norm: nothing keeps its numbers from fading.
static bool is_bare(const cgv_net *net, int node) {
    const cgv_node *n = &net->nodes[node];
    if (n->weight >= 0 && !strncmp(net->params[n->weight].name, "coarse.", 7))
        return true;
    for (int i = 0; i < net->node_count; i++)
        if (net->nodes[i].op == CGV_OP_INSTANCE_NORM)
            return false;
    return true;
}

static float weight_deviation(const cgv_net *net, int node) {
    if (feeds_head(net, node))
        return 0.002f;
    const cgv_node *n = &net->nodes[node];
    int fan_in = net->nodes[n->input[0]].channels * n->kernel * n->kernel;
    return !is_bare(net, node) || !fan_in ? 0.02f : sqrtf(2 / (float)fan_in);
}

void cgv_arch_init(const cgv_net *net, float *params, uint64_t seed) {
    cgv_rng rng;
    cgv_rng_seed(&rng, seed, 0);
    for (int i = 1; i < net->node_count; i++) {
        const cgv_node *node = &net->nodes[i];
        bool norm = node->op == CGV_OP_INSTANCE_NORM;
        fill_zero(net, params, node->bias);
        if (node->weight >= 0 && net->params[node->weight].filter)
            cgv_param_fill_filter(&net->params[node->weight],
                                  params + net->params[node->weight].offset);
        else
            draw(net, params, node->weight, norm ? 1 : 0, weight_deviation(net, i), &rng);
    }
}
