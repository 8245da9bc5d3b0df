#include "eval/plane.h"

#include <stdlib.h>

#include "base/log.h"

cgv_status cgv_plane_create(cgv_plane *out, int width, int height) {
    *out = (cgv_plane){width, height, calloc((size_t)width * (size_t)height, sizeof(float))};
    if (out->values)
        return CGV_OK;
    *out = (cgv_plane){0};
    return cgv_fail(CGV_ERROR_MEMORY, "no memory to measure a picture of %dx%d", width, height);
}

void cgv_plane_free(cgv_plane *plane) {
    free(plane->values);
    *plane = (cgv_plane){0};
}

cgv_status cgv_plane_channel(cgv_plane *out, const cgv_bitmap *picture, int channel) {
    cgv_status status = cgv_plane_create(out, picture->width, picture->height);
    if (status)
        return status;
    size_t pixels = (size_t)picture->width * (size_t)picture->height;
    for (size_t i = 0; i < pixels; i++)
        out->values[i] = picture->rgb[3 * i + (size_t)channel];
    return CGV_OK;
}

cgv_status cgv_plane_luma(cgv_plane *out, const cgv_bitmap *picture) {
    cgv_status status = cgv_plane_create(out, picture->width, picture->height);
    if (status)
        return status;
    size_t pixels = (size_t)picture->width * (size_t)picture->height;
    const uint8_t *p = picture->rgb;
    for (size_t i = 0; i < pixels; i++, p += 3)
        out->values[i] = 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
    return CGV_OK;
}

// A position up to two samples outside 0..size-1, folded back at the outermost samples.
static int mirror(int i, int size) {
    i = i < 0 ? -i : i;
    return i < size ? i : 2 * (size - 1) - i;
}

static void shrink_row(float *out, int out_size, const float *in, int size) {
    for (int i = 0; i < out_size; i++) {
        int c = 2 * i;
        if (c >= 2 && c + 2 < size)
            out[i] = (in[c - 2] + in[c + 2]) / 16 + (in[c - 1] + in[c + 1]) / 4 + in[c] * 0.375f;
        else
            out[i] = (in[mirror(c - 2, size)] + in[mirror(c + 2, size)]) / 16 +
                     (in[mirror(c - 1, size)] + in[mirror(c + 1, size)]) / 4 + in[c] * 0.375f;
    }
}

cgv_status cgv_plane_shrink(cgv_plane *out, const cgv_plane *in) {
    const int width = (in->width + 1) / 2, height = (in->height + 1) / 2;
    cgv_plane across = {0};
    *out = (cgv_plane){0};
    cgv_status status = cgv_plane_create(&across, width, in->height);
    if (!status)
        status = cgv_plane_create(out, width, height);
    for (int y = 0; !status && y < in->height; y++)
        shrink_row(across.values + (ptrdiff_t)y * width, width,
                   in->values + (ptrdiff_t)y * in->width, in->width);
    for (int y = 0; !status && y < height; y++) {
        const float *rows[5];
        for (int k = 0; k < 5; k++)
            rows[k] = across.values + (ptrdiff_t)mirror(2 * y + k - 2, in->height) * width;
        float *row = out->values + (ptrdiff_t)y * width;
        for (int x = 0; x < width; x++)
            row[x] = (rows[0][x] + rows[4][x]) / 16 + (rows[1][x] + rows[3][x]) / 4 +
                     rows[2][x] * 0.375f;
    }
    cgv_plane_free(&across);
    return status;
}

// Of the sample that lies at position `i`, perhaps outside, of a row grown to `size` samples, half
// of which are zeros: its number among those that are not.
static int grown(int i, int size) {
    return mirror(i, size) / 2;
}

static void grow_row(float *out, int size, const float *in) {
    for (int i = 0; i < size; i++)
        if (i % 2)
            out[i] = (in[i / 2] + in[grown(i + 1, size)]) / 2;
        else
            out[i] = (in[grown(i - 2, size)] + in[grown(i + 2, size)]) / 8 + in[i / 2] * 0.75f;
}

cgv_status cgv_plane_grow(cgv_plane *out, const cgv_plane *in, int width, int height) {
    cgv_plane across = {0};
    *out = (cgv_plane){0};
    cgv_status status = cgv_plane_create(&across, width, in->height);
    if (!status)
        status = cgv_plane_create(out, width, height);
    for (int y = 0; !status && y < in->height; y++)
        grow_row(across.values + (ptrdiff_t)y * width, width,
                 in->values + (ptrdiff_t)y * in->width);
    for (int y = 0; !status && y < height; y++) {
        const float *above = across.values + (ptrdiff_t)grown(y - 2 + y % 2, height) * width;
        const float *here = across.values + (ptrdiff_t)(y / 2) * width;
        const float *below = across.values + (ptrdiff_t)grown(y + 2 - y % 2, height) * width;
        float *row = out->values + (ptrdiff_t)y * width;
        for (int x = 0; x < width; x++)
            row[x] = y % 2 ? (here[x] + below[x]) / 2 : (above[x] + below[x]) / 8 + here[x] * 0.75f;
    }
    cgv_plane_free(&across);
    return status;
}

int cgv_pyramid_depth(int width, int height, int least) {
    int levels = 1;
    for (int side = width < height ? width : height;
         (side = (side + 1) / 2) >= least && side >= 3 && levels < CGV_PYRAMID_LEVELS;)
        levels++;
    return levels;
}

cgv_status cgv_pyramid_gauss(cgv_pyramid *out, cgv_plane *finest, int least) {
    const int depth = cgv_pyramid_depth(finest->width, finest->height, least);
    *out = (cgv_pyramid){.levels = 1, .level = {*finest}};
    *finest = (cgv_plane){0};
    cgv_status status = CGV_OK;
    for (; !status && out->levels < depth; out->levels++)
        status = cgv_plane_shrink(&out->level[out->levels], &out->level[out->levels - 1]);
    if (status)
        cgv_pyramid_free(out);
    return status;
}

cgv_status cgv_pyramid_laplace(cgv_pyramid *out, cgv_plane *finest, int least) {
    cgv_status status = cgv_pyramid_gauss(out, finest, least);
    for (int i = 0; !status && i + 1 < out->levels; i++) {
        cgv_plane *level = &out->level[i], coarse;
        status = cgv_plane_grow(&coarse, &out->level[i + 1], level->width, level->height);
        size_t count = (size_t)level->width * (size_t)level->height;
        for (size_t k = 0; !status && k < count; k++)
            level->values[k] -= coarse.values[k];
        cgv_plane_free(&coarse);
    }
    if (status)
        cgv_pyramid_free(out);
    return status;
}

void cgv_pyramid_free(cgv_pyramid *pyramid) {
    for (int i = 0; i < CGV_PYRAMID_LEVELS; i++)
        cgv_plane_free(&pyramid->level[i]);
    pyramid->levels = 0;
}
