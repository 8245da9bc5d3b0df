#include "train/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { LINE = 2, GAP = 8, GREY = 0x60 };

static uint8_t to_byte(float value) {
    float x = (value + 1) * 127.5f;
    return (uint8_t)lrintf(fminf(fmaxf(x, 0), 255));
}

static int left_of(int column, int width) {
    return column * (width + LINE) + (column >= CGV_GRID_B ? GAP - LINE : 0);
}

// planes: [3, height, width].
static void draw(cgv_grid *grid, const float *planes, int x0, int y0, int height, int width) {
    size_t plane = (size_t)height * (size_t)width;
    for (int y = 0; y < height; y++) {
        const float *in = planes + (size_t)y * (size_t)width;
        uint8_t *out = grid->rgb + 3 * ((size_t)(y0 + y) * (size_t)grid->width + (size_t)x0);
        for (int x = 0; x < width; x++, in++, out += 3) {
            float r = in[0], g = in[plane], b = in[2 * plane];
            if (isnan(r + g + b))
                memcpy(out, (uint8_t[]){255, 0, 255}, 3);
            else
                memcpy(out, (uint8_t[]){to_byte(r), to_byte(g), to_byte(b)}, 3);
        }
    }
}

cgv_status cgv_grid_create(cgv_grid *out, const float *const *columns, int column_count, int count,
                           int height, int width) {
    *out = (cgv_grid){.width = left_of(column_count - 1, width) + width,
                      .height = count * (height + LINE) - LINE};
    size_t bytes = 3 * (size_t)out->width * (size_t)out->height;
    out->rgb = malloc(bytes);
    if (!out->rgb)
        return cgv_fail(CGV_ERROR_MEMORY, "sample grid: no memory for %dx%d", out->width,
                        out->height);
    memset(out->rgb, GREY, bytes);
    size_t picture = 3 * (size_t)height * (size_t)width;
    for (int i = 0; i < count; i++)
        for (int c = 0; c < column_count; c++)
            draw(out, columns[c] + (size_t)i * picture, left_of(c, width), i * (height + LINE),
                 height, width);
    return CGV_OK;
}

void cgv_grid_free(cgv_grid *grid) {
    free(grid->rgb);
    *grid = (cgv_grid){0};
}
