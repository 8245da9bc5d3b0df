#include "reference_graph.h"

#include <math.h>

static void convolve(double *y, ref_shape out, const double *x, ref_shape in, const double *weights,
                     const cgv_window_conv_params *p) {
    const cgv_window *w = &p->window;
    int group_in = in.c / p->groups, group_out = out.c / p->groups;
    ref_shape ws = {p->transposed ? in.c : out.c, p->transposed ? group_out : group_in,
                    w->kernel[0], w->kernel[1]};
    for (int n = 0; n < in.n; n++)
        for (int co = 0; co < out.c; co++)
            for (int k = 0; k < group_in; k++) {
                int ci = co / group_out * group_in + k;
                for (int ky = 0; ky < w->kernel[0]; ky++)
                    for (int kx = 0; kx < w->kernel[1]; kx++) {
                        double weight =
                            weights[p->transposed ? ref_at(ws, ci, co % group_out, ky, kx)
                                                  : ref_at(ws, co, k, ky, kx)];
                        int dy = ky * w->dilation[0] - w->pad[0];
                        int dx = kx * w->dilation[1] - w->pad[1];
                        // Every element of the side that strides: it meets one of the other.
                        ref_shape s = p->transposed ? in : out, o = p->transposed ? out : in;
                        for (int sy = 0; sy < s.h; sy++)
                            for (int sx = 0; sx < s.w; sx++) {
                                int oy = sy * w->stride[0] + dy, ox = sx * w->stride[1] + dx;
                                if (oy < 0 || oy >= o.h || ox < 0 || ox >= o.w)
                                    continue;
                                if (p->transposed)
                                    y[ref_at(out, n, co, oy, ox)] +=
                                        weight * x[ref_at(in, n, ci, sy, sx)];
                                else
                                    y[ref_at(out, n, co, sy, sx)] +=
                                        weight * x[ref_at(in, n, ci, oy, ox)];
                            }
                    }
            }
}

void ref_window_conv(double *y, ref_shape out, const double *x, ref_shape in, const double *weights,
                     const double *bias, const cgv_window_conv_params *params) {
    size_t plane = (size_t)out.h * (size_t)out.w;
    for (size_t i = 0; i < ref_count(out); i++)
        y[i] = bias ? bias[i / plane % (size_t)out.c] : 0;
    convolve(y, out, x, in, weights, params);
}

static double pool_at(const double *plane, ref_shape in, cgv_pooling pool, const cgv_window *w,
                      int oy, int ox) {
    double sum = 0, best = -INFINITY;
    int inside = 0, padded = 0;
    int rows = w->kernel[0] ? w->kernel[0] : in.h, columns = w->kernel[1] ? w->kernel[1] : in.w;
    for (int k = 0; k < rows * columns; k++) {
        int y = oy * w->stride[0] - w->pad[0] + k / columns * w->dilation[0];
        int x = ox * w->stride[1] - w->pad[1] + k % columns * w->dilation[1];
        padded += y < in.h + w->pad[2] && x < in.w + w->pad[3];
        if (y < 0 || x < 0 || y >= in.h || x >= in.w)
            continue;
        double v = plane[(size_t)y * (size_t)in.w + (size_t)x];
        sum += v;
        best = fmax(best, v);
        inside++;
    }
    return pool == CGV_POOL_MAX ? best : sum / (pool == CGV_POOL_AVERAGE ? inside : padded);
}

void ref_pool(double *y, ref_shape out, const double *x, ref_shape in, cgv_pooling pool,
              const cgv_window *window) {
    for (int p = 0; p < out.n * out.c; p++)
        for (int oy = 0; oy < out.h; oy++)
            for (int ox = 0; ox < out.w; ox++)
                y[((size_t)p * (size_t)out.h + (size_t)oy) * (size_t)out.w + (size_t)ox] =
                    pool_at(x + (size_t)p * (size_t)in.h * (size_t)in.w, in, pool, window, oy, ox);
}

static double combine(cgv_binary binary, double a, double b) {
    switch (binary) {
    case CGV_BINARY_ADD:
        return a + b;
    case CGV_BINARY_SUB:
        return a - b;
    case CGV_BINARY_MUL:
        return a * b;
    case CGV_BINARY_DIV:
        return a / b;
    case CGV_BINARY_MAX:
        return fmax(a, b);
    case CGV_BINARY_MIN:
        return fmin(a, b);
    case CGV_BINARY_POW:
        return pow(a, b);
    case CGV_BINARY_PRELU:
        return a < 0 ? a * b : a;
    case CGV_BINARY_NONE:
        break;
    }
    return a;
}

static double function_of(const cgv_elementwise_params *params, double x) {
    double p = (double)params->p, q = (double)params->q;
    switch (params->function) {
    case CGV_FUNCTION_ELU:
        return x < 0 ? p * expm1(x) : x;
    case CGV_FUNCTION_CLIP:
        return fmin(fmax(x, p), q);
    case CGV_FUNCTION_HARD_SIGMOID:
        return fmin(fmax(p * x + q, 0), 1);
    case CGV_FUNCTION_HARD_SWISH:
        return x * fmin(fmax(x / 6 + 0.5, 0), 1);
    case CGV_FUNCTION_SOFTPLUS:
        return x > 30 ? x : log1p(exp(x));
    case CGV_FUNCTION_EXP:
        return exp(x);
    case CGV_FUNCTION_ABS:
        return fabs(x);
    case CGV_FUNCTION_SQRT:
        return sqrt(x);
    case CGV_FUNCTION_SIGMOID:
        return 1 / (1 + exp(-x));
    case CGV_FUNCTION_TANH:
        return tanh(x);
    case CGV_FUNCTION_NONE:
        break;
    }
    return x;
}

// The element of a tensor that is repeated where its extent is 1.
static double repeated(const double *x, ref_shape s, int n, int c, int h, int w) {
    return x[ref_at(s, s.n == 1 ? 0 : n, s.c == 1 ? 0 : c, s.h == 1 ? 0 : h, s.w == 1 ? 0 : w)];
}

void ref_elementwise(double *y, ref_shape out, const double *a, ref_shape as, const double *b,
                     ref_shape bs, const cgv_elementwise_params *params) {
    for (int n = 0; n < out.n; n++)
        for (int c = 0; c < out.c; c++)
            for (int h = 0; h < out.h; h++)
                for (int w = 0; w < out.w; w++)
                    y[ref_at(out, n, c, h, w)] =
                        function_of(params, combine(params->binary, repeated(a, as, n, c, h, w),
                                                    b ? repeated(b, bs, n, c, h, w) : 0));
}

void ref_pad(double *y, ref_shape out, const double *x, ref_shape in, const cgv_margin *margin) {
    for (int n = 0; n < out.n; n++)
        for (int c = 0; c < out.c; c++)
            for (int h = 0; h < out.h; h++)
                for (int w = 0; w < out.w; w++) {
                    int ic = c - margin->before[0];
                    int iy = ref_padded(h - margin->before[1], in.h, margin->mode);
                    int ix = ref_padded(w - margin->before[2], in.w, margin->mode);
                    bool inside = ic >= 0 && ic < in.c && iy >= 0 && ix >= 0;
                    y[ref_at(out, n, c, h, w)] =
                        inside ? x[ref_at(in, n, ic, iy, ix)] : (double)margin->value;
                }
}

// Scatters from the tensor with the larger sides.
void ref_rearrange(double *y, ref_shape out, const double *x, ref_shape in, cgv_rearrangement how,
                   int f) {
    bool spread = how == CGV_DEPTH_TO_SPACE || how == CGV_PIXEL_SHUFFLE;
    bool channel_first = how == CGV_PIXEL_SHUFFLE || how == CGV_PIXEL_UNSHUFFLE;
    ref_shape wide = spread ? out : in, deep = spread ? in : out;
    for (int n = 0; n < wide.n; n++)
        for (int c = 0; c < wide.c; c++)
            for (int h = 0; h < wide.h; h++)
                for (int w = 0; w < wide.w; w++) {
                    int place = h % f * f + w % f;
                    int channel = channel_first ? c * f * f + place : place * wide.c + c;
                    size_t there = ref_at(deep, n, channel, h / f, w / f);
                    size_t here = ref_at(wide, n, c, h, w);
                    y[spread ? here : there] = x[spread ? there : here];
                }
}

static double position(int o, int in, int out, double scale, cgv_centres centres) {
    switch (centres) {
    case CGV_CENTRES_HALF_PIXEL:
        return (o + 0.5) / scale - 0.5;
    case CGV_CENTRES_ASYMMETRIC:
        return o / scale;
    case CGV_CENTRES_ALIGNED:
        break;
    }
    return out == 1 ? 0 : (double)o * (in - 1) / (out - 1);
}

static int inside(double i, int size) {
    return i < 0 ? 0 : i > size - 1 ? size - 1 : (int)i;
}

// The two elements that meet at position p, and the weight of the second.
static double between(double p, int size, cgv_nearest nearest, int *first, int *second) {
    const double nearly = 1e-4; // scales are floats
    double i = p;
    switch (nearest) {
    case CGV_NEAREST_LINEAR:
        p = fmin(fmax(p, 0), size - 1);
        *first = inside(floor(p), size);
        *second = inside(floor(p) + 1, size);
        return p - floor(p);
    case CGV_NEAREST_FLOOR:
        i = floor(p + nearly);
        break;
    case CGV_NEAREST_ROUND_DOWN:
        i = ceil(p - 0.5 - nearly);
        break;
    case CGV_NEAREST_ROUND_UP:
        i = floor(p + 0.5 + nearly);
        break;
    case CGV_NEAREST_CEIL:
        i = ceil(p - nearly);
        break;
    }
    *first = *second = inside(i, size);
    return 0;
}

void ref_resize(double *y, ref_shape out, const double *x, ref_shape in,
                const cgv_resize_params *params) {
    for (int n = 0; n < out.n; n++)
        for (int c = 0; c < out.c; c++)
            for (int h = 0; h < out.h; h++)
                for (int w = 0; w < out.w; w++) {
                    int y0, y1, x0, x1;
                    double fy =
                        between(position(h, in.h, out.h, (double)params->scale[0], params->centres),
                                in.h, params->nearest, &y0, &y1);
                    double fx =
                        between(position(w, in.w, out.w, (double)params->scale[1], params->centres),
                                in.w, params->nearest, &x0, &x1);
                    y[ref_at(out, n, c, h, w)] =
                        (1 - fy) * ((1 - fx) * x[ref_at(in, n, c, y0, x0)] +
                                    fx * x[ref_at(in, n, c, y0, x1)]) +
                        fy * ((1 - fx) * x[ref_at(in, n, c, y1, x0)] +
                              fx * x[ref_at(in, n, c, y1, x1)]);
                }
}
