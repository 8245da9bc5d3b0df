#include "reference.h"

#include <math.h>

size_t ref_count(ref_shape shape) {
    return (size_t)shape.n * (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

size_t ref_at(ref_shape shape, int n, int c, int y, int x) {
    return (((size_t)n * (size_t)shape.c + (size_t)c) * (size_t)shape.h + (size_t)y) *
               (size_t)shape.w +
           (size_t)x;
}

double ref_activate(double x, cgv_activation activation, double slope) {
    switch (activation) {
    case CGV_ACT_RELU:
        return x < 0 ? 0 : x;
    case CGV_ACT_LEAKY_RELU:
        return x < 0 ? slope * x : x;
    case CGV_ACT_TANH:
        return tanh(x);
    case CGV_ACT_SIGMOID:
        return 1 / (1 + exp(-x));
    case CGV_ACT_NONE:
        break;
    }
    return x;
}

// ---- convolution ----

static int conv_side(int in, const cgv_conv_params *p) {
    if (p->transposed)
        return (in - 1) * p->stride - 2 * p->pad + p->kernel + p->output_pad;
    int span = in + 2 * p->pad - p->kernel;
    return span < 0 ? 0 : span / p->stride + 1;
}

ref_shape ref_conv_shape(ref_shape x, const cgv_conv_params *p) {
    return (ref_shape){x.n, p->cout, conv_side(x.h, p), conv_side(x.w, p)};
}

int ref_padded(int i, int size, cgv_pad_mode mode) {
    if (i >= 0 && i < size)
        return i;
    switch (mode) {
    case CGV_PAD_REFLECT:
        return i < 0 ? -i : 2 * (size - 1) - i;
    case CGV_PAD_REPLICATE:
        return i < 0 ? 0 : size - 1;
    case CGV_PAD_ZERO:
        break;
    }
    return -1;
}

// One output value before bias and activation.
static double conv_at(const double *x, ref_shape in, const double *weights,
                      const cgv_conv_params *p, int n, int co, int oy, int ox) {
    int group_in = p->cin / p->groups, group_out = p->cout / p->groups;
    ref_shape ws = {p->cout, group_in, p->kernel, p->kernel};
    double sum = 0;
    for (int ci = 0; ci < group_in; ci++)
        for (int ky = 0; ky < p->kernel; ky++)
            for (int kx = 0; kx < p->kernel; kx++) {
                int iy = ref_padded(oy * p->stride - p->pad + ky, in.h, p->pad_mode);
                int ix = ref_padded(ox * p->stride - p->pad + kx, in.w, p->pad_mode);
                if (iy >= 0 && ix >= 0)
                    sum += weights[ref_at(ws, co, ci, ky, kx)] *
                           x[ref_at(in, n, co / group_out * group_in + ci, iy, ix)];
            }
    return sum;
}

static void conv(double *y, ref_shape out, const double *x, ref_shape in, const double *weights,
                 const cgv_conv_params *p) {
    for (int n = 0; n < out.n; n++)
        for (int co = 0; co < out.c; co++)
            for (int oy = 0; oy < out.h; oy++)
                for (int ox = 0; ox < out.w; ox++)
                    y[ref_at(out, n, co, oy, ox)] = conv_at(x, in, weights, p, n, co, oy, ox);
}

// Spread one input value over the outputs of its group.
static void scatter(double *y, ref_shape out, double value, const double *weights,
                    const cgv_conv_params *p, int n, int ci, int iy, int ix) {
    int group_in = p->cin / p->groups, group_out = p->cout / p->groups;
    ref_shape ws = {p->cin, group_out, p->kernel, p->kernel};
    for (int co = 0; co < group_out; co++)
        for (int ky = 0; ky < p->kernel; ky++)
            for (int kx = 0; kx < p->kernel; kx++) {
                int oy = iy * p->stride - p->pad + ky, ox = ix * p->stride - p->pad + kx;
                if (oy >= 0 && oy < out.h && ox >= 0 && ox < out.w)
                    y[ref_at(out, n, ci / group_in * group_out + co, oy, ox)] +=
                        value * weights[ref_at(ws, ci, co, ky, kx)];
            }
}

static void conv_transposed(double *y, ref_shape out, const double *x, ref_shape in,
                            const double *weights, const cgv_conv_params *p) {
    for (size_t i = 0; i < ref_count(out); i++)
        y[i] = 0;
    for (int n = 0; n < in.n; n++)
        for (int ci = 0; ci < in.c; ci++)
            for (int iy = 0; iy < in.h; iy++)
                for (int ix = 0; ix < in.w; ix++)
                    scatter(y, out, x[ref_at(in, n, ci, iy, ix)], weights, p, n, ci, iy, ix);
}

void ref_conv(double *y, const double *x, ref_shape in, const double *weights, const double *bias,
              const cgv_conv_params *p) {
    ref_shape out = ref_conv_shape(in, p);
    (p->transposed ? conv_transposed : conv)(y, out, x, in, weights, p);
    size_t plane = (size_t)out.h * (size_t)out.w;
    for (size_t i = 0; i < ref_count(out); i++) {
        double b = bias ? bias[i / plane % (size_t)out.c] : 0;
        y[i] = ref_activate(y[i] + b, p->activation, p->slope);
    }
}

// ---- instance norm ----

void ref_instance_stats(double *stats, const double *x, ref_shape shape, double epsilon) {
    size_t plane = (size_t)shape.h * (size_t)shape.w;
    for (size_t p = 0; p < (size_t)shape.n * (size_t)shape.c; p++) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < plane; i++)
            mean += x[p * plane + i];
        mean /= (double)plane;
        for (size_t i = 0; i < plane; i++)
            variance += (x[p * plane + i] - mean) * (x[p * plane + i] - mean);
        variance /= (double)plane;
        stats[2 * p] = mean;
        stats[2 * p + 1] = 1 / sqrt(variance + epsilon);
    }
}

void ref_instance_norm(double *y, const double *x, ref_shape shape, const double *stats,
                       const ref_norm_params *params) {
    size_t plane = (size_t)shape.h * (size_t)shape.w;
    for (size_t i = 0; i < ref_count(shape); i++) {
        size_t p = i / plane, c = p % (size_t)shape.c;
        double v = (x[i] - stats[2 * p]) * stats[2 * p + 1];
        v = (params->scale ? params->scale[c] : 1) * v + (params->shift ? params->shift[c] : 0);
        y[i] = ref_activate(v, params->activation, params->slope) +
               (params->residual ? params->residual[i] : 0);
    }
}

// ---- resampling ----

double ref_between(int o, int factor, int size, int *first, int *second) {
    double position = (o + 0.5) / factor - 0.5;
    if (position < 0)
        position = 0;
    *first = (int)position;
    *second = *first + 1 < size ? *first + 1 : size - 1;
    return position - *first;
}

void ref_upsample(double *y, const double *x, ref_shape in, int factor, cgv_upsample_mode mode) {
    ref_shape out = {in.n, in.c, factor * in.h, factor * in.w};
    for (int n = 0; n < out.n; n++)
        for (int c = 0; c < out.c; c++)
            for (int oy = 0; oy < out.h; oy++)
                for (int ox = 0; ox < out.w; ox++) {
                    int y0 = oy / factor, y1 = y0, x0 = ox / factor, x1 = x0;
                    double fy = 0, fx = 0;
                    if (mode == CGV_UPSAMPLE_BILINEAR) {
                        fy = ref_between(oy, factor, in.h, &y0, &y1);
                        fx = ref_between(ox, factor, in.w, &x0, &x1);
                    }
                    double top =
                        (1 - fx) * x[ref_at(in, n, c, y0, x0)] + fx * x[ref_at(in, n, c, y0, x1)];
                    double bottom =
                        (1 - fx) * x[ref_at(in, n, c, y1, x0)] + fx * x[ref_at(in, n, c, y1, x1)];
                    y[ref_at(out, n, c, oy, ox)] = (1 - fy) * top + fy * bottom;
                }
}

void ref_average_pool(double *y, const double *x, ref_shape in, int factor) {
    ref_shape out = {in.n, in.c, in.h / factor, in.w / factor};
    for (size_t i = 0; i < ref_count(out); i++)
        y[i] = 0;
    for (int n = 0; n < in.n; n++)
        for (int c = 0; c < in.c; c++)
            for (int iy = 0; iy < in.h; iy++)
                for (int ix = 0; ix < in.w; ix++)
                    y[ref_at(out, n, c, iy / factor, ix / factor)] +=
                        x[ref_at(in, n, c, iy, ix)] / (factor * factor);
}

void ref_affine_head(double *y, const double *coefficients, const double *x, ref_shape shape) {
    ref_shape twice = {shape.n, 2 * shape.c, shape.h, shape.w};
    for (int n = 0; n < shape.n; n++)
        for (int c = 0; c < shape.c; c++)
            for (int iy = 0; iy < shape.h; iy++)
                for (int ix = 0; ix < shape.w; ix++) {
                    double gain = coefficients[ref_at(twice, n, c, iy, ix)];
                    double offset = coefficients[ref_at(twice, n, shape.c + c, iy, ix)];
                    size_t i = ref_at(shape, n, c, iy, ix);
                    y[i] = tanh(x[i] * (1 + gain) + offset);
                }
}

void ref_coord(double *y, const double *x, ref_shape shape) {
    ref_shape out = shape;
    out.c++;
    for (int n = 0; n < shape.n; n++)
        for (int c = 0; c < out.c; c++)
            for (int iy = 0; iy < shape.h; iy++)
                for (int ix = 0; ix < shape.w; ix++)
                    y[ref_at(out, n, c, iy, ix)] = c < shape.c   ? x[ref_at(shape, n, c, iy, ix)]
                                                   : shape.h > 1 ? 2. * iy / (shape.h - 1) - 1
                                                                 : -1;
}

// Position `at` of `count` samples: the lower neighbour, and what the one above it counts.
static int split(double at, int count, double *share) {
    at = fmin(fmax(at, 0), count - 1);
    int low = at < count - 1 ? (int)at : count - 2;
    low = low < 0 ? 0 : low;
    *share = at - low;
    return low;
}

void ref_bilateral_slice(double *y, const double *grid, ref_shape cells, const double *x,
                         ref_shape shape) {
    for (int n = 0; n < shape.n; n++)
        for (int iy = 0; iy < shape.h; iy++)
            for (int ix = 0; ix < shape.w; ix++) {
                double rgb1[4] = {0, 0, 0, 1}, fx, fy, fz;
                for (int c = 0; c < 3; c++)
                    rgb1[c] = x[ref_at(shape, n, c, iy, ix)];
                double luma = 0.299 * rgb1[0] + 0.587 * rgb1[1] + 0.114 * rgb1[2];
                int gx = split((ix + 0.5) * cells.w / shape.w - 0.5, cells.w, &fx);
                int gy = split((iy + 0.5) * cells.h / shape.h - 0.5, cells.h, &fy);
                int gz = split((luma + 1) / 2 * 7, 8, &fz);
                for (int c = 0; c < 3; c++) {
                    double sum = rgb1[c];
                    for (int corner = 0; corner < 8; corner++) {
                        int dx = corner & 1, dy = corner >> 1 & 1, dz = corner >> 2;
                        double weight =
                            (dx ? fx : 1 - fx) * (dy ? fy : 1 - fy) * (dz ? fz : 1 - fz);
                        for (int k = 0; k < 4 && weight > 0; k++)
                            sum += weight * rgb1[k] *
                                   grid[ref_at(cells, n, 12 * (gz + dz) + 4 * c + k, gy + dy,
                                               gx + dx)];
                    }
                    y[ref_at(shape, n, c, iy, ix)] = tanh(sum);
                }
            }
}

// A position along a side, mirrored at its ends.
static double mirror(double p, int size) {
    double last = size - 1;
    p = fabs(p);
    p = p > last ? 2 * last - p : p;
    return fmin(fmax(p, 0), last);
}

static double between(const double *plane, ref_shape s, double x, double y) {
    int x0 = (int)x, y0 = (int)y;
    int x1 = x0 + 1 < s.w ? x0 + 1 : x0, y1 = y0 + 1 < s.h ? y0 + 1 : y0;
    double fx = x - x0, fy = y - y0;
    return (1 - fy) * ((1 - fx) * plane[y0 * s.w + x0] + fx * plane[y0 * s.w + x1]) +
           fy * ((1 - fx) * plane[y1 * s.w + x0] + fx * plane[y1 * s.w + x1]);
}

void ref_warp(double *out, const double *x, ref_shape s, const cgv_warp_map *maps) {
    double cx = 0.5 * (s.w - 1), cy = 0.5 * (s.h - 1);
    for (int plane = 0; plane < s.n * s.c; plane++, x += s.h * s.w) {
        const float *m = maps[plane / s.c].m, *t = maps[plane / s.c].t;
        for (int i = 0; i < s.h; i++)
            for (int j = 0; j < s.w; j++) {
                double px = m[0] * (j - cx) + m[1] * (i - cy) + t[0] + cx;
                double py = m[2] * (j - cx) + m[3] * (i - cy) + t[1] + cy;
                *out++ = between(x, s, mirror(px, s.w), mirror(py, s.h));
            }
    }
}
