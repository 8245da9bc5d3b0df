// Operations on rows and columns: margins, parts, sizes, pools.
#include <float.h>
#include <math.h>
#include <string.h>

#include "model/onnx_internal.h"

static cgv_status made(onnx_import *im, onnx_value *y, int node, const onnx_value *like) {
    cgv_status status = cgv_onnx_added(im, node);
    if (!status)
        cgv_onnx_picture_like(im, y, node, like);
    return status;
}

static void see_alike(onnx_value *y, const onnx_value *x) {
    y->kind = ONNX_PICTURE;
    y->node = x->node;
    y->view = x->view;
}

// A picture whose axes are whole ones of the net, in any order.
static cgv_status turned(onnx_import *im, const onnx_node *n, onnx_value *x) {
    if (!x)
        return cgv_onnx_refuse(im, n, "lacks an operand");
    if (x->kind != ONNX_PICTURE)
        return cgv_onnx_refuse(im, n, "of a constant is not an operation that cgvideo knows");
    if (cgv_onnx_is_turned(im, x))
        return CGV_OK;
    return cgv_onnx_plain(im, n, x) < 0 ? CGV_ERROR_UNSUPPORTED : CGV_OK;
}

static bool small(int64_t number) {
    return number > -(1 << 18) && number < 1 << 18;
}

// ---- margins and parts ----

static bool is_nothing(const cgv_margin *margin) {
    for (int axis = 0; axis < 3; axis++)
        if (margin->before[axis] || margin->after[axis])
            return false;
    return true;
}

static cgv_status add_margin(onnx_import *im, const onnx_value *x, onnx_value *y,
                             const cgv_margin *margin) {
    if (is_nothing(margin)) {
        see_alike(y, x);
        return CGV_OK;
    }
    return made(im, y, cgv_net_pad(im->net, x->node, margin), x);
}

// The number that a constant margin is filled with.
static cgv_status pad_value(onnx_import *im, const onnx_node *n, float *out) {
    onnx_value *v = cgv_onnx_input(im, n, 2);
    *out = cgv_onnx_float(n, "value", 0);
    if (!v)
        return CGV_OK;
    const double *number = v->kind == ONNX_CONSTANT ? cgv_onnx_numbers(im, v, 0) : NULL;
    if (!number || v->count != 1)
        return cgv_onnx_refuse(im, n, "is filled with no constant number");
    *out = (float)number[0];
    return CGV_OK;
}

static cgv_status pad_mode(const onnx_import *im, const onnx_node *n, cgv_pad_mode *mode) {
    if (cgv_onnx_text_is(n, "mode", "constant", "constant"))
        *mode = CGV_PAD_ZERO;
    else if (cgv_onnx_text_is(n, "mode", "constant", "reflect"))
        *mode = CGV_PAD_REFLECT;
    else if (cgv_onnx_text_is(n, "mode", "constant", "edge"))
        *mode = CGV_PAD_REPLICATE;
    else
        return cgv_onnx_refuse(im, n, "has a mode that cgvideo does not know");
    return CGV_OK;
}

cgv_status cgv_onnx_pad(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *given = cgv_onnx_input(im, n, 1);
    onnx_value *y = cgv_onnx_output(im, n, 0);
    int64_t pads[2 * ONNX_MAX_RANK], axes[ONNX_MAX_RANK];
    cgv_margin margin = {0};
    cgv_status status = turned(im, n, x);
    if (!status)
        status = pad_mode(im, n, &margin.mode);
    if (!status)
        status = pad_value(im, n, &margin.value);
    if (status || !y)
        return status;
    int count = given ? cgv_onnx_integers(im, n, given, pads, 2 * ONNX_MAX_RANK)
                      : cgv_onnx_ints(n, "pads", pads, 2 * ONNX_MAX_RANK);
    int axis_count = cgv_onnx_axes(im, n, 3, axes);
    if (axis_count == -2 || (given && count < 0))
        return CGV_ERROR_UNSUPPORTED;
    int listed = axis_count < 0 ? x->view.rank : axis_count;
    if (count != 2 * listed)
        return cgv_onnx_refuse(im, n, "has not two numbers for each axis");
    for (int i = 0; i < listed; i++) {
        int at = axis_count < 0 ? i : cgv_onnx_wrap(axes[i], x->view.rank);
        int axis = at < 0 ? -1 : cgv_onnx_axis(im, x, at);
        int64_t before = pads[i], after = pads[i + listed];
        if (!before && !after)
            continue;
        if (axis < 1 || !small(before) || !small(after) || (axis == 1 && margin.mode))
            return cgv_onnx_refuse(im, n, "pads an axis that cgvideo cannot pad");
        margin.before[axis - 1] = (int)before;
        margin.after[axis - 1] = (int)after;
    }
    return add_margin(im, x, y, &margin);
}

// Channels in reverse: how BGR is made of RGB.
static cgv_status reverse_channels(onnx_import *im, const onnx_node *n, const onnx_value *x,
                                   onnx_value *y) {
    char name[32];
    int channels = im->net->nodes[x->node].channels;
    if (channels > 256)
        return cgv_onnx_refuse(im, n, "reverses the order of %d channels", channels);
    int node = cgv_net_conv(im->net, x->node, cgv_onnx_layer(name, n),
                            &(cgv_conv_desc){.channels = channels, .kernel = 1, .no_bias = true});
    cgv_status status = made(im, y, node, x);
    for (int c = 0; c < channels && !status; c++)
        cgv_onnx_param(im, im->net->nodes[node].weight)[(c + 1) * channels - 1 - c] = 1;
    return status;
}

// One slice as a margin that is cut away. false: it is none.
static bool slice_margin(cgv_margin *margin, const onnx_value *x, const onnx_slice *s, int axis) {
    int64_t before = 0, after = 0;
    for (int lane = 0; lane < ONNX_LANES; lane++) {
        int64_t extent = cgv_onnx_extent(x, s->axis, lane), begin = s->begin[lane];
        int64_t count = cgv_onnx_slice_count(&begin, s->end[lane], s->step, extent);
        int64_t behind = begin + count - extent;
        if (count < 1 || (lane && (before != -begin || after != behind)))
            return false;
        before = -begin;
        after = behind;
    }
    if (!before && !after)
        return true;
    if (axis < 1 || !small(before) || !small(after))
        return false;
    margin->before[axis - 1] = (int)before;
    margin->after[axis - 1] = (int)after;
    return true;
}

cgv_status cgv_onnx_slice(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    onnx_slice slices[ONNX_MAX_RANK];
    cgv_margin margin = {0};
    if (x && x->kind == ONNX_CONSTANT)
        return cgv_onnx_fold_slice(im, n);
    cgv_status status = turned(im, n, x);
    if (status || !y)
        return status;
    int count = cgv_onnx_slices(im, n, x, slices);
    if (count < 0)
        return CGV_ERROR_UNSUPPORTED;
    for (int i = 0; i < count; i++) {
        int axis = cgv_onnx_axis(im, x, slices[i].axis);
        if (slices[i].step == -1 && axis == 1 && count == 1 && slices[i].begin[0] == -1 &&
            slices[i].end[0] < -65536)
            return reverse_channels(im, n, x, y);
        if (slices[i].step != 1 || !slice_margin(&margin, x, &slices[i], axis))
            return cgv_onnx_refuse(im, n, "cuts out a part that cgvideo cannot follow");
    }
    return add_margin(im, x, y, &margin);
}

cgv_status cgv_onnx_split(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *given = cgv_onnx_input(im, n, 1);
    int64_t parts[64], begin = 0;
    size_t outputs = n->proto->n_output;
    cgv_status status = turned(im, n, x);
    if (status)
        return status;
    int at = cgv_onnx_wrap(cgv_onnx_int(n, "axis", 0), x->view.rank);
    int count =
        given ? cgv_onnx_integers(im, n, given, parts, 64) : cgv_onnx_ints(n, "split", parts, 64);
    if (given && count < 0)
        return CGV_ERROR_UNSUPPORTED;
    if (at < 0 || cgv_onnx_axis(im, x, at) != 1 || outputs < 1 || outputs > 64 ||
        (count >= 0 && (size_t)count != outputs))
        return cgv_onnx_refuse(im, n, "splits something else than channels");
    int64_t extent = cgv_onnx_extent(x, at, 0);
    int64_t each = (extent + (int64_t)outputs - 1) / (int64_t)outputs;
    for (size_t i = 0; i < outputs && !status; i++) {
        int64_t part = count >= 0 ? parts[i] : each < extent - begin ? each : extent - begin;
        onnx_value *y = cgv_onnx_output(im, n, i);
        if (part < 1 || part > extent - begin)
            return cgv_onnx_refuse(im, n, "splits %d channels in other parts", (int)extent);
        cgv_margin margin = {.before = {(int)-begin}, .after = {(int)(begin + part - extent)}};
        if (y && y->readers)
            status = add_margin(im, x, y, &margin);
        begin += part;
    }
    return status;
}

cgv_status cgv_onnx_concat(onnx_import *im, const onnx_node *n) {
    onnx_value *first = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    size_t pictures = 0, count = n->proto->n_input;
    for (size_t i = 0; i < count; i++) {
        const onnx_value *x = cgv_onnx_input(im, n, i);
        if (!x)
            return cgv_onnx_refuse(im, n, "lacks an operand");
        pictures += x->kind == ONNX_PICTURE;
    }
    if (!pictures)
        return cgv_onnx_fold_concat(im, n);
    if (pictures != count || !y)
        return cgv_onnx_refuse(im, n, "puts a constant beside a picture");
    cgv_status status = turned(im, n, first);
    if (status)
        return status;
    int node = first->node;
    int at = cgv_onnx_wrap(cgv_onnx_int(n, "axis", 1), first->view.rank);
    if (at < 0 || cgv_onnx_axis(im, first, at) != 1)
        return cgv_onnx_refuse(im, n, "puts pictures together along rows or columns");
    for (size_t i = 1; i < count && !status; i++) {
        onnx_value *x = cgv_onnx_input(im, n, i);
        status = turned(im, n, x);
        if (!status && !cgv_onnx_same_view(x, first))
            return cgv_onnx_refuse(im, n, "has operands of shapes that do not fit");
        if (!status) {
            node = cgv_net_concat(im->net, node, x->node);
            status = cgv_onnx_added(im, node);
        }
    }
    if (!status)
        cgv_onnx_picture_like(im, y, node, first);
    return status;
}

// ---- sizes ----

// What is asked of each of rows and columns: a scale, or a side in each lane.
typedef struct wanted_size {
    double scale[2];
    int64_t side[2][ONNX_LANES];
    bool by_side;
} wanted_size;

static cgv_status resize_method(const onnx_import *im, const onnx_node *n, cgv_resize_desc *desc) {
    bool old = im->opset < 11; // Upsample, and the Resize of opset 10
    const char *centres = old ? "asymmetric" : "half_pixel";
    const char *rounding = old ? "floor" : "round_prefer_floor";
    static const struct {
        const char *name;
        cgv_nearest nearest;
    } roundings[] = {{"floor", CGV_NEAREST_FLOOR},
                     {"ceil", CGV_NEAREST_CEIL},
                     {"round_prefer_floor", CGV_NEAREST_ROUND_DOWN},
                     {"round_prefer_ceil", CGV_NEAREST_ROUND_UP}};
    static const char key[] = "coordinate_transformation_mode";
    if (cgv_onnx_text_is(n, key, centres, "half_pixel") ||
        cgv_onnx_text_is(n, key, centres, "pytorch_half_pixel"))
        desc->centres = CGV_CENTRES_HALF_PIXEL;
    else if (cgv_onnx_text_is(n, key, centres, "asymmetric"))
        desc->centres = CGV_CENTRES_ASYMMETRIC;
    else if (cgv_onnx_text_is(n, key, centres, "align_corners"))
        desc->centres = CGV_CENTRES_ALIGNED;
    else
        return cgv_onnx_refuse(im, n,
                               "has a coordinate_transformation_mode that cgvideo does not "
                               "know");
    bool linear = cgv_onnx_text_is(n, "mode", "nearest", "linear");
    if (cgv_onnx_int(n, "antialias", 0) || cgv_onnx_int(n, "exclude_outside", 0) ||
        (!linear && !cgv_onnx_text_is(n, "mode", "nearest", "nearest")) ||
        !cgv_onnx_text_is(n, "keep_aspect_ratio_policy", "stretch", "stretch"))
        return cgv_onnx_refuse(im, n, "resizes neither to the nearest element nor linearly");
    desc->nearest = CGV_NEAREST_LINEAR;
    for (size_t i = 0; i < sizeof roundings / sizeof *roundings && !linear; i++)
        if (cgv_onnx_text_is(n, "nearest_mode", rounding, roundings[i].name))
            desc->nearest = roundings[i].nearest;
    return !linear && desc->nearest == CGV_NEAREST_LINEAR
               ? cgv_onnx_refuse(im, n, "has a nearest_mode that cgvideo does not know")
               : CGV_OK;
}

// The operand that holds scales or sizes; NULL: an attribute of opset 7 has them.
static onnx_value *resize_operand(const onnx_import *im, const onnx_node *n, bool *by_side) {
    bool old = im->opset < 11;
    onnx_value *scales = cgv_onnx_input(im, n, old ? 1 : 2);
    onnx_value *sizes = old ? NULL : cgv_onnx_input(im, n, 3);
    // An empty list of scales means that there are sizes.
    *by_side = sizes != NULL;
    return sizes ? sizes : scales;
}

static cgv_status read_wanted(onnx_import *im, const onnx_node *n, onnx_value *x,
                              wanted_size *out) {
    int64_t axes[ONNX_MAX_RANK];
    onnx_value *given = resize_operand(im, n, &out->by_side);
    int axis_count = cgv_onnx_ints(n, "axes", axes, ONNX_MAX_RANK);
    const Cgv__Onnx__Attribute *list = cgv_onnx_attribute(n, "scales");
    size_t count = given ? 0 : list ? list->n_floats : 0;
    if (given && (given->kind != ONNX_CONSTANT || !cgv_onnx_numbers(im, given, 0)))
        return cgv_onnx_refuse(im, n, "resizes to a size that cgvideo cannot follow");
    if (given)
        count = given->count;
    if (count != (size_t)(axis_count < 0 ? x->view.rank : axis_count))
        return cgv_onnx_refuse(im, n, "has not one number for each axis");
    out->scale[0] = out->scale[1] = 1;
    for (int lane = 0; lane < ONNX_LANES; lane++) {
        out->side[0][lane] = im->sizes[lane][x->node].h;
        out->side[1][lane] = im->sizes[lane][x->node].w;
    }
    for (int i = 0; i < (int)count; i++) {
        int at = axis_count < 0 ? i : cgv_onnx_wrap(axes[i], x->view.rank);
        int axis = at < 0 ? -1 : cgv_onnx_axis(im, x, at);
        for (int lane = 0; lane < ONNX_LANES; lane++) {
            double number = given ? cgv_onnx_numbers(im, given, lane)[i] : (double)list->floats[i];
            double same = out->by_side && at >= 0 ? (double)cgv_onnx_extent(x, at, lane) : 1;
            if (!(number > 0 && number < 1e6) || (axis < 2 && number != same))
                return cgv_onnx_refuse(im, n, "resizes something else than rows and columns");
            if (axis >= 2 && out->by_side)
                out->side[axis - 2][lane] = (int64_t)number;
            else if (axis >= 2 && lane && out->scale[axis - 2] != number)
                return cgv_onnx_refuse(im, n, "scales by what depends on the picture");
            else if (axis >= 2)
                out->scale[axis - 2] = number;
        }
    }
    return CGV_OK;
}

static int64_t side_of(const onnx_import *im, int node, int axis, int lane) {
    return axis ? im->sizes[lane][node].w : im->sizes[lane][node].h;
}

// Sides as a scale that gives them in every lane. false: there is none.
static bool find_scale(const onnx_import *im, int x, wanted_size *wanted) {
    for (int axis = 0; axis < 2; axis++) {
        int64_t from0 = side_of(im, x, axis, 0), to0 = wanted->side[axis][0];
        for (int lane = 0; lane < ONNX_LANES; lane++) {
            int64_t from = side_of(im, x, axis, lane), to = wanted->side[axis][lane];
            // What is a point here need not be one in larger pictures.
            if ((from == 1 && to != 1) || from * to0 != to * from0)
                return false;
        }
        wanted->scale[axis] = (double)to0 / (double)from0;
    }
    return true;
}

// The first node whose tensor has these sides; -1: none.
static int find_like(const onnx_import *im, const wanted_size *wanted) {
    for (int node = 0; node < im->net->node_count; node++) {
        bool alike = true;
        for (int lane = 0; lane < ONNX_LANES; lane++)
            alike = alike && side_of(im, node, 0, lane) == wanted->side[0][lane] &&
                    side_of(im, node, 1, lane) == wanted->side[1][lane];
        if (alike)
            return node;
    }
    return -1;
}

// The enlargement that generators have, for which there is a faster way.
static bool is_upsample(const cgv_resize_desc *desc, const wanted_size *wanted,
                        cgv_upsample_mode *mode) {
    double factor = wanted->scale[0];
    *mode = desc->nearest == CGV_NEAREST_LINEAR ? CGV_UPSAMPLE_BILINEAR : CGV_UPSAMPLE_NEAREST;
    if (desc->like >= 0 || factor != wanted->scale[1] || factor != floor(factor) || factor < 1 ||
        factor > 16)
        return false;
    if (desc->nearest == CGV_NEAREST_LINEAR)
        return desc->centres == CGV_CENTRES_HALF_PIXEL;
    if (desc->centres == CGV_CENTRES_ASYMMETRIC)
        return desc->nearest == CGV_NEAREST_FLOOR;
    return desc->centres == CGV_CENTRES_HALF_PIXEL && //
           (desc->nearest == CGV_NEAREST_ROUND_DOWN || desc->nearest == CGV_NEAREST_ROUND_UP);
}

cgv_status cgv_onnx_resize(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    cgv_resize_desc desc = {.like = -1};
    wanted_size wanted;
    cgv_upsample_mode mode;
    cgv_status status = turned(im, n, x);
    if (!status)
        status = resize_method(im, n, &desc);
    if (!status)
        status = read_wanted(im, n, x, &wanted);
    if (status || !y)
        return status;
    bool scaled = !wanted.by_side || find_scale(im, x->node, &wanted);
    // A scale that is no whole number would ask for pictures of certain sides.
    if (!scaled || (wanted.by_side && (wanted.scale[0] != floor(wanted.scale[0]) ||
                                       wanted.scale[1] != floor(wanted.scale[1]))))
        desc.like = find_like(im, &wanted);
    if (!scaled) {
        if (desc.like < 0)
            return cgv_onnx_refuse(im, n, "resizes to a size that cgvideo cannot follow");
        for (int axis = 0; axis < 2; axis++)
            wanted.scale[axis] =
                (double)wanted.side[axis][0] / (double)side_of(im, x->node, axis, 0);
    }
    if (is_upsample(&desc, &wanted, &mode)) {
        if (wanted.scale[0] == 1) {
            see_alike(y, x);
            return CGV_OK;
        }
        return made(im, y, cgv_net_upsample(im->net, x->node, (int)wanted.scale[0], mode), x);
    }
    desc.scale[0] = (float)wanted.scale[0];
    desc.scale[1] = (float)wanted.scale[1];
    return made(im, y, cgv_net_resize(im->net, x->node, &desc), x);
}

// A tensor of one element along rows and columns, repeated to the size of another.
cgv_status cgv_onnx_expand_picture(onnx_import *im, const onnx_node *n, onnx_value *x,
                                   onnx_value *wanted, onnx_value *y) {
    wanted_size size = {.by_side = true};
    bool same = true;
    int node = cgv_onnx_plain(im, n, x);
    if (node < 0)
        return CGV_ERROR_UNSUPPORTED;
    if (wanted->kind != ONNX_CONSTANT || wanted->count > 4)
        return cgv_onnx_refuse(im, n, "repeats a picture to a size that cgvideo cannot follow");
    for (int lane = 0; lane < ONNX_LANES; lane++) {
        const double *numbers = cgv_onnx_numbers(im, wanted, lane);
        int64_t sides[4] = {1, 1, 1, 1}; // broadcasting aligns the last axes
        for (size_t i = 0; i < wanted->count; i++)
            if (numbers[i] >= 1 && numbers[i] < 1 << 18)
                sides[4 - wanted->count + i] = (int64_t)numbers[i];
        if (sides[0] != 1 || (sides[1] != 1 && sides[1] != im->net->nodes[node].channels))
            return cgv_onnx_refuse(im, n, "repeats more than rows and columns");
        for (int axis = 0; axis < 2; axis++) {
            int64_t from = side_of(im, node, axis, lane), to = sides[axis + 2];
            size.side[axis][lane] = to == 1 ? from : to;
            same = same && size.side[axis][lane] == from;
            if (from != 1 && to != 1 && to != from)
                return cgv_onnx_refuse(im, n, "has operands of shapes that do not fit");
        }
    }
    if (same) {
        see_alike(y, x);
        return CGV_OK;
    }
    cgv_resize_desc desc = {.centres = CGV_CENTRES_ASYMMETRIC,
                            .nearest = CGV_NEAREST_FLOOR,
                            .like = find_like(im, &size)};
    for (int axis = 0; axis < 2; axis++)
        desc.scale[axis] = (float)size.side[axis][0] / (float)side_of(im, node, axis, 0);
    if (desc.like < 0)
        return cgv_onnx_refuse(im, n, "repeats a picture to a size that cgvideo cannot follow");
    return made(im, y, cgv_net_resize(im->net, node, &desc), x);
}

cgv_status cgv_onnx_depth_to_space(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    int64_t factor = cgv_onnx_int(n, "blocksize", 0);
    int node = x ? cgv_onnx_plain(im, n, x) : -1;
    bool columns_first = cgv_onnx_text_is(n, "mode", "DCR", "DCR");
    if (node < 0 || !y)
        return x ? CGV_ERROR_UNSUPPORTED : cgv_onnx_refuse(im, n, "lacks an operand");
    if (factor < 1 || factor > 64 || (!columns_first && !cgv_onnx_text_is(n, "mode", "", "CRD")))
        return cgv_onnx_refuse(im, n, "has a block size or mode that cgvideo does not know");
    return made(im, y,
                cgv_net_rearrange(im->net, node,
                                  columns_first ? CGV_DEPTH_TO_SPACE : CGV_PIXEL_SHUFFLE,
                                  (int)factor),
                x);
}

cgv_status cgv_onnx_space_to_depth(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    int64_t factor = cgv_onnx_int(n, "blocksize", 0);
    int node = x ? cgv_onnx_plain(im, n, x) : -1;
    if (node < 0 || !y)
        return x ? CGV_ERROR_UNSUPPORTED : cgv_onnx_refuse(im, n, "lacks an operand");
    if (factor < 1 || factor > 64)
        return cgv_onnx_refuse(im, n, "has a block size that cgvideo does not know");
    return made(im, y, cgv_net_rearrange(im->net, node, CGV_SPACE_TO_DEPTH, (int)factor), x);
}

// ---- pools ----

cgv_status cgv_onnx_pool(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    onnx_value *indices = cgv_onnx_output(im, n, 1);
    int64_t kernel[2];
    cgv_window window;
    int node = x ? cgv_onnx_plain(im, n, x) : -1;
    if (node < 0 || !y)
        return x ? CGV_ERROR_UNSUPPORTED : cgv_onnx_refuse(im, n, "lacks an operand");
    if (indices && indices->readers)
        return cgv_onnx_refuse(im, n, "gives indices, for which cgvideo has no use");
    if (cgv_onnx_ints(n, "kernel_shape", kernel, 2) != 2 || kernel[0] < 1 || kernel[1] < 1 ||
        kernel[0] > 1 << 16 || kernel[1] > 1 << 16)
        return cgv_onnx_refuse(im, n, "is not one over rows and columns");
    for (int axis = 0; axis < 2; axis++)
        window.kernel[axis] = (int)kernel[axis];
    cgv_status status = cgv_onnx_window(im, n, &window, node, false);
    if (status)
        return status;
    // In a graph of a fixed size a window as large as the picture is all of it.
    bool whole = true;
    for (int lane = 0; lane < ONNX_LANES; lane++)
        whole = whole && side_of(im, node, 0, lane) == kernel[0] &&
                side_of(im, node, 1, lane) == kernel[1];
    bool average = *n->op == 'A';
    if (whole && !window.pad[0] && !window.pad[1] && !window.pad[2] && !window.pad[3])
        return cgv_onnx_global_pool(im, n);
    cgv_pooling pool = !average                                  ? CGV_POOL_MAX
                       : cgv_onnx_int(n, "count_include_pad", 0) ? CGV_POOL_AVERAGE_PADDED
                                                                 : CGV_POOL_AVERAGE;
    return made(
        im, y, cgv_net_pool(im->net, node, pool, &window, cgv_onnx_int(n, "ceil_mode", 0) != 0), x);
}

// Over whole sides: first along rows, then the rest. (Of rows of one length, the mean of means is
// the mean.)
static int pool_sides(onnx_import *im, int node, cgv_pooling pool, bool rows, bool columns) {
    cgv_window across = {{1, 0}, {1, 1}, {1, 1}, {0}}, down = {{0, 1}, {1, 1}, {1, 1}, {0}};
    if (columns) {
        node = cgv_net_pool(im->net, node, pool, &across, false);
        if (cgv_onnx_added(im, node))
            return 0;
    }
    return rows ? cgv_net_pool(im->net, node, pool, &down, false) : node;
}

cgv_status cgv_onnx_global_pool(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    int node = x ? cgv_onnx_plain(im, n, x) : -1;
    if (node < 0 || !y)
        return x ? CGV_ERROR_UNSUPPORTED : cgv_onnx_refuse(im, n, "lacks an operand");
    cgv_pooling pool = strstr(n->op, "Average") ? CGV_POOL_AVERAGE : CGV_POOL_MAX;
    return made(im, y, pool_sides(im, node, pool, true, true), x);
}

// The mean of all channels as a 1x1 convolution.
static int channel_mean(onnx_import *im, const onnx_node *n, int x) {
    char name[32];
    int channels = im->net->nodes[x].channels;
    int node = cgv_net_conv(im->net, x, cgv_onnx_layer(name, n),
                            &(cgv_conv_desc){.channels = 1, .kernel = 1, .no_bias = true});
    if (!cgv_onnx_added(im, node))
        for (int c = 0; c < channels; c++)
            cgv_onnx_param(im, im->net->nodes[node].weight)[c] = 1 / (float)channels;
    return node;
}

cgv_status cgv_onnx_reduce_mean(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_input(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    int64_t axes[ONNX_MAX_RANK], shape[ONNX_MAX_RANK][ONNX_LANES];
    bool over[4] = {0}, gone[ONNX_MAX_RANK] = {0};
    cgv_status status = turned(im, n, x);
    if (status || !y)
        return status;
    int count = cgv_onnx_axes(im, n, 1, axes);
    if (count == -2)
        return CGV_ERROR_UNSUPPORTED;
    for (int i = 0; i < count; i++) {
        int at = cgv_onnx_wrap(axes[i], x->view.rank);
        int axis = at < 0 ? 0 : cgv_onnx_axis(im, x, at);
        if (axis < 1)
            return cgv_onnx_refuse(im, n, "is not one over rows, columns or channels");
        over[axis] = gone[at] = true;
    }
    if (count < 1)
        return cgv_onnx_refuse(im, n, "is not one over rows, columns or channels");
    int node = pool_sides(im, x->node, CGV_POOL_AVERAGE, over[2], over[3]);
    status = cgv_onnx_added(im, node);
    if (!status && over[1]) {
        node = channel_mean(im, n, node);
        status = cgv_onnx_added(im, node);
    }
    if (status)
        return status;
    cgv_onnx_picture_like(im, y, node, x);
    if (cgv_onnx_int(n, "keepdims", 1))
        return CGV_OK;
    int rank = 0;
    for (int i = 0; i < x->view.rank; i++) {
        for (int lane = 0; lane < ONNX_LANES && !gone[i]; lane++)
            shape[rank][lane] = cgv_onnx_extent(y, i, lane);
        rank += !gone[i];
    }
    onnx_value kept = *y;
    return cgv_onnx_reshape(im, n, y, &kept, rank, shape);
}
