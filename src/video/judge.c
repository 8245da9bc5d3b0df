#include "video/judge.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { CELLS = CGV_THUMB * CGV_THUMB, CENTRE = CGV_NEIGHBOURS };

// In 16ths of a code of 0..255.
enum {
    BLACK = 20 * 16, // video black with noise, or a little light leaking in
    FLAT = 8 * 16,
    SAME = 4 * 16, // a parked camera's noise and flicker stay below, a walker in one cell does not
    SHOTS = 10 * 16, // root mean square: two shots differ by more
    FADED = 3 * 16,  // a shot and one colour differ by more, at night too
};

const double cgv_window_offsets[CGV_WINDOW] = {-1, -.7, -.4, -.2, -.1, 0, .1, .2, .4, .7, 1};

static int cell_edge(int cell, int size) {
    return (int)((int64_t)cell * size / CGV_THUMB);
}

void cgv_thumb_make(cgv_thumb *out, const cgv_bitmap *picture) {
    for (int j = 0; j < CGV_THUMB; j++)
        for (int i = 0; i < CGV_THUMB; i++) {
            // At least a pixel, of pictures smaller than the thumb too.
            int x0 = cell_edge(i, picture->width), x1 = cell_edge(i + 1, picture->width);
            int y0 = cell_edge(j, picture->height), y1 = cell_edge(j + 1, picture->height);
            x1 = x1 > x0 ? x1 : x0 + 1;
            y1 = y1 > y0 ? y1 : y0 + 1;
            uint64_t sum = 0; // 256ths of a code
            for (int y = y0; y < y1; y++) {
                const uint8_t *p =
                    picture->rgb + 3 * ((size_t)y * (size_t)picture->width + (size_t)x0);
                for (int x = x0; x < x1; x++, p += 3)
                    sum += 77u * p[0] + 150u * p[1] + 29u * p[2];
            }
            uint64_t pixels = (uint64_t)(x1 - x0) * (uint64_t)(y1 - y0);
            out->cells[j * CGV_THUMB + i] = (uint16_t)(sum / pixels / 16);
        }
}

static cgv_verdict judge_alone(const cgv_thumb *thumb) {
    int low = UINT16_MAX, high = 0;
    for (int i = 0; i < CELLS; i++) {
        low = thumb->cells[i] < low ? thumb->cells[i] : low;
        high = thumb->cells[i] > high ? thumb->cells[i] : high;
    }
    return high < BLACK        ? CGV_VERDICT_BLACK
           : high - low < FLAT ? CGV_VERDICT_FLAT
                               : CGV_VERDICT_KEEP;
}

static bool is_shot(const cgv_thumb *thumb) {
    return judge_alone(thumb) == CGV_VERDICT_KEEP;
}

// The difference between the ends of a stretch of the window.
typedef struct ramp {
    const cgv_thumb *from;
    float step[CELLS], square; // their difference, and the sum of its squares
} ramp;

// Whether the ends differ as two shots do, or as a shot and one colour: everywhere. Where something
// only moves, slowly enough for cells to be mixtures, most of them stay as they are.
static bool make_ramp(ramp *r, const cgv_thumb *from, const cgv_thumb *to) {
    float sum = 0;
    r->from = from;
    r->square = 0;
    for (int i = 0; i < CELLS; i++) {
        r->step[i] = (float)to->cells[i] - (float)from->cells[i];
        r->square += r->step[i] * r->step[i];
        sum += fabsf(r->step[i]);
    }
    float deviation = sqrtf(r->square / CELLS);
    return deviation >= (is_shot(from) && is_shot(to) ? SHOTS : FADED) &&
           sum / CELLS >= 0.65f * deviation;
}

// How far a frame is on the way, 0..1; false: it is no mixture of the two ends.
static bool find_mixture(float *share, const ramp *r, const cgv_thumb *thumb) {
    float product = 0, rest = 0;
    for (int i = 0; i < CELLS; i++)
        product += r->step[i] * ((float)thumb->cells[i] - (float)r->from->cells[i]);
    *share = product / r->square;
    for (int i = 0; i < CELLS; i++) {
        float d = (float)thumb->cells[i] - (float)r->from->cells[i] - *share * r->step[i];
        rest += d * d;
    }
    return rest < 0.25f * 0.25f * r->square;
}

// Whether all between first and last are mixtures of these, the later the more of the last, and the
// frame in the middle is clearly one.
static bool is_transition(const cgv_thumb *const window[CGV_WINDOW], int first, int last) {
    const cgv_thumb *a = window[first], *b = window[last];
    // A tenth of a second shows only how a fade ends: any movement is even for so long.
    if (!a || !b || (first == CENTRE - 1 && is_shot(a)) || (last == CENTRE + 1 && is_shot(b)))
        return false;
    ramp r;
    float shares[CGV_WINDOW], before = 0;
    if (!make_ramp(&r, a, b) || !find_mixture(&shares[CENTRE], &r, window[CENTRE]) ||
        shares[CENTRE] <= 0.1f || shares[CENTRE] >= 0.9f)
        return false;
    for (int i = first; i <= last; i++) {
        shares[i] = before;
        if (window[i] && !find_mixture(&shares[i], &r, window[i]))
            return false;
        if (shares[i] < before - 0.05f)
            return false;
        before = shares[i];
    }
    return shares[CENTRE + 1] - shares[CENTRE - 1] >= 0.06f; // else it only lasts until one
}

static bool in_transition(const cgv_thumb *const window[CGV_WINDOW]) {
    for (int first = 0; first < CENTRE; first++)
        for (int last = CENTRE + 1; last < CGV_WINDOW; last++)
            if (is_transition(window, first, last))
                return true;
    return false;
}

static bool is_duplicate(const cgv_thumb *thumb, const cgv_thumb *before) {
    int change = 0;
    for (int i = 0; i < CELLS; i++) {
        int difference = abs(thumb->cells[i] - before->cells[i]);
        change = difference > change ? difference : change;
    }
    return change < SAME;
}

cgv_verdict cgv_judge(const cgv_thumb *const window[CGV_WINDOW], const cgv_thumb *before) {
    cgv_verdict verdict = judge_alone(window[CENTRE]);
    if (verdict != CGV_VERDICT_KEEP)
        return verdict;
    if (in_transition(window))
        return CGV_VERDICT_TRANSITION;
    return before && is_duplicate(window[CENTRE], before) ? CGV_VERDICT_DUPLICATE
                                                          : CGV_VERDICT_KEEP;
}
