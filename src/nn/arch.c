#include "nn/arch.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

typedef struct weights {
    const cgv_weight_shape *shapes;
    int count;
    char missing[96]; // the first convolution that a builder looked for in vain
} weights;

static const cgv_weight_shape *find(const weights *w, const char *name) {
    for (int i = 0; i < w->count; i++)
        if (!strcmp(w->shapes[i].name, name))
            return &w->shapes[i];
    return NULL;
}

// A convolution's weight, or NULL: a norm's weight may sit where it was looked for.
static const cgv_weight_shape *find_conv(const weights *w, int index, const char *rest) {
    char name[96];
    snprintf(name, sizeof name, "model.%d%s.weight", index, rest);
    const cgv_weight_shape *shape = find(w, name);
    return shape && shape->dims == 4 ? shape : NULL;
}

// One dimension of a convolution's weight. Where there is none, 0, and its name is noted.
static int extent(weights *w, int index, const char *rest, int dimension) {
    const cgv_weight_shape *shape = find_conv(w, index, rest);
    if (shape && shape->shape[dimension] >= 1 && shape->shape[dimension] <= CGV_ARCH_MAX_CHANNELS)
        return (int)shape->shape[dimension];
    if (!*w->missing)
        snprintf(w->missing, sizeof w->missing, "model.%d%s.weight", index, rest);
    return 0;
}

static cgv_status refuse_missing(const weights *w, const char *family, const char *where) {
    return cgv_fail(CGV_ERROR_UNSUPPORTED,
                    "%s: unsupported: it resembles a %s, but '%s' is no convolution's weight",
                    where, family, w->missing);
}

static bool is_resnet(const weights *w) {
    const cgv_weight_shape *first = find_conv(w, 1, "");
    return first && first->shape[2] == 7 && first->shape[3] == 7;
}

static const char in_block[] = ".conv_block.1", in_mobile_block[] = ".conv_block.1.conv.2";

// The blocks begin behind the last stride-2 convolution. Without blocks: the paper's 2.
static int count_downs(const weights *w) {
    for (int downs = 1; downs <= CGV_RESNET_MAX_DOWNS; downs++) {
        int block = cgv_resnet_find(downs, 0, downs, CGV_RESNET_TRANSPOSE).block;
        if (find_conv(w, block, in_block) || find_conv(w, block, in_mobile_block))
            return downs;
    }
    return 2;
}

// The last convolution, 7x7, tells; where it sits nowhere, there are as many steps up as down.
static int count_ups(const weights *w, const cgv_resnet_desc *desc) {
    for (int ups = 1; ups < desc->downs; ups++) {
        int last = cgv_resnet_find(desc->downs, desc->blocks, ups, desc->upsample).last;
        const cgv_weight_shape *shape = find_conv(w, last, "");
        if (shape && shape->shape[2] == 7)
            return ups;
    }
    return desc->downs;
}

static cgv_status build_resnet(cgv_net **out, weights *w, const char *where) {
    cgv_resnet_desc desc = {.input_channels = extent(w, 1, "", 1), .downs = count_downs(w)};
    const int block = cgv_resnet_find(desc.downs, 0, desc.downs, CGV_RESNET_TRANSPOSE).block;
    for (int i = 0; i <= desc.downs; i++)
        desc.stem[i] = extent(w, 1 + 3 * i, "", 0);
    desc.mobile = find_conv(w, block, in_mobile_block);
    const char *first = desc.mobile ? in_mobile_block : in_block;
    desc.dropout_slot = find_conv(w, block, desc.mobile ? ".conv_block.6.conv.0" : ".conv_block.6");
    while (desc.blocks < CGV_RESNET_MAX_BLOCKS && find_conv(w, block + desc.blocks, first)) {
        desc.inner[desc.blocks] = extent(w, block + desc.blocks, first, 0);
        desc.blocks++;
    }
    // Behind the blocks comes a transposed convolution, or an enlargement without weights, or at
    // once the convolution of a grid.
    int behind = block + desc.blocks;
    const cgv_weight_shape *grid = find_conv(w, behind + 1, "");
    if (grid && grid->shape[0] == CGV_GRID_CHANNELS && grid->shape[2] == 3) {
        desc.head = CGV_RESNET_GRID;
        desc.output_channels = 3;
        return *w->missing ? refuse_missing(w, "resnet", where) : cgv_arch_resnet(out, &desc);
    }
    if (!find_conv(w, behind, "") && find_conv(w, behind + 2, ""))
        desc.upsample = CGV_RESNET_RESIZE;
    desc.ups = count_ups(w, &desc);
    cgv_resnet_indices tail = cgv_resnet_find(desc.downs, desc.blocks, desc.ups, desc.upsample);
    int channels_at = desc.upsample == CGV_RESNET_TRANSPOSE ? 1 : 0; // in the shape of the weights
    for (int i = 0; i < desc.ups; i++)
        desc.up[i] = extent(w, tail.up[i], "", channels_at);
    desc.output_channels = extent(w, tail.last, "", 0);
    if (desc.output_channels == 2 * desc.input_channels) {
        desc.head = CGV_RESNET_AFFINE;
        desc.output_channels = desc.input_channels;
    }
    if (*w->missing)
        return refuse_missing(w, "resnet", where);
    return cgv_arch_resnet(out, &desc);
}

static bool is_patchgan(const weights *w) {
    const cgv_weight_shape *first = find_conv(w, 0, "");
    return first && first->shape[2] == 4 && first->shape[3] == 4 && find_conv(w, 5, "");
}

static cgv_status build_patchgan(cgv_net **out, weights *w, const char *where) {
    cgv_patchgan_desc desc = {.input_channels = extent(w, 0, "", 1), .ndf = extent(w, 0, "", 0)};
    while (desc.layers < CGV_PATCHGAN_MAX_LAYERS && find_conv(w, 5 + 3 * desc.layers, ""))
        desc.layers++;
    if (*w->missing)
        return refuse_missing(w, "PatchGAN", where);
    return cgv_arch_patchgan(out, &desc);
}

static bool holds(const cgv_param *params, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (!strcmp(params[i].name, name))
            return true;
    return false;
}

static void print_shape(char text[96], int dims, const int64_t *shape) {
    int length = snprintf(text, 96, "[");
    for (int i = 0; i < dims; i++)
        length += snprintf(text + length, 96 - (size_t)length, "%s%lld", i ? ", " : "",
                           (long long)shape[i]);
    snprintf(text + length, 96 - (size_t)length, "]");
}

// Exactly the net's parameters, with its shapes?
static cgv_status verify(const cgv_net *net, const weights *w, const char *where) {
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *param = &net->params[i];
        const cgv_weight_shape *shape = find(w, param->name);
        if (!shape)
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "%s: unsupported: it resembles %s, but has no '%s'", where,
                            net->architecture, param->name);
        if (shape->dims != param->dims ||
            memcmp(shape->shape, param->shape, (size_t)param->dims * sizeof *param->shape)) {
            char has[96], wants[96];
            print_shape(has, shape->dims, shape->shape);
            print_shape(wants, param->dims, param->shape);
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "%s: unsupported: it resembles %s, but '%s' has the shape %s, not %s",
                            where, net->architecture, param->name, has, wants);
        }
    }
    for (int i = 0; i < w->count; i++)
        if (!holds(net->params, net->param_count, w->shapes[i].name))
            return cgv_fail(CGV_ERROR_UNSUPPORTED,
                            "%s: unsupported: it resembles %s, which has no '%s'", where,
                            net->architecture, w->shapes[i].name);
    return CGV_OK;
}

// Networks of the same family that users have files of: a message that names them helps most.
static const struct {
    const char *fragment, *name;
} strangers[] = {
    {"model.model.", "a U-Net (pix2pix)"},
    {".filt", "an anti-aliased ResNet (CUT)"},
    {"net.0.weight", "a pixel discriminator"},
};

static cgv_status refuse_strangers(const weights *w, const char *where) {
    for (size_t s = 0; s < sizeof strangers / sizeof *strangers; s++)
        for (int i = 0; i < w->count; i++)
            if (strstr(w->shapes[i].name, strangers[s].fragment))
                return cgv_fail(CGV_ERROR_UNSUPPORTED,
                                "%s: unsupported network: '%s' looks like %s; cgvideo knows "
                                "resnet, mobile resnet and PatchGAN",
                                where, w->shapes[i].name, strangers[s].name);
    return CGV_OK;
}

static const struct {
    bool (*is)(const weights *w);
    cgv_status (*build)(cgv_net **out, weights *w, const char *where);
} known[] = {{is_resnet, build_resnet}, {is_patchgan, build_patchgan}};

cgv_status cgv_arch_detect(cgv_net **out, const cgv_weight_shape *shapes, int count,
                           const char *where) {
    *out = NULL;
    weights w = {.shapes = shapes, .count = count};
    if (!count)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: it holds no weights", where);
    cgv_status status = refuse_strangers(&w, where);
    if (status)
        return status;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!known[i].is(&w))
            continue;
        cgv_net *net;
        status = known[i].build(&net, &w, where);
        if (status)
            return status;
        status = verify(net, &w, where);
        if (status)
            cgv_net_destroy(&net);
        *out = net;
        return status;
    }
    return cgv_fail(CGV_ERROR_UNSUPPORTED,
                    "%s: unsupported network: '%s' fits none that cgvideo knows (resnet, mobile "
                    "resnet, PatchGAN)",
                    where, shapes[0].name);
}
