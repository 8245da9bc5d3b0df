#include "train/bitmap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

// Weights are integers of this many fractional bits: results do not depend on the compiler's
// floating point, and a sum of bytes times weights stays within 32 bits.
enum { FRACTION = 22 };

enum { MOST_PIXELS = 1 << 28 }; // a file of a few bytes can claim to hold any size

cgv_status cgv_bitmap_create(cgv_bitmap *out, int width, int height) {
    *out = (cgv_bitmap){0};
    if ((int64_t)width * height > MOST_PIXELS)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "a picture of %dx%d: more than %d pixels", width,
                        height, MOST_PIXELS);
    *out = (cgv_bitmap){width, height, malloc(cgv_bitmap_bytes(width, height))};
    if (out->rgb)
        return CGV_OK;
    *out = (cgv_bitmap){0};
    return cgv_fail(CGV_ERROR_MEMORY, "no memory for a picture of %dx%d", width, height);
}

void cgv_bitmap_free(cgv_bitmap *bitmap) {
    free(bitmap->rgb);
    *bitmap = (cgv_bitmap){0};
}

// How each sample of a row (or column) is made of which samples of the old one.
typedef struct filter {
    int taps; // the most that a sample has
    struct span {
        int first, count;
    } * spans;        // [size]
    int32_t *weights; // [size][taps]
} filter;

static double cubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static void filter_free(filter *f) {
    free(f->spans);
    free(f->weights);
}

static cgv_status filter_create(filter *f, int out_size, int in_size) {
    double scale = (double)in_size / out_size;
    double stretch = scale > 1 ? scale : 1, support = 2 * stretch;
    *f = (filter){.taps = 2 * (int)ceil(support) + 1};
    f->spans = malloc((size_t)out_size * sizeof *f->spans);
    f->weights = malloc((size_t)out_size * (size_t)f->taps * sizeof *f->weights);
    double *exact = calloc((size_t)f->taps, sizeof *exact);
    if (!f->spans || !f->weights || !exact) {
        free(exact);
        return cgv_fail(CGV_ERROR_MEMORY, "no memory to resize a picture");
    }
    for (int i = 0; i < out_size; i++) {
        double centre = (i + 0.5) * scale, sum = 0;
        int from = (int)(centre - support + 0.5), to = (int)(centre + support + 0.5);
        from = from < 0 ? 0 : from;
        to = to > in_size ? in_size : to;
        for (int k = from; k < to; k++)
            sum += exact[k - from] = cubic((k - centre + 0.5) / stretch);
        f->spans[i] = (struct span){from, to - from};
        for (int k = 0; k < to - from; k++)
            f->weights[(size_t)i * (size_t)f->taps + (size_t)k] =
                (int32_t)lround(exact[k] / sum * (1 << FRACTION));
    }
    free(exact);
    return CGV_OK;
}

static uint8_t to_byte(int32_t sum) {
    sum >>= FRACTION;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void resize_row(uint8_t *out, int width, const uint8_t *in, const filter *f) {
    for (int x = 0; x < width; x++, out += 3) {
        const uint8_t *p = in + 3 * (ptrdiff_t)f->spans[x].first;
        const int32_t *w = f->weights + (size_t)x * (size_t)f->taps;
        int32_t r = 1 << (FRACTION - 1), g = r, b = r;
        for (int k = 0; k < f->spans[x].count; k++, p += 3) {
            r += w[k] * p[0];
            g += w[k] * p[1];
            b += w[k] * p[2];
        }
        out[0] = to_byte(r);
        out[1] = to_byte(g);
        out[2] = to_byte(b);
    }
}

// One output row from `taps` input rows; sums holds a row.
static void resize_column(uint8_t *out, int32_t *sums, size_t bytes, const uint8_t *in,
                          const int32_t *weights, int taps) {
    for (size_t i = 0; i < bytes; i++)
        sums[i] = 1 << (FRACTION - 1);
    for (int k = 0; k < taps; k++, in += bytes)
        for (size_t i = 0; i < bytes; i++)
            sums[i] += weights[k] * in[i];
    for (size_t i = 0; i < bytes; i++)
        out[i] = to_byte(sums[i]);
}

cgv_status cgv_bitmap_resize(cgv_bitmap *out, int width, int height, const cgv_bitmap *in,
                             cgv_box box) {
    const size_t row = cgv_bitmap_bytes(width, 1);
    filter across = {0}, down = {0};
    uint8_t *middle = malloc(row * (size_t)box.height);
    int32_t *sums = malloc(row * sizeof *sums);
    cgv_status status = cgv_bitmap_create(out, width, height);
    if (!status && (!middle || !sums))
        status = cgv_fail(CGV_ERROR_MEMORY, "no memory to resize a picture");
    if (!status)
        status = filter_create(&across, width, box.width);
    if (!status)
        status = filter_create(&down, height, box.height);
    if (status) {
        cgv_bitmap_free(out);
        goto done;
    }
    for (int y = 0; y < box.height; y++)
        resize_row(middle + (size_t)y * row, width,
                   in->rgb + cgv_bitmap_bytes(in->width, box.y + y) + cgv_bitmap_bytes(box.x, 1),
                   &across);
    for (int y = 0; y < height; y++)
        resize_column(out->rgb + (size_t)y * row, sums, row,
                      middle + (size_t)down.spans[y].first * row,
                      down.weights + (size_t)y * (size_t)down.taps, down.spans[y].count);
done:
    filter_free(&across);
    filter_free(&down);
    free(middle);
    free(sums);
    return status;
}
