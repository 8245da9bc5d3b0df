#include "reference_grad.h"

#include <math.h>

static void clear(double *data, size_t count) {
    for (size_t i = 0; i < count; i++)
        data[i] = 0;
}

// ---- convolution ----

// What one weight ties together: indices into weights, x and y.
typedef struct tie {
    size_t w, x, y;
} tie;

typedef struct conv_grad {
    double *dx, *dw;
    const double *dy, *x, *weights;
} conv_grad;

// y += w * x
static void differentiate(const conv_grad *g, tie t) {
    g->dw[t.w] += g->dy[t.y] * g->x[t.x];
    g->dx[t.x] += g->dy[t.y] * g->weights[t.w];
}

// All that output (n, co, oy, ox) of a convolution was made of.
static void conv_output(const conv_grad *g, ref_shape out, ref_shape in, const cgv_conv_params *p,
                        int n, int co, int oy, int ox) {
    int group_in = p->cin / p->groups, group_out = p->cout / p->groups;
    ref_shape ws = {p->cout, group_in, p->kernel, p->kernel};
    for (int i = 0; i < group_in; i++)
        for (int ky = 0; ky < p->kernel; ky++)
            for (int kx = 0; kx < p->kernel; kx++) {
                int ci = co / group_out * group_in + i;
                int iy = ref_padded(oy * p->stride - p->pad + ky, in.h, p->pad_mode);
                int ix = ref_padded(ox * p->stride - p->pad + kx, in.w, p->pad_mode);
                if (iy >= 0 && ix >= 0)
                    differentiate(g, (tie){ref_at(ws, co, i, ky, kx), ref_at(in, n, ci, iy, ix),
                                           ref_at(out, n, co, oy, ox)});
            }
}

// All that input (n, ci, iy, ix) of a transposed convolution went to.
static void transposed_input(const conv_grad *g, ref_shape out, ref_shape in,
                             const cgv_conv_params *p, int n, int ci, int iy, int ix) {
    int group_in = p->cin / p->groups, group_out = p->cout / p->groups;
    ref_shape ws = {p->cin, group_out, p->kernel, p->kernel};
    for (int o = 0; o < group_out; o++)
        for (int ky = 0; ky < p->kernel; ky++)
            for (int kx = 0; kx < p->kernel; kx++) {
                int co = ci / group_in * group_out + o;
                int oy = iy * p->stride - p->pad + ky, ox = ix * p->stride - p->pad + kx;
                if (oy >= 0 && oy < out.h && ox >= 0 && ox < out.w)
                    differentiate(g, (tie){ref_at(ws, ci, o, ky, kx), ref_at(in, n, ci, iy, ix),
                                           ref_at(out, n, co, oy, ox)});
            }
}

void ref_conv_grad(double *dx, double *dw, double *db, const double *dy, const double *x,
                   ref_shape in, const double *weights, const cgv_conv_params *p) {
    ref_shape out = ref_conv_shape(in, p), walked = p->transposed ? in : out;
    conv_grad g = {dx, dw, dy, x, weights};
    clear(dx, ref_count(in));
    clear(dw, (size_t)p->cout * (size_t)(p->cin / p->groups * p->kernel * p->kernel));
    clear(db, (size_t)p->cout);
    for (int n = 0; n < walked.n; n++)
        for (int c = 0; c < walked.c; c++)
            for (int i = 0; i < walked.h; i++)
                for (int j = 0; j < walked.w; j++)
                    (p->transposed ? transposed_input : conv_output)(&g, out, in, p, n, c, i, j);
    size_t plane = (size_t)out.h * (size_t)out.w;
    for (size_t i = 0; i < ref_count(out); i++)
        db[i / plane % (size_t)out.c] += dy[i];
}

void ref_pad_grad(double *dx, ref_shape shape, const double *dpadded, int pad, cgv_pad_mode mode) {
    ref_shape padded = {shape.n, shape.c, shape.h + 2 * pad, shape.w + 2 * pad};
    clear(dx, ref_count(shape));
    for (int n = 0; n < padded.n; n++)
        for (int c = 0; c < padded.c; c++)
            for (int i = 0; i < padded.h; i++)
                for (int j = 0; j < padded.w; j++) {
                    int y = ref_padded(i - pad, shape.h, mode);
                    int x = ref_padded(j - pad, shape.w, mode);
                    if (y >= 0 && x >= 0)
                        dx[ref_at(shape, n, c, y, x)] += dpadded[ref_at(padded, n, c, i, j)];
                }
}

// ---- activations, instance norm ----

double ref_activate_slope(double x, cgv_activation activation, double slope) {
    double y = ref_activate(x, activation, slope);
    switch (activation) {
    case CGV_ACT_RELU:
        return x > 0 ? 1 : 0;
    case CGV_ACT_LEAKY_RELU:
        return x > 0 ? 1 : slope;
    case CGV_ACT_TANH:
        return 1 - y * y;
    case CGV_ACT_SIGMOID:
        return y * (1 - y);
    case CGV_ACT_NONE:
        break;
    }
    return 1;
}

// One plane, through the variance and the mean: y = (x - mean) * (variance + epsilon)^(-1/2), g
// the gradient of y.
static void normalised_grad(double *dx, const double *g, const double *x, size_t plane,
                            const double *stats) {
    double mean = stats[0], rstd = stats[1], dvariance = 0, dmean = 0;
    for (size_t i = 0; i < plane; i++) {
        dvariance += g[i] * (x[i] - mean) * -0.5 * rstd * rstd * rstd;
        dmean -= g[i] * rstd;
    }
    // The variance itself does not change with the mean: sum of x - mean is 0.
    for (size_t i = 0; i < plane; i++)
        dx[i] = g[i] * rstd + dvariance * 2 * (x[i] - mean) / (double)plane + dmean / (double)plane;
}

void ref_instance_norm_grad(double *dx, double *dscale, double *dshift, const double *dy,
                            const double *x, ref_shape shape, double epsilon,
                            const ref_norm_params *params) {
    size_t plane = (size_t)shape.h * (size_t)shape.w, channels = (size_t)shape.c;
    clear(dscale, channels);
    clear(dshift, channels);
    for (size_t p = 0; p < (size_t)shape.n * channels; p++) {
        const double *xp = x + p * plane, *dyp = dy + p * plane;
        double *g = dx + p * plane, stats[2]; // g: first of the normalised plane, then of x
        double scale = params->scale ? params->scale[p % channels] : 1;
        double shift = params->shift ? params->shift[p % channels] : 0;
        ref_instance_stats(stats, xp, (ref_shape){1, 1, shape.h, shape.w}, epsilon);
        for (size_t i = 0; i < plane; i++) {
            double xhat = (xp[i] - stats[0]) * stats[1];
            double dz = dyp[i] *
                        ref_activate_slope(scale * xhat + shift, params->activation, params->slope);
            dscale[p % channels] += dz * xhat;
            dshift[p % channels] += dz;
            g[i] = dz * scale;
        }
        normalised_grad(g, g, xp, plane, stats);
    }
}

// ---- resampling ----

void ref_upsample_grad(double *dx, const double *dy, ref_shape shape, int factor,
                       cgv_upsample_mode mode) {
    ref_shape out = {shape.n, shape.c, factor * shape.h, factor * shape.w};
    clear(dx, ref_count(shape));
    for (int n = 0; n < out.n; n++)
        for (int c = 0; c < out.c; c++)
            for (int oy = 0; oy < out.h; oy++)
                for (int ox = 0; ox < out.w; ox++) {
                    int y[2] = {oy / factor, oy / factor}, x[2] = {ox / factor, ox / factor};
                    double fy = 0, fx = 0, g = dy[ref_at(out, n, c, oy, ox)];
                    if (mode == CGV_UPSAMPLE_BILINEAR) {
                        fy = ref_between(oy, factor, shape.h, &y[0], &y[1]);
                        fx = ref_between(ox, factor, shape.w, &x[0], &x[1]);
                    }
                    for (int i = 0; i < 4; i++)
                        dx[ref_at(shape, n, c, y[i / 2], x[i % 2])] +=
                            g * (i / 2 ? fy : 1 - fy) * (i % 2 ? fx : 1 - fx);
                }
}

// ---- losses ----

ref_term ref_loss_term(cgv_loss_kind kind, double x, double target, double other) {
    double p;
    switch (kind) {
    case CGV_LOSS_SQUARED:
        return (ref_term){(x - target) * (x - target), 2 * (x - target)};
    case CGV_LOSS_BCE:
        p = 1 / (1 + exp(-x));
        return (ref_term){target > 0 ? log1p(exp(-x)) : log1p(exp(x)), p - target};
    case CGV_LOSS_HINGE:
        return target * x < 1 ? (ref_term){1 - target * x, -target} : (ref_term){0, 0};
    case CGV_LOSS_LINEAR:
        return (ref_term){-target * x, -target};
    case CGV_LOSS_L1:
        break;
    }
    return (ref_term){fabs(x - other), (x > other) - (x < other)};
}

// ---- Adam ----

void ref_adam(ref_adam_state *s, double grad, int t, double lr, double beta1, double beta2,
              double epsilon, double average_decay) {
    s->m = beta1 * s->m + (1 - beta1) * grad;
    s->v = beta2 * s->v + (1 - beta2) * grad * grad;
    double m = s->m / (1 - pow(beta1, t)), v = s->v / (1 - pow(beta2, t));
    s->value -= lr * m / (sqrt(v) + epsilon);
    s->average = average_decay * s->average + (1 - average_decay) * s->value;
}
