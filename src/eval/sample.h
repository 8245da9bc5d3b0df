// Values between pixels, bilinear.
#ifndef CGV_EVAL_SAMPLE_H
#define CGV_EVAL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cgv_sample {
    ptrdiff_t index;        // of the pixel above and left
    ptrdiff_t right, below; // steps to its neighbours; 0 at the last column and row
    float across, down;     // 0..1
} cgv_sample;

// Where (x, y) lies; false if that is outside the centres of the outermost pixels, or no number.
static inline bool cgv_sample_at(cgv_sample *out, int width, int height, float x, float y) {
    if (!(x >= 0 && y >= 0 && x <= (float)(width - 1) && y <= (float)(height - 1)))
        return false;
    int left = (int)x, top = (int)y;
    *out = (cgv_sample){.index = (ptrdiff_t)top * width + left,
                        .right = left + 1 < width,
                        .below = top + 1 < height ? width : 0,
                        .across = x - (float)left,
                        .down = y - (float)top};
    return true;
}

static inline float cgv_sample_mix(const cgv_sample *at, float a, float b, float c, float d) {
    float above = a + at->across * (b - a), below = c + at->across * (d - c);
    return above + at->down * (below - above);
}

static inline float cgv_sample_float(const cgv_sample *at, const float *values) {
    const float *p = values + at->index;
    return cgv_sample_mix(at, p[0], p[at->right], p[at->below], p[at->below + at->right]);
}

// One channel of interleaved R, G, B bytes.
static inline float cgv_sample_rgb(const cgv_sample *at, const uint8_t *rgb, int channel) {
    const uint8_t *p = rgb + 3 * at->index + channel;
    return cgv_sample_mix(at, p[0], p[3 * at->right], p[3 * at->below],
                          p[3 * (at->below + at->right)]);
}

#endif
