#include "eval/flow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "eval/sample.h"

enum {
    RADIUS = 5,    // of the window
    COARSEST = 12, // pixels of a side: longer motions than a few of those are not found
    ITERATIONS = 4,
};

// How strongly a pixel is drawn to its surroundings' motion, which it takes where its window has no
// texture of its own: a mean squared gradient, about that of the noise of 8-bit video.
#define PRIOR 1.0f

cgv_status cgv_flow_pyramid(cgv_pyramid *out, const cgv_bitmap *frame) {
    cgv_plane luma;
    *out = (cgv_pyramid){0};
    cgv_status status = cgv_plane_luma(&luma, frame);
    return status ? status : cgv_pyramid_gauss(out, &luma, COARSEST);
}

void cgv_flow_free(cgv_flow *flow) {
    cgv_plane_free(&flow->u);
    cgv_plane_free(&flow->v);
}

// One level: planes of its size.
typedef struct work {
    int width, height;
    cgv_plane ix, iy;       // gradient of `from`
    cgv_plane xx, xy, yy;   // its products, averaged over the window
    cgv_plane x_sum, y_sum; // the right side of the normal equations
    cgv_plane scratch;
} work;

static void work_free(work *w) {
    cgv_plane *planes[] = {&w->ix, &w->iy,    &w->xx,    &w->xy,
                           &w->yy, &w->x_sum, &w->y_sum, &w->scratch};
    for (size_t i = 0; i < sizeof planes / sizeof *planes; i++)
        cgv_plane_free(planes[i]);
}

static cgv_status work_create(work *w, int width, int height) {
    *w = (work){.width = width, .height = height};
    cgv_plane *planes[] = {&w->ix, &w->iy,    &w->xx,    &w->xy,
                           &w->yy, &w->x_sum, &w->y_sum, &w->scratch};
    cgv_status status = CGV_OK;
    for (size_t i = 0; !status && i < sizeof planes / sizeof *planes; i++)
        status = cgv_plane_create(planes[i], width, height);
    return status;
}

// Pixels of the window around position `i` of a row or column.
static int window_size(int i, int size) {
    return (i + RADIUS < size ? i + RADIUS : size - 1) - (i > RADIUS ? i - RADIUS : 0) + 1;
}

static void add_row(float *out, const float *in, int width, float sign) {
    for (int x = 0; x < width; x++)
        out[x] += sign * in[x];
}

// Replace a plane by its means over windows, of what lies in the picture. Running sums: along the
// rows, then of these down the columns.
static void average(cgv_plane *plane, cgv_plane *scratch) {
    const int width = plane->width, height = plane->height;
    for (int y = 0; y < height; y++) {
        const float *in = plane->values + (ptrdiff_t)y * width;
        float *out = scratch->values + (ptrdiff_t)y * width, sum = 0;
        for (int x = 0; x < RADIUS && x < width; x++)
            sum += in[x];
        for (int x = 0; x < width; x++) {
            float enters = x + RADIUS < width ? in[x + RADIUS] : 0;
            float leaves = x > RADIUS ? in[x - RADIUS - 1] : 0;
            sum += enters - leaves;
            out[x] = sum / (float)window_size(x, width);
        }
    }
    for (int y = 0; y < height; y++) {
        float *out = plane->values + (ptrdiff_t)y * width;
        const float *in = scratch->values + (ptrdiff_t)y * width;
        if (y)
            memcpy(out, out - width, (size_t)width * sizeof *out);
        else
            memset(out, 0, (size_t)width * sizeof *out);
        for (int k = y ? RADIUS : 0; k <= RADIUS && y + k < height; k++)
            add_row(out, in + (ptrdiff_t)k * width, width, 1);
        if (y > RADIUS)
            add_row(out, in - (ptrdiff_t)(RADIUS + 1) * width, width, -1);
    }
    for (int y = 0; y < height; y++) {
        float *row = plane->values + (ptrdiff_t)y * width;
        const float share = 1 / (float)window_size(y, height);
        for (int x = 0; x < width; x++)
            row[x] *= share;
    }
}

static void differentiate(work *w, const cgv_plane *from) {
    const int width = w->width, height = w->height;
    for (int y = 0; y < height; y++) {
        const float *row = from->values + (ptrdiff_t)y * width;
        const float *above = y > 0 ? row - width : row;
        const float *below = y + 1 < height ? row + width : row;
        for (int x = 0; x < width; x++) {
            ptrdiff_t i = (ptrdiff_t)y * width + x;
            float ix = (row[x + 1 < width ? x + 1 : x] - row[x > 0 ? x - 1 : x]) / 2;
            float iy = (below[x] - above[x]) / 2;
            w->ix.values[i] = ix;
            w->iy.values[i] = iy;
            w->xx.values[i] = ix * ix;
            w->xy.values[i] = ix * iy;
            w->yy.values[i] = iy * iy;
        }
    }
    average(&w->xx, &w->scratch);
    average(&w->xy, &w->scratch);
    average(&w->yy, &w->scratch);
}

// One step of Gauss and Newton. Every pixel of a window is linearised about its own motion so far,
// not about that of the window's centre: windows then agree where motions differ smoothly.
static void iterate(work *w, cgv_flow *flow, const cgv_plane *from, const cgv_plane *to) {
    const int width = w->width, height = w->height;
    float *u = flow->u.values, *v = flow->v.values;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            ptrdiff_t i = (ptrdiff_t)y * width + x;
            float ix = w->ix.values[i], iy = w->iy.values[i];
            float found = ix * u[i] + iy * v[i];
            cgv_sample at;
            // What leaves the picture tells nothing against its motion.
            if (cgv_sample_at(&at, width, height, (float)x + u[i], (float)y + v[i]))
                found -= cgv_sample_float(&at, to->values) - from->values[i];
            w->x_sum.values[i] = ix * found;
            w->y_sum.values[i] = iy * found;
        }
    average(&w->x_sum, &w->scratch);
    average(&w->y_sum, &w->scratch);
    average(&flow->u, &w->scratch);
    average(&flow->v, &w->scratch);
    const size_t count = (size_t)width * (size_t)height;
    for (size_t i = 0; i < count; i++) {
        float xx = w->xx.values[i] + PRIOR, yy = w->yy.values[i] + PRIOR, xy = w->xy.values[i];
        float bx = w->x_sum.values[i] + PRIOR * u[i], by = w->y_sum.values[i] + PRIOR * v[i];
        float inverse = 1 / (xx * yy - xy * xy);
        u[i] = (yy * bx - xy * by) * inverse;
        v[i] = (xx * by - xy * bx) * inverse;
    }
}

// The motion of a level from that of the coarser one, or none.
static cgv_status begin_level(cgv_flow *flow, int width, int height) {
    cgv_plane *parts[2] = {&flow->u, &flow->v};
    for (int i = 0; i < 2; i++) {
        cgv_plane coarse = *parts[i];
        const size_t count = (size_t)width * (size_t)height;
        cgv_status status = coarse.values ? cgv_plane_grow(parts[i], &coarse, width, height)
                                          : cgv_plane_create(parts[i], width, height);
        for (size_t k = 0; !status && k < count; k++)
            parts[i]->values[k] *= 2; // in pixels of this level
        cgv_plane_free(&coarse);
        if (status)
            return status;
    }
    return CGV_OK;
}

cgv_status cgv_flow_estimate(cgv_flow *out, const cgv_pyramid *from, const cgv_pyramid *to) {
    *out = (cgv_flow){0};
    cgv_status status = CGV_OK;
    for (int level = from->levels; !status && level--;) {
        const cgv_plane *here = &from->level[level], *there = &to->level[level];
        work w;
        status = work_create(&w, here->width, here->height);
        if (!status)
            status = begin_level(out, here->width, here->height);
        if (!status) {
            differentiate(&w, here);
            for (int i = 0; i < ITERATIONS; i++)
                iterate(&w, out, here, there);
        }
        work_free(&w);
    }
    if (status)
        cgv_flow_free(out);
    return status;
}

double cgv_flow_check(bool *visible, const cgv_flow *there, const cgv_flow *back) {
    const int width = there->u.width, height = there->u.height;
    size_t count = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            ptrdiff_t i = (ptrdiff_t)y * width + x;
            float u = there->u.values[i], v = there->v.values[i];
            cgv_sample at;
            visible[i] = cgv_sample_at(&at, width, height, (float)x + u, (float)y + v);
            if (!visible[i])
                continue;
            float back_u = cgv_sample_float(&at, back->u.values);
            float back_v = cgv_sample_float(&at, back->v.values);
            float du = u + back_u, dv = v + back_v;
            visible[i] = du * du + dv * dv <
                         0.01f * (u * u + v * v + back_u * back_u + back_v * back_v) + 0.5f;
            count += visible[i];
        }
    return (double)count / ((double)width * (double)height);
}
