// Arithmetic of constants, and parts of them: shapes are computed this way, and weights put in
// order.
#include <math.h>
#include <string.h>

#include "model/onnx_internal.h"

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
    onnx_value *x = cgv_onnx_operand(im, n, 0), *indices = cgv_onnx_operand(im, n, 1);
    onnx_value *y = cgv_onnx_output(im, n, 0);
    if (!x || !indices || !y)
        return CGV_ERROR_UNSUPPORTED;
    if (x->kind == ONNX_PICTURE)
        return pick_channels(im, n, x, indices, y);
    if (indices->kind != ONNX_CONSTANT)
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
    size_t outer = (size_t)cgv_onnx_product(x->shape, 0, axis);
    size_t inner = (size_t)cgv_onnx_product(x->shape, axis + 1, x->rank);
    size_t extent = (size_t)x->shape[axis];
    for (int lane = 0; !status && y->count && lane < cgv_onnx_lanes(y); lane++) {
        const double *from = cgv_onnx_lane(x, lane), *which = cgv_onnx_lane(indices, lane);
        double *to = cgv_onnx_lane(y, lane);
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

cgv_status cgv_onnx_constant_of_shape(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
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

// One axis of what two shapes broadcast to, counted from behind; -1: they do not.
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
    return cgv_onnx_lane(v, lane)[index];
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
    for (int lane = 0; !status && lane < cgv_onnx_lanes(y); lane++)
        for (size_t i = 0; i < y->count; i++)
            cgv_onnx_lane(y, lane)[i] = combine(n->op, repeated(a, lane, shape, rank, i),
                                                repeated(b, lane, shape, rank, i), integer, &known);
    return status || known ? status
                           : cgv_onnx_refuse(im, n, "is not an operation that cgvideo knows");
}

cgv_status cgv_onnx_fold_binary(onnx_import *im, const onnx_node *n) {
    onnx_value *a = cgv_onnx_operand(im, n, 0), *b = cgv_onnx_operand(im, n, 1),
               *y = cgv_onnx_output(im, n, 0);
    if (!a || !b || !y)
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
    onnx_value *x = cgv_onnx_operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    cgv_status status = cgv_onnx_copy(im, y, x);
    for (size_t i = 0; !status && i < y->count * (size_t)cgv_onnx_lanes(y); i++) {
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
    onnx_value *x = cgv_onnx_operand(im, n, 0), *wanted = cgv_onnx_operand(im, n, 1),
               *y = cgv_onnx_output(im, n, 0);
    int64_t shape[ONNX_MAX_RANK], out[ONNX_MAX_RANK];
    if (!x || !wanted || !y)
        return CGV_ERROR_UNSUPPORTED;
    if (x->kind == ONNX_PICTURE)
        return cgv_onnx_expand_picture(im, n, x, wanted, y);
    int count = cgv_onnx_integers(im, n, wanted, shape, ONNX_MAX_RANK);
    if (count < 0)
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
    for (int lane = 0; !status && lane < cgv_onnx_lanes(y); lane++)
        for (size_t i = 0; i < y->count; i++)
            cgv_onnx_lane(y, lane)[i] = repeated(x, lane, out, rank, i);
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
    if (v && (v->kind != ONNX_CONSTANT || v->count > ONNX_MAX_RANK))
        return -1;
    if (v)
        count = (int)v->count;
    for (int lane = 0; lane < ONNX_LANES; lane++)
        for (int k = 0; k < count; k++) { // the ends of int64 stand for "as far as there is"
            double number = v ? cgv_onnx_lane(v, lane)[k] : (double)listed[k];
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
    size_t outer = (size_t)cgv_onnx_product(x.shape, 0, axis);
    size_t inner = (size_t)cgv_onnx_product(x.shape, axis + 1, x.rank),
           extent = (size_t)x.shape[axis];
    int64_t count = cgv_onnx_slice_count(&begin, end, step, x.shape[axis]);
    int64_t shape[ONNX_MAX_RANK];
    memcpy(shape, x.shape, sizeof shape);
    shape[axis] = count;
    y->data = NULL;
    cgv_status status = cgv_onnx_constant(im, y, x.rank, shape, x.varies, x.integer);
    for (int lane = 0; !status && y->count && lane < cgv_onnx_lanes(y); lane++)
        for (size_t o = 0; o < outer; o++)
            for (int64_t k = 0; k < count; k++)
                memcpy(cgv_onnx_lane(y, lane) + (o * (size_t)count + (size_t)k) * inner,
                       cgv_onnx_lane(&x, lane) + (o * extent + (size_t)(begin + k * step)) * inner,
                       inner * sizeof *y->data);
    free(x.data);
    return status;
}

cgv_status cgv_onnx_fold_slice(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    onnx_slice slices[ONNX_MAX_RANK];
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    int count = cgv_onnx_slices(im, n, x, slices);
    if (count < 0)
        return CGV_ERROR_UNSUPPORTED;
    cgv_status status = cgv_onnx_copy(im, y, x);
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
    onnx_value *first = cgv_onnx_operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    bool varies = false, integer = true;
    int64_t shape[ONNX_MAX_RANK];
    if (!first || !y)
        return CGV_ERROR_UNSUPPORTED;
    int axis = cgv_onnx_wrap(cgv_onnx_int(n, "axis", 0), first->rank);
    if (axis < 0)
        return cgv_onnx_refuse(im, n, "has an axis that there is not");
    memcpy(shape, first->shape, sizeof shape);
    shape[axis] = 0;
    for (size_t i = 0; i < n->proto->n_input; i++) {
        onnx_value *x = cgv_onnx_operand(im, n, i);
        if (!x)
            return CGV_ERROR_UNSUPPORTED;
        for (int k = 0; k < first->rank; k++)
            if (x->rank != first->rank || (k != axis && x->shape[k] != first->shape[k]))
                return cgv_onnx_refuse(im, n, "has operands of shapes that do not fit");
        varies = varies || x->varies;
        integer = integer && x->integer;
        shape[axis] += x->shape[axis];
    }
    cgv_status status = cgv_onnx_constant(im, y, first->rank, shape, varies, integer);
    size_t outer = (size_t)cgv_onnx_product(shape, 0, axis), row = 0;
    if (outer && !status)
        row = y->count / outer;
    for (int lane = 0; !status && y->count && lane < cgv_onnx_lanes(y); lane++) {
        size_t at = 0;
        for (size_t i = 0; i < n->proto->n_input; i++) {
            onnx_value *x = cgv_onnx_operand(im, n, i);
            size_t part = outer ? x->count / outer : 0;
            for (size_t o = 0; o < outer; o++)
                memcpy(cgv_onnx_lane(y, lane) + o * row + at, cgv_onnx_lane(x, lane) + o * part,
                       part * sizeof *y->data);
            at += part;
        }
    }
    return status;
}
