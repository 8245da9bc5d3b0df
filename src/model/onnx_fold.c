// What graphs do with constants: shapes are computed this way, and weights put in order. Where an
// operand is a picture, reshapes and transpositions only change how it is seen.
#include <math.h>
#include <string.h>

#include "model/onnx_internal.h"

// The operand that must be there, and with a known value.
static onnx_value *operand(const onnx_import *im, const onnx_node *n, size_t i) {
    onnx_value *v = cgv_onnx_input(im, n, i);
    if (!v)
        (void)cgv_onnx_refuse(im, n, "lacks an operand");
    return v;
}

static cgv_status decoded(onnx_import *im, onnx_value *v) {
    return cgv_onnx_numbers(im, v, 0) ? CGV_OK : CGV_ERROR_UNSUPPORTED;
}

// Numbers in a lane, to be written to.
static double *lane_of(onnx_value *v, int lane) {
    return v->data + (v->varies ? (size_t)lane * v->count : 0);
}

static int lanes(const onnx_value *v) {
    return v->varies ? ONNX_LANES : 1;
}

cgv_status cgv_onnx_constant_op(onnx_import *im, const onnx_node *n) {
    onnx_value *y = cgv_onnx_output(im, n, 0);
    const Cgv__Onnx__Attribute *a;
    if (!y)
        return CGV_OK;
    if ((a = cgv_onnx_attribute(n, "value")) && a->t) {
        if (a->t->data_location || a->t->n_external_data)
            return cgv_onnx_refuse(im, n, "keeps its numbers in another file");
        return cgv_onnx_decode(im, y, a->t);
    }
    bool is_float = (a = cgv_onnx_attribute(n, "value_float")) || //
                    (a = cgv_onnx_attribute(n, "value_floats"));
    if (!a && !(a = cgv_onnx_attribute(n, "value_int")))
        a = cgv_onnx_attribute(n, "value_ints");
    if (!a)
        return cgv_onnx_refuse(im, n, "holds no numbers");
    bool list = strstr(a->name, "ints") || strstr(a->name, "floats");
    int64_t count = (int64_t)(is_float ? a->n_floats : a->n_ints);
    cgv_status status = cgv_onnx_constant(im, y, list, &count, false, !is_float);
    if (status)
        return status;
    for (int64_t i = 0; list && i < count; i++)
        y->data[i] = is_float ? (double)a->floats[i] : (double)a->ints[i];
    if (!list)
        y->data[0] = is_float ? (double)a->f : (double)a->i;
    return CGV_OK;
}

cgv_status cgv_onnx_shape(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    if (x->kind == ONNX_CONSTANT && decoded(im, x))
        return CGV_ERROR_UNSUPPORTED;
    int rank = x->kind == ONNX_CONSTANT ? x->rank : x->view.rank;
    int64_t from = cgv_onnx_int(n, "start", 0), to = cgv_onnx_int(n, "end", rank);
    from = from < 0 ? from + rank : from;
    to = to < 0 ? to + rank : to;
    from = from < 0 ? 0 : from > rank ? rank : from;
    to = to < from ? from : to > rank ? rank : to;
    cgv_status status = cgv_onnx_constant(im, y, 1, &(int64_t){to - from}, true, true);
    for (int lane = 0; lane < ONNX_LANES && !status; lane++)
        for (int i = (int)from; i < (int)to; i++)
            lane_of(y, lane)[i - from] = (double)cgv_onnx_extent(x, i, lane);
    return status;
}

static int64_t product(const int64_t *shape, int from, int to) {
    int64_t count = 1;
    for (int i = from; i < to; i++)
        count *= shape[i];
    return count;
}

// Channels of a picture by number, for which the net has a 1x1 convolution.
static cgv_status pick_channels(onnx_import *im, const onnx_node *n, onnx_value *x,
                                onnx_value *indices, onnx_value *y) {
    int64_t picked[256];
    int channels = im->net->nodes[x->node].channels;
    int axis = cgv_onnx_wrap(cgv_onnx_int(n, "axis", 0), x->view.rank);
    int count = cgv_onnx_integers(im, n, indices, picked, 256);
    if (count < 0)
        return CGV_ERROR_UNSUPPORTED;
    if (axis < 0 || cgv_onnx_axis(im, x, axis) != 1 || indices->rank != 1)
        return cgv_onnx_refuse(im, n, "picks from a picture something else than channels");
    char name[32];
    int node = cgv_net_conv(im->net, x->node, cgv_onnx_layer(name, n),
                            &(cgv_conv_desc){.channels = count, .kernel = 1, .no_bias = true});
    if (cgv_onnx_added(im, node))
        return CGV_ERROR_UNSUPPORTED;
    float *weights = cgv_onnx_param(im, im->net->nodes[node].weight);
    for (int i = 0; i < count; i++) {
        int from = cgv_onnx_wrap(picked[i], channels);
        if (from < 0)
            return cgv_onnx_refuse(im, n, "picks channels that there are not");
        weights[i * channels + from] = 1;
    }
    cgv_onnx_picture_like(im, y, node, x);
    return CGV_OK;
}

cgv_status cgv_onnx_gather(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *indices = operand(im, n, 1);
    onnx_value *y = cgv_onnx_output(im, n, 0);
    if (!x || !indices || !y)
        return CGV_ERROR_UNSUPPORTED;
    if (x->kind == ONNX_PICTURE)
        return pick_channels(im, n, x, indices, y);
    if (indices->kind != ONNX_CONSTANT || decoded(im, x) || decoded(im, indices))
        return cgv_onnx_refuse(im, n, "picks what depends on the picture");
    int axis = cgv_onnx_wrap(cgv_onnx_int(n, "axis", 0), x->rank);
    int rank = x->rank - 1 + indices->rank;
    if (axis < 0 || rank > ONNX_MAX_RANK)
        return cgv_onnx_refuse(im, n, "has an axis that there is not");
    int64_t shape[2 * ONNX_MAX_RANK];
    memcpy(shape, x->shape, (size_t)axis * sizeof *shape);
    memcpy(shape + axis, indices->shape, (size_t)indices->rank * sizeof *shape);
    memcpy(shape + axis + indices->rank, x->shape + axis + 1,
           (size_t)(x->rank - axis - 1) * sizeof *shape);
    cgv_status status =
        cgv_onnx_constant(im, y, rank, shape, x->varies || indices->varies, x->integer);
    size_t outer = (size_t)product(x->shape, 0, axis);
    size_t inner = (size_t)product(x->shape, axis + 1, x->rank);
    size_t extent = (size_t)x->shape[axis];
    for (int lane = 0; !status && lane < lanes(y); lane++) {
        const double *from = lane_of(x, lane), *which = lane_of(indices, lane);
        double *to = lane_of(y, lane);
        for (size_t o = 0; o < outer; o++)
            for (size_t k = 0; k < indices->count; k++) {
                double index = which[k] < 0 ? which[k] + (double)extent : which[k];
                if (!(index >= 0 && index < (double)extent))
                    return cgv_onnx_refuse(im, n, "picks beyond the end");
                memcpy(to + (o * indices->count + k) * inner,
                       from + (o * extent + (size_t)index) * inner, inner * sizeof *to);
            }
    }
    return status;
}

// y = x, seen alike.
static cgv_status same(onnx_import *im, onnx_value *y, onnx_value *x) {
    if (x->kind == ONNX_PICTURE) {
        y->kind = ONNX_PICTURE;
        y->node = x->node;
        y->view = x->view;
        return CGV_OK;
    }
    if (decoded(im, x))
        return CGV_ERROR_UNSUPPORTED;
    cgv_status status = cgv_onnx_constant(im, y, x->rank, x->shape, x->varies, x->integer);
    if (!status)
        memcpy(y->data, x->data, x->count * (size_t)lanes(x) * sizeof *x->data);
    return status;
}

cgv_status cgv_onnx_identity(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    return same(im, y, x);
}

cgv_status cgv_onnx_cast(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    int64_t to = cgv_onnx_int(n, "to", ONNX_FLOAT);
    bool integer = to != ONNX_FLOAT && to != ONNX_HALF && to != ONNX_DOUBLE && to != ONNX_BFLOAT16;
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    // Only the graph's output may lose its fractions: cgvideo rounds it anyway.
    bool last = y->readers == 1 && im->graph->output[0]->name &&
                !strcmp(y->name, im->graph->output[0]->name);
    if (x->kind == ONNX_PICTURE && integer && !last)
        return cgv_onnx_refuse(im, n, "makes whole numbers of a picture");
    cgv_status status = same(im, y, x);
    if (status || y->kind == ONNX_PICTURE)
        return status;
    y->integer = integer;
    for (size_t i = 0; integer && i < y->count * (size_t)lanes(y); i++)
        y->data[i] = to == ONNX_BOOL ? y->data[i] != 0 : trunc(y->data[i]);
    return CGV_OK;
}

// ---- shapes ----

// The shape that Reshape's operand asks for: 0 keeps an extent, -1 is what is left.
static cgv_status resolve(onnx_import *im, const onnx_node *n, const onnx_value *x,
                          onnx_value *wanted, int64_t shape[][ONNX_LANES]) {
    int rank = x->kind == ONNX_CONSTANT ? x->rank : x->view.rank;
    bool keep = !cgv_onnx_int(n, "allowzero", 0);
    for (int lane = 0; lane < ONNX_LANES; lane++) {
        const double *numbers = cgv_onnx_numbers(im, wanted, lane);
        int64_t all = 1, given = 1;
        int open = -1;
        if (!numbers)
            return CGV_ERROR_UNSUPPORTED;
        for (int i = 0; i < rank; i++)
            all *= cgv_onnx_extent(x, i, lane);
        for (int i = 0; i < (int)wanted->count; i++) {
            double extent = numbers[i] == 0 && keep && i < rank
                                ? (double)cgv_onnx_extent(x, i, lane)
                                : numbers[i];
            if (!(extent >= -1 && extent < 1e9) || (extent == -1 && open >= 0))
                return cgv_onnx_refuse(im, n, "makes a shape that cannot be");
            open = extent == -1 ? i : open;
            shape[i][lane] = (int64_t)extent;
            if (extent != -1 && __builtin_mul_overflow(given, (int64_t)extent, &given))
                return cgv_onnx_refuse(im, n, "makes a shape that cannot be");
        }
        if (open >= 0)
            shape[open][lane] = given > 0 ? all / given : 0;
        if (open >= 0 ? given < 1 || all % given : given != all)
            return cgv_onnx_refuse(im, n, "makes a shape of another number of elements");
    }
    return CGV_OK;
}

static cgv_status reshape_to(onnx_import *im, const onnx_node *n, onnx_value *y, onnx_value *x,
                             int rank, int64_t shape[][ONNX_LANES]) {
    if (x->kind == ONNX_PICTURE)
        return cgv_onnx_reshape(im, n, y, x, rank, shape);
    cgv_status status = same(im, y, x);
    if (status)
        return status;
    y->rank = rank;
    for (int i = 0; i < rank; i++) {
        if (shape[i][0] != shape[i][1] || shape[i][0] != shape[i][2])
            return cgv_onnx_refuse(im, n, "shapes a constant by the picture's size");
        y->shape[i] = shape[i][0];
    }
    return CGV_OK;
}

cgv_status cgv_onnx_reshape_op(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *wanted = operand(im, n, 1), *y = cgv_onnx_output(im, n, 0);
    int64_t shape[ONNX_MAX_RANK][ONNX_LANES];
    if (!x || !wanted || !y)
        return CGV_ERROR_UNSUPPORTED;
    if (wanted->kind != ONNX_CONSTANT || decoded(im, wanted) || wanted->count > ONNX_MAX_RANK)
        return cgv_onnx_refuse(im, n, "makes a shape that cgvideo cannot follow");
    if (x->kind == ONNX_CONSTANT && decoded(im, x))
        return CGV_ERROR_UNSUPPORTED;
    cgv_status status = resolve(im, n, x, wanted, shape);
    return status ? status : reshape_to(im, n, y, x, (int)wanted->count, shape);
}

int cgv_onnx_axes(onnx_import *im, const onnx_node *n, size_t i, int64_t axes[ONNX_MAX_RANK]) {
    onnx_value *given = cgv_onnx_input(im, n, i);
    if (!given)
        return cgv_onnx_ints(n, "axes", axes, ONNX_MAX_RANK);
    int count = cgv_onnx_integers(im, n, given, axes, ONNX_MAX_RANK);
    return count < 0 ? -2 : count;
}

// Squeeze takes axes of one element away, Unsqueeze puts them in.
cgv_status cgv_onnx_squeeze(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    bool more = *n->op == 'U', marked[2 * ONNX_MAX_RANK] = {0};
    int64_t axes[ONNX_MAX_RANK], shape[ONNX_MAX_RANK][ONNX_LANES];
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    int count = cgv_onnx_axes(im, n, 1, axes);
    if (count == -2 || (x->kind == ONNX_CONSTANT && decoded(im, x)))
        return CGV_ERROR_UNSUPPORTED;
    int rank = x->kind == ONNX_CONSTANT ? x->rank : x->view.rank, out = 0, from = 0;
    int all = more ? rank + count : rank;
    if ((more && count < 0) || all > ONNX_MAX_RANK)
        return cgv_onnx_refuse(im, n, "has axes that there are not");
    for (int i = 0; i < count; i++) {
        int axis = cgv_onnx_wrap(axes[i], all);
        if (axis < 0 || marked[axis] || (!more && cgv_onnx_extent(x, axis, 0) != 1))
            return cgv_onnx_refuse(im, n, "has axes that there are not");
        marked[axis] = true;
    }
    for (int i = 0; i < all; i++) {
        bool one = count < 0 ? cgv_onnx_extent(x, i, 0) == 1 : marked[i];
        for (int lane = 0; lane < ONNX_LANES; lane++)
            shape[out][lane] = more && one ? 1 : cgv_onnx_extent(x, more ? from : i, lane);
        out += more || !one;
        from += !one;
    }
    return reshape_to(im, n, y, x, out, shape);
}

static cgv_status transpose_constant(onnx_import *im, onnx_value *y, onnx_value *x,
                                     const int *order) {
    int64_t shape[ONNX_MAX_RANK];
    size_t step[ONNX_MAX_RANK], at[ONNX_MAX_RANK] = {0};
    if (decoded(im, x))
        return CGV_ERROR_UNSUPPORTED;
    for (int i = 0; i < x->rank; i++) {
        shape[i] = x->shape[order[i]];
        step[i] = (size_t)product(x->shape, order[i] + 1, x->rank);
    }
    cgv_status status = cgv_onnx_constant(im, y, x->rank, shape, x->varies, x->integer);
    for (int lane = 0; !status && lane < lanes(y); lane++)
        for (size_t k = 0; k < y->count; k++) {
            size_t from = 0;
            for (int i = 0; i < y->rank; i++)
                from += at[i] * step[i];
            lane_of(y, lane)[k] = lane_of(x, lane)[from];
            for (int i = y->rank - 1; i >= 0 && ++at[i] == (size_t)shape[i]; i--)
                at[i] = 0;
        }
    return status;
}

cgv_status cgv_onnx_transpose_op(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    int64_t axes[ONNX_MAX_RANK];
    int order[ONNX_MAX_RANK], seen = 0;
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    if (x->kind == ONNX_CONSTANT && decoded(im, x))
        return CGV_ERROR_UNSUPPORTED;
    int rank = x->kind == ONNX_CONSTANT ? x->rank : x->view.rank;
    int count = cgv_onnx_ints(n, "perm", axes, ONNX_MAX_RANK);
    for (int i = 0; i < rank; i++) {
        order[i] = count < 0 ? rank - 1 - i : i < count ? cgv_onnx_wrap(axes[i], rank) : -1;
        seen |= order[i] >= 0 ? 1 << order[i] : 0;
    }
    if (seen != (1 << rank) - 1 || (count >= 0 && count != rank))
        return cgv_onnx_refuse(im, n, "has axes that there are not");
    return x->kind == ONNX_CONSTANT ? transpose_constant(im, y, x, order)
                                    : cgv_onnx_transpose(y, x, order);
}

cgv_status cgv_onnx_constant_of_shape(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    const Cgv__Onnx__Attribute *a = cgv_onnx_attribute(n, "value");
    int64_t shape[ONNX_MAX_RANK];
    double fill = 0;
    bool integer = false;
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    int rank = cgv_onnx_integers(im, n, x, shape, ONNX_MAX_RANK);
    if (rank < 0)
        return CGV_ERROR_UNSUPPORTED;
    if (a && a->t) {
        cgv_status status = cgv_onnx_decode(im, y, a->t);
        if (status || y->count != 1)
            return status ? status : cgv_onnx_refuse(im, n, "fills with more than one number");
        fill = y->data[0];
        integer = y->integer;
    }
    cgv_status status = cgv_onnx_constant(im, y, rank, shape, false, integer);
    for (size_t i = 0; !status && i < y->count; i++)
        y->data[i] = fill;
    return status;
}

// ---- numbers with numbers ----

static double combine(const char *op, double a, double b, bool integer, bool *known) {
    if (!strcmp(op, "Add"))
        return a + b;
    if (!strcmp(op, "Sub"))
        return a - b;
    if (!strcmp(op, "Mul"))
        return a * b;
    if (!strcmp(op, "Div"))
        return integer ? (b == 0 ? 0 : trunc(a / b)) : a / b;
    if (!strcmp(op, "Pow"))
        return pow(a, b);
    if (!strcmp(op, "Min"))
        return fmin(a, b);
    if (!strcmp(op, "Max"))
        return fmax(a, b);
    if (!strcmp(op, "Mod"))
        return b == 0 ? 0 : a - floor(a / b) * b;
    if (!strcmp(op, "Equal"))
        return a == b;
    *known = false;
    return 0;
}

// One axis of what two shapes broadcast to, counted from behind; 0: they do not.
static int64_t together(const onnx_value *a, const onnx_value *b, int from_behind) {
    int64_t x = from_behind < a->rank ? a->shape[a->rank - 1 - from_behind] : 1;
    int64_t y = from_behind < b->rank ? b->shape[b->rank - 1 - from_behind] : 1;
    return x == y || y == 1 ? x : x == 1 ? y : -1;
}

// The number of v that meets the element `at` of a tensor of this shape.
static double repeated(onnx_value *v, int lane, const int64_t *shape, int rank, size_t at) {
    size_t index = 0, step = 1;
    for (int k = 0; k < rank; k++) {
        size_t extent = (size_t)shape[rank - 1 - k], place = at % extent;
        if (k < v->rank && v->shape[v->rank - 1 - k] != 1) {
            index += place * step;
            step *= (size_t)v->shape[v->rank - 1 - k];
        }
        at /= extent;
    }
    return lane_of(v, lane)[index];
}

static cgv_status broadcast(onnx_import *im, const onnx_node *n, onnx_value *y, onnx_value *a,
                            onnx_value *b) {
    int rank = a->rank > b->rank ? a->rank : b->rank;
    int64_t shape[ONNX_MAX_RANK];
    bool known = true, integer = a->integer && b->integer;
    for (int k = 0; k < rank; k++) {
        shape[rank - 1 - k] = together(a, b, k);
        if (shape[rank - 1 - k] < 0)
            return cgv_onnx_refuse(im, n, "has operands of shapes that do not fit");
    }
    cgv_status status = cgv_onnx_constant(im, y, rank, shape, a->varies || b->varies, integer);
    for (int lane = 0; !status && lane < lanes(y); lane++)
        for (size_t i = 0; i < y->count; i++)
            lane_of(y, lane)[i] = combine(n->op, repeated(a, lane, shape, rank, i),
                                          repeated(b, lane, shape, rank, i), integer, &known);
    return status || known ? status
                           : cgv_onnx_refuse(im, n, "is not an operation that cgvideo knows");
}

cgv_status cgv_onnx_fold_binary(onnx_import *im, const onnx_node *n) {
    onnx_value *a = operand(im, n, 0), *b = operand(im, n, 1), *y = cgv_onnx_output(im, n, 0);
    if (!a || !b || !y || decoded(im, a) || decoded(im, b))
        return CGV_ERROR_UNSUPPORTED;
    if (n->proto->n_input > 2)
        return cgv_onnx_refuse(im, n, "has more than two constants");
    return broadcast(im, n, y, a, b);
}

cgv_status cgv_onnx_fold_unary(onnx_import *im, const onnx_node *n) {
    static const struct {
        const char *op;
        double (*function)(double x);
    } functions[] = {{"Floor", floor}, {"Ceil", ceil}, {"Round", rint}, {"Sqrt", sqrt},
                     {"Abs", fabs},    {"Exp", exp},   {"Tanh", tanh}};
    onnx_value *x = operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    cgv_status status = same(im, y, x);
    for (size_t i = 0; !status && i < y->count * (size_t)lanes(y); i++) {
        size_t f = 0;
        if (!strcmp(n->op, "Neg")) {
            y->data[i] = -y->data[i];
            continue;
        }
        if (!strcmp(n->op, "Reciprocal")) {
            y->data[i] = 1 / y->data[i];
            continue;
        }
        while (f < sizeof functions / sizeof *functions && strcmp(functions[f].op, n->op))
            f++;
        if (f == sizeof functions / sizeof *functions)
            return cgv_onnx_refuse(im, n, "of a constant is not an operation that cgvideo knows");
        y->data[i] = functions[f].function(y->data[i]);
    }
    return status;
}

cgv_status cgv_onnx_expand(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *wanted = operand(im, n, 1), *y = cgv_onnx_output(im, n, 0);
    int64_t shape[ONNX_MAX_RANK], out[ONNX_MAX_RANK];
    if (!x || !wanted || !y)
        return CGV_ERROR_UNSUPPORTED;
    if (x->kind == ONNX_PICTURE)
        return cgv_onnx_expand_picture(im, n, x, wanted, y);
    int count = cgv_onnx_integers(im, n, wanted, shape, ONNX_MAX_RANK);
    if (count < 0 || decoded(im, x))
        return CGV_ERROR_UNSUPPORTED;
    onnx_value like = {.rank = count};
    memcpy(like.shape, shape, sizeof shape);
    int rank = x->rank > count ? x->rank : count;
    for (int k = 0; k < rank; k++) {
        out[rank - 1 - k] = together(x, &like, k);
        if (out[rank - 1 - k] < 0)
            return cgv_onnx_refuse(im, n, "has operands of shapes that do not fit");
    }
    cgv_status status = cgv_onnx_constant(im, y, rank, out, x->varies, x->integer);
    for (int lane = 0; !status && lane < lanes(y); lane++)
        for (size_t i = 0; i < y->count; i++)
            lane_of(y, lane)[i] = repeated(x, lane, out, rank, i);
    return status;
}

// ---- parts ----

int64_t cgv_onnx_slice_count(int64_t *begin, int64_t end, int64_t step, int64_t extent) {
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? extent - 1 : extent;
    *begin += *begin < 0 ? extent : 0;
    end += end < 0 ? extent : 0;
    *begin = *begin < low ? low : *begin > high ? high : *begin;
    end = end < low ? low : end > high ? high : end;
    int64_t distance = step < 0 ? *begin - end : end - *begin, stride = step < 0 ? -step : step;
    return distance <= 0 ? 0 : (distance + stride - 1) / stride;
}

// Operand `i` of Slice, in each lane; before opset 10 an attribute. The count; -1: none, or a
// message.
static int slice_numbers(onnx_import *im, const onnx_node *n, size_t i, const char *name,
                         int64_t out[ONNX_MAX_RANK][ONNX_LANES]) {
    int64_t listed[ONNX_MAX_RANK];
    onnx_value *v = cgv_onnx_input(im, n, i);
    int count = v ? 0 : cgv_onnx_ints(n, name, listed, ONNX_MAX_RANK);
    if (v && (v->kind != ONNX_CONSTANT || decoded(im, v) || v->count > ONNX_MAX_RANK))
        return -1;
    if (v)
        count = (int)v->count;
    for (int lane = 0; lane < ONNX_LANES; lane++)
        for (int k = 0; k < count; k++) { // the ends of int64 stand for "as far as there is"
            double number = v ? lane_of(v, lane)[k] : (double)listed[k];
            out[k][lane] = (int64_t)fmin(fmax(number, -4e18), 4e18);
        }
    return count;
}

int cgv_onnx_slices(onnx_import *im, const onnx_node *n, const onnx_value *x,
                    onnx_slice slices[ONNX_MAX_RANK]) {
    int64_t begins[ONNX_MAX_RANK][ONNX_LANES], ends[ONNX_MAX_RANK][ONNX_LANES];
    int64_t axes[ONNX_MAX_RANK][ONNX_LANES], steps[ONNX_MAX_RANK][ONNX_LANES];
    int rank = x->kind == ONNX_CONSTANT ? x->rank : x->view.rank;
    int count = slice_numbers(im, n, 1, "starts", begins);
    int axis_count = slice_numbers(im, n, 3, "axes", axes);
    int step_count = slice_numbers(im, n, 4, "steps", steps);
    if (count < 0 || slice_numbers(im, n, 2, "ends", ends) != count ||
        (axis_count >= 0 && axis_count != count) || (step_count >= 0 && step_count != count)) {
        (void)cgv_onnx_refuse(im, n, "has operands that cgvideo cannot follow");
        return -1;
    }
    for (int i = 0; i < count; i++) {
        onnx_slice *s = &slices[i];
        s->axis = cgv_onnx_wrap(axis_count < 0 ? i : axes[i][0], rank);
        s->step = step_count < 0 ? 1 : steps[i][0];
        memcpy(s->begin, begins[i], sizeof s->begin);
        memcpy(s->end, ends[i], sizeof s->end);
        if (s->axis < 0 || s->step == 0) {
            (void)cgv_onnx_refuse(im, n, "has an axis that there is not, or goes no step");
            return -1;
        }
    }
    return count;
}

// Of one axis of a constant.
static cgv_status slice_axis(onnx_import *im, onnx_value *y, int axis, int64_t begin, int64_t end,
                             int64_t step) {
    onnx_value x = *y;
    size_t outer = (size_t)product(x.shape, 0, axis);
    size_t inner = (size_t)product(x.shape, axis + 1, x.rank), extent = (size_t)x.shape[axis];
    int64_t count = cgv_onnx_slice_count(&begin, end, step, x.shape[axis]);
    int64_t shape[ONNX_MAX_RANK];
    memcpy(shape, x.shape, sizeof shape);
    shape[axis] = count;
    y->data = NULL;
    cgv_status status = cgv_onnx_constant(im, y, x.rank, shape, x.varies, x.integer);
    for (int lane = 0; !status && lane < lanes(y); lane++)
        for (size_t o = 0; o < outer; o++)
            for (int64_t k = 0; k < count; k++)
                memcpy(lane_of(y, lane) + (o * (size_t)count + (size_t)k) * inner,
                       lane_of(&x, lane) + (o * extent + (size_t)(begin + k * step)) * inner,
                       inner * sizeof *y->data);
    free(x.data);
    return status;
}

cgv_status cgv_onnx_fold_slice(onnx_import *im, const onnx_node *n) {
    onnx_value *x = operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    onnx_slice slices[ONNX_MAX_RANK];
    if (!x || !y || decoded(im, x))
        return CGV_ERROR_UNSUPPORTED;
    int count = cgv_onnx_slices(im, n, x, slices);
    if (count < 0)
        return CGV_ERROR_UNSUPPORTED;
    cgv_status status = same(im, y, x);
    for (int i = 0; i < count && !status; i++) {
        const onnx_slice *s = &slices[i];
        for (int lane = 1; lane < ONNX_LANES; lane++)
            if (s->begin[lane] != s->begin[0] || s->end[lane] != s->end[0])
                return cgv_onnx_refuse(im, n, "cuts a constant by the picture's size");
        status = slice_axis(im, y, s->axis, s->begin[0], s->end[0], s->step);
    }
    return status;
}

cgv_status cgv_onnx_fold_concat(onnx_import *im, const onnx_node *n) {
    onnx_value *first = operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    bool varies = false, integer = true;
    int64_t shape[ONNX_MAX_RANK];
    if (!first || !y || decoded(im, first))
        return CGV_ERROR_UNSUPPORTED;
    int axis = cgv_onnx_wrap(cgv_onnx_int(n, "axis", 0), first->rank);
    if (axis < 0)
        return cgv_onnx_refuse(im, n, "has an axis that there is not");
    memcpy(shape, first->shape, sizeof shape);
    shape[axis] = 0;
    for (size_t i = 0; i < n->proto->n_input; i++) {
        onnx_value *x = operand(im, n, i);
        if (!x || decoded(im, x))
            return CGV_ERROR_UNSUPPORTED;
        for (int k = 0; k < first->rank; k++)
            if (x->rank != first->rank || (k != axis && x->shape[k] != first->shape[k]))
                return cgv_onnx_refuse(im, n, "has operands of shapes that do not fit");
        varies = varies || x->varies;
        integer = integer && x->integer;
        shape[axis] += x->shape[axis];
    }
    cgv_status status = cgv_onnx_constant(im, y, first->rank, shape, varies, integer);
    size_t outer = (size_t)product(shape, 0, axis), row = 0;
    if (outer && !status)
        row = y->count / outer;
    for (int lane = 0; !status && lane < lanes(y); lane++) {
        size_t at = 0;
        for (size_t i = 0; i < n->proto->n_input; i++) {
            onnx_value *x = operand(im, n, i);
            size_t part = outer ? x->count / outer : 0;
            for (size_t o = 0; o < outer; o++)
                memcpy(lane_of(y, lane) + o * row + at, lane_of(x, lane) + o * part,
                       part * sizeof *y->data);
            at += part;
        }
    }
    return status;
}
