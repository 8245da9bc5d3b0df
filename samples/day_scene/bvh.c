// A bounding volume hierarchy over the shapes that do not move.
#include <stdio.h>
#include <stdlib.h>

#include "scene.h"

typedef struct node {
    box box;
    int first, count; // a leaf's shapes; count 0: children at first and first + 1
} node;

struct bvh {
    node *nodes;
    int used;
    shape *shapes;
};

#define LEAF 2

static float axis_of(vec p, int axis) {
    return axis == 0 ? p.x : axis == 1 ? p.y : p.z;
}

static int sort_axis; // qsort has no context

static int by_centre(const void *a, const void *b) {
    const box *l = &((const shape *)a)->box, *r = &((const shape *)b)->box;
    float d = axis_of(add(l->lo, l->hi), sort_axis) - axis_of(add(r->lo, r->hi), sort_axis);
    return d < 0 ? -1 : d > 0;
}

static void split(bvh *tree, int index, int first, int count) {
    node *n = &tree->nodes[index];
    n->box = (box){grey(FAR), grey(-FAR)};
    for (int i = first; i < first + count; i++) {
        const box *b = &tree->shapes[i].box;
        n->box.lo = v3(fminf(n->box.lo.x, b->lo.x), fminf(n->box.lo.y, b->lo.y),
                       fminf(n->box.lo.z, b->lo.z));
        n->box.hi = v3(fmaxf(n->box.hi.x, b->hi.x), fmaxf(n->box.hi.y, b->hi.y),
                       fmaxf(n->box.hi.z, b->hi.z));
    }
    n->first = first;
    n->count = count;
    if (count <= LEAF)
        return;
    vec size = sub(n->box.hi, n->box.lo);
    sort_axis = size.z >= size.x && size.z >= size.y ? 2 : size.x >= size.y ? 0 : 1;
    qsort(tree->shapes + first, (size_t)count, sizeof(shape), by_centre);
    int children = tree->used;
    tree->used += 2;
    n->first = children;
    n->count = 0;
    split(tree, children, first, count / 2);
    split(tree, children + 1, first + count / 2, count - count / 2);
}

bvh *bvh_build(shape *shapes, int count) {
    bvh *tree = malloc(sizeof *tree);
    node *nodes = malloc(2 * (size_t)count * sizeof *nodes);
    if (!tree || !nodes) {
        fprintf(stderr, "day_scene: out of memory\n");
        exit(1);
    }
    *tree = (bvh){.nodes = nodes, .used = 1, .shapes = shapes};
    split(tree, 0, 0, count);
    return tree;
}

void bvh_free(bvh *tree) {
    free(tree->nodes);
    free(tree);
}

float box_entry(const box *b, vec o, vec inverse, float limit) {
    float x0 = (b->lo.x - o.x) * inverse.x, x1 = (b->hi.x - o.x) * inverse.x;
    float y0 = (b->lo.y - o.y) * inverse.y, y1 = (b->hi.y - o.y) * inverse.y;
    float z0 = (b->lo.z - o.z) * inverse.z, z1 = (b->hi.z - o.z) * inverse.z;
    float enter = fmaxf(fmaxf(fminf(x0, x1), fminf(y0, y1)), fmaxf(fminf(z0, z1), 0));
    float leave = fminf(fminf(fmaxf(x0, x1), fmaxf(y0, y1)), fminf(fmaxf(z0, z1), limit));
    return enter <= leave ? enter : FAR;
}

const shape *bvh_trace(const bvh *tree, ray r, float *limit, bool any, vec *normal, vec *local) {
    vec inverse = v3(1 / r.direction.x, 1 / r.direction.y, 1 / r.direction.z);
    const shape *found = NULL;
    int stack[64], depth = 0;
    stack[depth++] = 0;
    while (depth) {
        const node *n = &tree->nodes[stack[--depth]];
        if (box_entry(&n->box, r.origin, inverse, *limit) == FAR)
            continue;
        for (int i = n->first; i < n->first + n->count; i++) {
            const shape *s = &tree->shapes[i];
            if (box_entry(&s->box, r.origin, inverse, *limit) == FAR)
                continue;
            float t = shape_intersect(s, r, *limit, any, normal, local);
            if (t >= *limit)
                continue;
            *limit = t;
            found = s;
            if (any)
                return found;
        }
        if (!n->count) {
            // The nearer child is taken first: it was pushed last.
            float a = box_entry(&tree->nodes[n->first].box, r.origin, inverse, *limit);
            float b = box_entry(&tree->nodes[n->first + 1].box, r.origin, inverse, *limit);
            stack[depth++] = a < b ? n->first + 1 : n->first;
            stack[depth++] = a < b ? n->first : n->first + 1;
        }
    }
    return found;
}
