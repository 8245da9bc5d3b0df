// Views: how the graph sees the tensors of the net.
#include <string.h>

#include "model/onnx_internal.h"

static int64_t whole(const onnx_import *im, int node, int axis, int lane) {
    cgv_size size = im->sizes[lane][node];
    return axis == 1 ? im->net->nodes[node].channels : axis == 2 ? size.h : size.w;
}

static onnx_atom whole_atom(const onnx_import *im, int node, int axis) {
    onnx_atom atom = {.axis = axis};
    for (int lane = 0; lane < ONNX_LANES; lane++) {
        atom.size[lane] = whole(im, node, axis, lane);
        atom.inner[lane] = 1;
    }
    return atom;
}

void cgv_onnx_picture(onnx_import *im, onnx_value *v, int node) {
    v->kind = ONNX_PICTURE;
    v->node = node;
    v->view = (onnx_view){.rank = 4, .first = {0, 0, 1, 2, 3}};
    for (int axis = 1; axis <= 3; axis++)
        v->view.atoms[axis - 1] = whole_atom(im, node, axis);
}

void cgv_onnx_picture_like(onnx_import *im, onnx_value *v, int node, const onnx_value *like) {
    onnx_view view = like->view;
    for (int i = 0; i < view.first[view.rank]; i++)
        view.atoms[i] = whole_atom(im, node, view.atoms[i].axis);
    v->kind = ONNX_PICTURE;
    v->node = node;
    v->view = view;
}

int64_t cgv_onnx_extent(const onnx_value *v, int axis, int lane) {
    if (v->kind == ONNX_CONSTANT)
        return v->shape[axis];
    int64_t product = 1;
    for (int i = v->view.first[axis]; i < v->view.first[axis + 1]; i++)
        product *= v->view.atoms[i].size[lane];
    return product;
}

static bool is_whole(const onnx_import *im, const onnx_value *v, const onnx_atom *atom) {
    for (int lane = 0; lane < ONNX_LANES; lane++)
        if (atom->inner[lane] != 1 || atom->size[lane] != whole(im, v->node, atom->axis, lane))
            return false;
    return true;
}

int cgv_onnx_axis(const onnx_import *im, const onnx_value *v, int i) {
    int first = v->view.first[i], count = v->view.first[i + 1] - first;
    if (count == 0)
        return 0;
    return count == 1 && is_whole(im, v, &v->view.atoms[first]) ? v->view.atoms[first].axis : -1;
}

int cgv_onnx_wrap(int64_t axis, int rank) {
    if (axis < 0)
        axis += rank;
    return axis >= 0 && axis < rank ? (int)axis : -1;
}

static bool adjacent(const onnx_atom *a, const onnx_atom *b) {
    for (int lane = 0; lane < ONNX_LANES; lane++)
        if (a->axis != b->axis || a->inner[lane] != b->inner[lane] * b->size[lane])
            return false;
    return true;
}

// Pieces that lie beside each other on one axis become one.
static void merge(onnx_view *view) {
    onnx_view out = {.rank = view->rank};
    for (int i = 0; i < view->rank; i++) {
        int begin = out.first[i], end = begin;
        for (int k = view->first[i]; k < view->first[i + 1]; k++) {
            if (end > begin && adjacent(&out.atoms[end - 1], &view->atoms[k])) {
                for (int lane = 0; lane < ONNX_LANES; lane++) {
                    out.atoms[end - 1].size[lane] *= view->atoms[k].size[lane];
                    out.atoms[end - 1].inner[lane] = view->atoms[k].inner[lane];
                }
            } else {
                out.atoms[end++] = view->atoms[k];
            }
        }
        out.first[i + 1] = end;
    }
    *view = out;
}

static bool is_one(const onnx_atom *atom) {
    for (int lane = 0; lane < ONNX_LANES; lane++)
        if (atom->size[lane] != 1)
            return false;
    return true;
}

// The outer part of an atom that makes up `part` elements; what is left stays in *atom.
static bool split(onnx_atom *outer, onnx_atom *atom, const int64_t *part) {
    *outer = *atom;
    for (int lane = 0; lane < ONNX_LANES; lane++) {
        if (part[lane] < 1 || atom->size[lane] % part[lane])
            return false;
        int64_t rest = atom->size[lane] / part[lane];
        outer->size[lane] = part[lane];
        outer->inner[lane] = atom->inner[lane] * rest;
        atom->size[lane] = rest;
    }
    return true;
}

// Whether `atom` fits into an axis of which `part` elements are wanted still: 1 whole, 0 not whole,
// -1 not at all.
static int fits(const onnx_atom *atom, const int64_t *part) {
    bool all = true, divides = true;
    for (int lane = 0; lane < ONNX_LANES; lane++) {
        all = all && part[lane] % atom->size[lane] == 0;
        divides = divides && atom->size[lane] % part[lane] == 0;
    }
    return all ? 1 : divides ? 0 : -1;
}

static bool all_ones(const int64_t *part) {
    for (int lane = 0; lane < ONNX_LANES; lane++)
        if (part[lane] != 1)
            return false;
    return true;
}

cgv_status cgv_onnx_reshape(onnx_import *im, const onnx_node *n, onnx_value *y, const onnx_value *x,
                            int rank, int64_t shape[][ONNX_LANES]) {
    onnx_atom atoms[2 * ONNX_MAX_ATOMS];
    onnx_view view = {.rank = rank};
    int count = 0, next = 0, out = 0;
    for (int i = 0; i < x->view.first[x->view.rank]; i++)
        if (!is_one(&x->view.atoms[i]))
            atoms[count++] = x->view.atoms[i];
    for (int i = 0; i < rank; i++) {
        int64_t part[ONNX_LANES];
        memcpy(part, shape[i], sizeof part);
        for (int lane = 0; lane < ONNX_LANES; lane++)
            if (part[lane] < 1)
                return cgv_onnx_refuse(im, n, "makes a tensor of no elements");
        while (!all_ones(part)) {
            onnx_atom piece;
            int fit = next < count ? fits(&atoms[next], part) : -1;
            if (fit < 0 || out == ONNX_MAX_ATOMS || (!fit && !split(&piece, &atoms[next], part)))
                return cgv_onnx_refuse(im, n, "makes a shape that cgvideo cannot follow");
            if (fit)
                piece = atoms[next++];
            for (int lane = 0; lane < ONNX_LANES; lane++)
                part[lane] /= piece.size[lane];
            view.atoms[out++] = piece;
        }
        view.first[i + 1] = out;
    }
    if (next < count)
        return cgv_onnx_refuse(im, n, "makes a shape of another number of elements");
    merge(&view);
    y->kind = ONNX_PICTURE;
    y->node = x->node;
    y->view = view;
    return CGV_OK;
}

cgv_status cgv_onnx_transpose(onnx_value *y, const onnx_value *x, const int *order) {
    onnx_view view = {.rank = x->view.rank};
    int out = 0;
    for (int i = 0; i < view.rank; i++) {
        for (int k = x->view.first[order[i]]; k < x->view.first[order[i] + 1]; k++)
            view.atoms[out++] = x->view.atoms[k];
        view.first[i + 1] = out;
    }
    merge(&view);
    y->kind = ONNX_PICTURE;
    y->node = x->node;
    y->view = view;
    return CGV_OK;
}

bool cgv_onnx_is_turned(const onnx_import *im, const onnx_value *v) {
    for (int i = 0; i < v->view.rank; i++)
        if (cgv_onnx_axis(im, v, i) < 0)
            return false;
    return true;
}

bool cgv_onnx_same_view(const onnx_value *a, const onnx_value *b) {
    if (a->view.rank != b->view.rank)
        return false;
    for (int i = 0; i <= a->view.rank; i++)
        if (a->view.first[i] != b->view.first[i])
            return false;
    for (int i = 0; i < a->view.first[a->view.rank]; i++)
        if (a->view.atoms[i].axis != b->view.atoms[i].axis)
            return false;
    return true;
}

static bool is_plain(const onnx_import *im, const onnx_value *v) {
    if (v->view.rank != 4 || cgv_onnx_axis(im, v, 0) != 0)
        return false;
    for (int i = 1; i < 4; i++) {
        int axis = cgv_onnx_axis(im, v, i);
        // An axis of one element may have got lost on the way, and it does not matter.
        onnx_atom atom = whole_atom(im, v->node, i);
        if (axis != i && (axis != 0 || !is_one(&atom)))
            return false;
    }
    return true;
}

// ---- depth to space, written as a reshape, a transposition and another reshape ----

static bool whole_axis(const onnx_import *im, const onnx_value *v, int i, int axis) {
    return v->view.atoms[i].axis == axis && is_whole(im, v, &v->view.atoms[i]);
}

// axes: channels of C, (rows, piece of C), (columns, piece of C).
static bool spreads(const onnx_import *im, const onnx_value *v, cgv_rearrangement *how,
                    int64_t *factor) {
    static const int first[] = {0, 0, 1, 3, 5};
    const onnx_atom *a = v->view.atoms;
    if (v->view.rank != 4 || memcmp(v->view.first, first, sizeof first) || a[0].axis != 1 ||
        !whole_axis(im, v, 1, 2) || a[2].axis != 1 || !whole_axis(im, v, 3, 3) || a[4].axis != 1)
        return false;
    int64_t f = a[2].size[0], channels = a[0].size[0];
    if (a[4].size[0] != f || f * f * channels != whole(im, v->node, 1, 0))
        return false;
    *factor = f;
    *how = a[0].inner[0] == 1 ? CGV_DEPTH_TO_SPACE : CGV_PIXEL_SHUFFLE;
    return a[0].inner[0] == 1 ? a[4].inner[0] == channels && a[2].inner[0] == f * channels
                              : a[4].inner[0] == 1 && a[2].inner[0] == f && a[0].inner[0] == f * f;
}

// axes: (piece of rows, piece of columns, C) or (C, those pieces); the rest of rows; of columns.
static bool gathers(const onnx_import *im, const onnx_value *v, cgv_rearrangement *how,
                    int64_t *factor) {
    static const int first[] = {0, 0, 3, 4, 5};
    const onnx_atom *a = v->view.atoms;
    if (v->view.rank != 4 || memcmp(v->view.first, first, sizeof first))
        return false;
    bool behind = a[0].axis == 2; // the channels come last
    int rows = behind ? 0 : 1;
    int64_t f = a[rows].size[0];
    *factor = f;
    *how = behind ? CGV_SPACE_TO_DEPTH : CGV_PIXEL_UNSHUFFLE;
    return a[rows].axis == 2 && a[rows + 1].axis == 3 && a[rows + 1].size[0] == f &&
           a[rows].inner[0] == 1 && a[rows + 1].inner[0] == 1 &&
           whole_axis(im, v, behind ? 2 : 0, 1) && a[3].axis == 2 && a[3].inner[0] == f &&
           a[4].axis == 3 && a[4].inner[0] == f;
}

int cgv_onnx_plain(onnx_import *im, const onnx_node *n, onnx_value *v) {
    if (v->kind != ONNX_PICTURE) {
        (void)cgv_onnx_refuse(im, n, "has a constant where a picture is expected");
        return -1;
    }
    if (is_plain(im, v))
        return v->node;
    cgv_rearrangement how;
    int64_t factor;
    if ((spreads(im, v, &how, &factor) || gathers(im, v, &how, &factor)) && factor < 64) {
        int node = cgv_net_rearrange(im->net, v->node, how, (int)factor);
        if (cgv_onnx_added(im, node))
            return -1;
        cgv_onnx_picture(im, v, node);
        return node;
    }
    (void)cgv_onnx_refuse(im, n,
                          "works on axes in another order than batch, channels, rows, "
                          "columns");
    return -1;
}
