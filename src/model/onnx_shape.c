// Operations that only change how a tensor is seen: of pictures they make views, of constants
// copies.
#include <math.h>
#include <string.h>

#include "model/onnx_internal.h"

cgv_status cgv_onnx_shape(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    if (!x || !y)
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
            cgv_onnx_lane(y, lane)[i - from] = (double)cgv_onnx_extent(x, i, lane);
    return status;
}

cgv_status cgv_onnx_identity(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    return cgv_onnx_copy(im, y, x);
}

cgv_status cgv_onnx_cast(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    int64_t to = cgv_onnx_int(n, "to", ONNX_FLOAT);
    bool integer = to != ONNX_FLOAT && to != ONNX_HALF && to != ONNX_DOUBLE && to != ONNX_BFLOAT16;
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    // Only the graph's output may lose its fractions: cgvideo rounds it anyway.
    bool last = y->readers == 1 && im->graph->output[0]->name &&
                !strcmp(y->name, im->graph->output[0]->name);
    if (x->kind == ONNX_PICTURE && integer && !last)
        return cgv_onnx_refuse(im, n, "makes whole numbers of a picture");
    cgv_status status = cgv_onnx_copy(im, y, x);
    if (status || y->kind == ONNX_PICTURE)
        return status;
    y->integer = integer;
    for (size_t i = 0; integer && i < y->count * (size_t)cgv_onnx_lanes(y); i++)
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
    int64_t extents[ONNX_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        if (shape[i][0] != shape[i][1] || shape[i][0] != shape[i][2])
            return cgv_onnx_refuse(im, n, "shapes a constant by the picture's size");
        extents[i] = shape[i][0];
    }
    cgv_status status = cgv_onnx_constant(im, y, rank, extents, x->varies, x->integer);
    if (!status)
        memcpy(y->data, x->data, x->count * (size_t)cgv_onnx_lanes(x) * sizeof *x->data);
    return status;
}

cgv_status cgv_onnx_reshape_op(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_operand(im, n, 0), *wanted = cgv_onnx_operand(im, n, 1),
               *y = cgv_onnx_output(im, n, 0);
    int64_t shape[ONNX_MAX_RANK][ONNX_LANES];
    if (!x || !wanted || !y)
        return CGV_ERROR_UNSUPPORTED;
    if (wanted->kind != ONNX_CONSTANT || wanted->count > ONNX_MAX_RANK)
        return cgv_onnx_refuse(im, n, "makes a shape that cgvideo cannot follow");
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
    onnx_value *x = cgv_onnx_operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    bool more = *n->op == 'U', marked[2 * ONNX_MAX_RANK] = {0};
    int64_t axes[ONNX_MAX_RANK], shape[ONNX_MAX_RANK][ONNX_LANES];
    if (!x || !y)
        return CGV_ERROR_UNSUPPORTED;
    int count = cgv_onnx_axes(im, n, 1, axes);
    if (count == -2)
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
    int64_t shape[ONNX_MAX_RANK] = {0};
    size_t step[ONNX_MAX_RANK] = {0}, at[ONNX_MAX_RANK] = {0};
    for (int i = 0; i < x->rank; i++) {
        shape[i] = x->shape[order[i]];
        step[i] = (size_t)cgv_onnx_product(x->shape, order[i] + 1, x->rank);
    }
    cgv_status status = cgv_onnx_constant(im, y, x->rank, shape, x->varies, x->integer);
    for (int lane = 0; !status && lane < cgv_onnx_lanes(y); lane++)
        for (size_t k = 0; k < y->count; k++) {
            size_t from = 0;
            for (int i = 0; i < x->rank; i++)
                from += at[i] * step[i];
            cgv_onnx_lane(y, lane)[k] = cgv_onnx_lane(x, lane)[from];
            for (int i = x->rank - 1; i >= 0 && ++at[i] == (size_t)shape[i]; i--)
                at[i] = 0;
        }
    return status;
}

cgv_status cgv_onnx_transpose_op(onnx_import *im, const onnx_node *n) {
    onnx_value *x = cgv_onnx_operand(im, n, 0), *y = cgv_onnx_output(im, n, 0);
    int64_t axes[ONNX_MAX_RANK];
    int order[ONNX_MAX_RANK], seen = 0;
    if (!x || !y)
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
