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

static const char folded[] = ".folded.weight";

// The weight of a convolution of this name, a norm folded into it or not; or NULL: a norm's weight
// may sit where it was looked for.
static const cgv_weight_shape *find_weight(const weights *w, const char *convolution) {
    char name[160];
    snprintf(name, sizeof name, "%s.weight", convolution);
    const cgv_weight_shape *shape = find(w, name);
    if (!shape) {
        snprintf(name, sizeof name, "%s%s", convolution, folded);
        shape = find(w, name);
    }
    return shape && shape->dims == 4 ? shape : NULL;
}

static const cgv_weight_shape *find_conv(const weights *w, int index, const char *rest) {
    char name[96];
    snprintf(name, sizeof name, "model.%d%s", index, rest);
    return find_weight(w, name);
}

static bool any_is_folded(const weights *w) {
    for (int i = 0; i < w->count; i++)
        if (strstr(w->shapes[i].name, folded))
            return true;
    return false;
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

static bool has_filter(const weights *w, int index) {
    char name[96];
    snprintf(name, sizeof name, "model.%d.filt", index);
    return find(w, name);
}

// The blocks begin behind the last step down. Without blocks: the paper's 2.
static int count_downs(const weights *w, bool blur_down) {
    for (int downs = 1; downs <= CGV_RESNET_MAX_DOWNS; downs++) {
        int block =
            cgv_resnet_find(&(cgv_resnet_desc){.downs = downs, .blur_down = blur_down}).block;
        if (find_conv(w, block, in_block) || find_conv(w, block, in_mobile_block))
            return downs;
    }
    return 2;
}

// The last convolution, 7x7, tells; where it sits nowhere, there are as many steps up as down.
static int count_ups(const weights *w, const cgv_resnet_desc *desc) {
    cgv_resnet_desc fewer = *desc;
    for (fewer.ups = 1; fewer.ups < desc->downs; fewer.ups++) {
        const cgv_weight_shape *shape = find_conv(w, cgv_resnet_find(&fewer).last, "");
        if (shape && shape->shape[2] == 7)
            return fewer.ups;
    }
    return desc->downs;
}

// Behind the blocks comes a transposed convolution, or an enlargement without weights, or a filter,
// or at once the convolution of a grid.
static void find_upsample(cgv_resnet_desc *desc, const weights *w, int behind) {
    const cgv_weight_shape *grid = find_conv(w, behind + 1, "");
    if (has_filter(w, behind))
        desc->upsample = CGV_RESNET_BLUR;
    else if (grid && grid->shape[0] == CGV_GRID_CHANNELS && grid->shape[2] == 3)
        desc->head = CGV_RESNET_GRID;
    else if (!find_conv(w, behind, "") && find_conv(w, behind + 2, ""))
        desc->upsample = CGV_RESNET_RESIZE;
}

static cgv_status build_resnet(cgv_net **out, weights *w, const char *where) {
    cgv_resnet_desc desc = {.input_channels = extent(w, 1, "", 1), .blur_down = has_filter(w, 7)};
    desc.norm = any_is_folded(w) ? CGV_NORM_FOLDED : CGV_NORM_INSTANCE;
    desc.downs = count_downs(w, desc.blur_down);
    cgv_resnet_indices at = cgv_resnet_find(&desc);
    desc.stem[0] = extent(w, 1, "", 0);
    for (int i = 0; i < desc.downs; i++)
        desc.stem[i + 1] = extent(w, at.down[i], "", 0);
    desc.mobile = find_conv(w, at.block, in_mobile_block);
    const char *first = desc.mobile ? in_mobile_block : in_block;
    desc.dropout_slot =
        find_conv(w, at.block, desc.mobile ? ".conv_block.6.conv.0" : ".conv_block.6");
    while (desc.blocks < CGV_RESNET_MAX_BLOCKS && find_conv(w, at.block + desc.blocks, first)) {
        desc.inner[desc.blocks] = extent(w, at.block + desc.blocks, first, 0);
        desc.blocks++;
    }
    find_upsample(&desc, w, at.block + desc.blocks);
    if (desc.head == CGV_RESNET_GRID) {
        desc.output_channels = 3;
        desc.coord = desc.input_channels == 4; // a grid is of pictures of 3
        desc.input_channels -= desc.coord;
        return *w->missing ? refuse_missing(w, "resnet", where) : cgv_arch_resnet(out, &desc);
    }
    desc.ups = count_ups(w, &desc);
    at = cgv_resnet_find(&desc);
    int channels_at = desc.upsample == CGV_RESNET_TRANSPOSE ? 1 : 0; // in the shape of the weights
    for (int i = 0; i < desc.ups; i++)
        desc.up[i] = extent(w, at.up[i], "", channels_at);
    desc.output_channels = extent(w, at.last, "", 0);
    if (desc.output_channels == 2 * desc.input_channels) {
        desc.head = CGV_RESNET_AFFINE;
        desc.output_channels = desc.input_channels;
    }
    if (*w->missing)
        return refuse_missing(w, "resnet", where);
    return cgv_arch_resnet(out, &desc);
}

// One dimension of the weight of the step down at this level of a U-Net, 0 where there is none.
static int unet_extent(const weights *w, int level, int dimension) {
    char path[96], name[128];
    snprintf(name, sizeof name, "%s.model.%d", cgv_unet_path(path, level), level ? 1 : 0);
    const cgv_weight_shape *shape = find_weight(w, name);
    int64_t channels = shape ? shape->shape[dimension] : 0;
    return channels <= CGV_ARCH_MAX_CHANNELS ? (int)channels : 0;
}

static bool is_unet(const weights *w) {
    return unet_extent(w, 0, 0) > 0 && unet_extent(w, 0, 1) > 0 && unet_extent(w, 1, 0) > 0;
}

static cgv_status build_unet(cgv_net **out, weights *w, const char *where) {
    cgv_unet_desc desc = {.input_channels = unet_extent(w, 0, 1)};
    desc.norm = any_is_folded(w) ? CGV_NORM_FOLDED : CGV_NORM_INSTANCE;
    while (desc.downs < CGV_UNET_MAX_DOWNS && unet_extent(w, desc.downs, 0) > 0) {
        desc.channels[desc.downs] = unet_extent(w, desc.downs, 0);
        desc.downs++;
    }
    const cgv_weight_shape *last = find_weight(w, "model.model.3");
    if (!last || last->shape[1] < 1 || last->shape[1] > CGV_ARCH_MAX_CHANNELS)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: unsupported: it resembles a U-Net, but 'model.model.3.weight' is no "
                        "convolution's weight",
                        where);
    desc.output_channels = (int)last->shape[1];
    return cgv_arch_unet(out, &desc);
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
    if (any_is_folded(w))
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: unsupported: a PatchGAN with batch norm; cgvideo reads those with "
                        "instance norm",
                        where);
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
    {"net.0.weight", "a pixel discriminator"},
};

static cgv_status refuse_strangers(const weights *w, const char *where) {
    for (size_t s = 0; s < sizeof strangers / sizeof *strangers; s++)
        for (int i = 0; i < w->count; i++)
            if (strstr(w->shapes[i].name, strangers[s].fragment))
                return cgv_fail(CGV_ERROR_UNSUPPORTED,
                                "%s: unsupported network: '%s' looks like %s; cgvideo knows "
                                "resnet, mobile resnet, U-Net and PatchGAN",
                                where, w->shapes[i].name, strangers[s].name);
    return CGV_OK;
}

static const struct {
    bool (*is)(const weights *w);
    cgv_status (*build)(cgv_net **out, weights *w, const char *where);
} known[] = {{is_resnet, build_resnet}, {is_unet, build_unet}, {is_patchgan, build_patchgan}};

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
                    "resnet, U-Net, PatchGAN)",
                    where, shapes[0].name);
}
