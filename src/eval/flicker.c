#include "eval/flicker.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "eval/flow.h"
#include "eval/sample.h"

// Below this share of trusted pixels two frames show different things.
#define CUT 0.25

// Below this mean gradient, in codes a pixel, a frame is one colour.
#define FLAT 1e-3

typedef struct frame {
    cgv_bitmap input, outputs[CGV_FLICKER_OUTPUTS];
    cgv_pyramid pyramid; // of the input
} frame;

struct cgv_flicker {
    int outputs;
    frame last; // no pixels: none
    cgv_flicker_result sums[CGV_FLICKER_OUTPUTS];
};

static void frame_free(frame *f) {
    cgv_bitmap_free(&f->input);
    for (int i = 0; i < CGV_FLICKER_OUTPUTS; i++)
        cgv_bitmap_free(&f->outputs[i]);
    cgv_pyramid_free(&f->pyramid);
}

static cgv_status copy(cgv_bitmap *out, const cgv_bitmap *in) {
    cgv_status status = cgv_bitmap_create(out, in->width, in->height);
    if (!status)
        memcpy(out->rgb, in->rgb, cgv_bitmap_bytes(in->width, in->height));
    return status;
}

static cgv_status frame_create(frame *f, const cgv_bitmap *input, const cgv_bitmap *outputs,
                               int count) {
    *f = (frame){0};
    cgv_status status = copy(&f->input, input);
    for (int i = 0; !status && i < count; i++)
        status = copy(&f->outputs[i], &outputs[i]);
    if (!status)
        status = cgv_flow_pyramid(&f->pyramid, input);
    if (status)
        frame_free(f);
    return status;
}

cgv_status cgv_flicker_create(cgv_flicker **out, int outputs) {
    *out = calloc(1, sizeof **out);
    if (!*out)
        return cgv_fail(CGV_ERROR_MEMORY, "flicker: out of memory");
    (*out)->outputs = outputs;
    return CGV_OK;
}

void cgv_flicker_break(cgv_flicker *flicker) {
    frame_free(&flicker->last);
}

void cgv_flicker_destroy(cgv_flicker **flicker) {
    if (*flicker)
        frame_free(&(*flicker)->last);
    free(*flicker);
    *flicker = NULL;
}

// Mean magnitude of the gradient (forward differences) over pixels and channels.
static double mean_gradient(const cgv_bitmap *picture) {
    const ptrdiff_t row = (ptrdiff_t)picture->width * 3;
    double sum = 0;
    for (int y = 0; y + 1 < picture->height; y++) {
        const uint8_t *p = picture->rgb + y * row;
        float row_sum = 0;
        for (ptrdiff_t i = 0; i + 3 < row; i++) {
            float across = (float)(p[i + 3] - p[i]), down = (float)(p[i + row] - p[i]);
            row_sum += sqrtf(across * across + down * down);
        }
        sum += (double)row_sum;
    }
    return sum / ((double)(picture->width - 1) * (picture->height - 1) * 3);
}

// Mean absolute difference, over trusted pixels and channels, between a frame and the one before,
// moved onto it.
static double warp_error(const cgv_bitmap *now, const cgv_bitmap *before, const cgv_flow *flow,
                         const bool *visible) {
    double sum = 0;
    size_t count = 0;
    for (int y = 0; y < now->height; y++) {
        float row_sum = 0;
        for (int x = 0; x < now->width; x++) {
            ptrdiff_t i = (ptrdiff_t)y * now->width + x;
            cgv_sample at;
            if (!visible[i] ||
                !cgv_sample_at(&at, now->width, now->height, (float)x + flow->u.values[i],
                               (float)y + flow->v.values[i]))
                continue;
            for (int c = 0; c < 3; c++)
                row_sum += fabsf((float)now->rgb[3 * i + c] - cgv_sample_rgb(&at, before->rgb, c));
            count++;
        }
        sum += (double)row_sum;
    }
    return count ? sum / (3 * (double)count) : 0;
}

typedef struct estimate {
    const cgv_pyramid *from, *to;
    cgv_flow flow;
    cgv_status status;
} estimate;

static void *run_estimate(void *opaque) {
    estimate *e = opaque;
    e->status = cgv_flow_estimate(&e->flow, e->from, e->to);
    return NULL;
}

// Both directions, side by side.
static cgv_status estimate_both(estimate *there, estimate *back) {
    pthread_t thread;
    bool beside = !pthread_create(&thread, NULL, run_estimate, back);
    run_estimate(there);
    if (beside)
        pthread_join(thread, NULL);
    else
        run_estimate(back);
    return there->status ? there->status : back->status;
}

static void measure(cgv_flicker_result *sums, const frame *now, const frame *before, int output,
                    const cgv_flow *flow, const bool *visible, double share) {
    const cgv_bitmap *after = &now->outputs[output];
    double input_gradient = mean_gradient(&now->input);
    double output_gradient = mean_gradient(after);
    if (share < CUT) {
        sums->cuts++;
    } else if (input_gradient < FLAT || output_gradient < FLAT) {
        sums->flat++;
    } else {
        sums->pairs++;
        sums->visible += share;
        sums->input += warp_error(&now->input, &before->input, flow, visible) / input_gradient;
        sums->output +=
            warp_error(after, &before->outputs[output], flow, visible) / output_gradient;
    }
}

static cgv_status compare(cgv_flicker *flicker, const frame *now) {
    const frame *before = &flicker->last;
    estimate there = {.from = &now->pyramid, .to = &before->pyramid};
    estimate back = {.from = &before->pyramid, .to = &now->pyramid};
    bool *visible = malloc((size_t)now->input.width * (size_t)now->input.height * sizeof *visible);
    cgv_status status = visible ? estimate_both(&there, &back)
                                : cgv_fail(CGV_ERROR_MEMORY, "flicker: out of memory");
    if (!status) {
        double share = cgv_flow_check(visible, &there.flow, &back.flow);
        for (int i = 0; i < flicker->outputs; i++)
            measure(&flicker->sums[i], now, before, i, &there.flow, visible, share);
    }
    cgv_flow_free(&there.flow);
    cgv_flow_free(&back.flow);
    free(visible);
    return status;
}

cgv_status cgv_flicker_add(cgv_flicker *flicker, const cgv_bitmap *input,
                           const cgv_bitmap *outputs) {
    frame now;
    cgv_status status = frame_create(&now, input, outputs, flicker->outputs);
    const cgv_bitmap *before = &flicker->last.input;
    if (!status && before->width == input->width && before->height == input->height)
        status = compare(flicker, &now);
    frame_free(&flicker->last);
    if (!status)
        flicker->last = now;
    else
        frame_free(&now);
    return status;
}

cgv_flicker_result cgv_flicker_get(const cgv_flicker *flicker, int output) {
    cgv_flicker_result result = flicker->sums[output];
    const double pairs = result.pairs;
    if (!result.pairs) {
        result.ratio = NAN;
        return result;
    }
    result.visible /= pairs;
    result.input /= pairs;
    result.output /= pairs;
    result.ratio = result.input > 0    ? result.output / result.input
                   : result.output > 0 ? INFINITY
                                       : 1;
    return result;
}
