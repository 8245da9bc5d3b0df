#include "train/augment.h"

#include <math.h>

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): neighbouring inputs, unrelated outputs.
static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// A Feistel network is a permutation of the numbers of 2 * half bits, whatever its round function;
// numbers >= count are sent through again until they are inside ("cycle walking": Black, Rogaway
// 2002). Less than four rounds of it on average.
uint32_t cgv_shuffled(uint32_t i, uint32_t count, uint64_t key) {
    int half = 1;
    while ((UINT64_C(1) << (2 * half)) < count)
        half++;
    const uint32_t mask = (1u << half) - 1;
    uint64_t x = i;
    do {
        uint32_t left = (uint32_t)(x >> half), right = (uint32_t)x & mask;
        for (uint64_t round = 0; round < 6; round++) {
            uint32_t next = left ^ ((uint32_t)mix(key ^ mix(round << 32 | right)) & mask);
            left = right;
            right = next;
        }
        x = (uint64_t)left << half | right;
    } while (x >= count);
    return (uint32_t)x;
}

cgv_rng cgv_augment_rng(uint64_t seed, int64_t step, int position, int domain) {
    cgv_rng rng;
    uint64_t place = (uint64_t)position << 1 | (uint64_t)domain;
    cgv_rng_seed(&rng, mix(seed ^ mix((uint64_t)step ^ mix(place))), place);
    return rng;
}

static int scaled(int size, int to, int from) {
    int result = (int)lround((double)size * to / from);
    return result < 1 ? 1 : result;
}

// The size that a picture is loaded at; enlarged evenly where a crop would not fit.
static void load_size(int *w, int *h, const cgv_bitmap *in, const cgv_dataset_params *p) {
    *w = in->width;
    *h = in->height;
    switch (p->preprocess) {
    case CGV_PREPROCESS_RESIZE_AND_CROP:
        *w = p->load_size;
        *h = scaled(p->load_size, p->height, p->width);
        break;
    case CGV_PREPROCESS_SCALE_WIDTH:
        *w = p->width;
        *h = scaled(in->height, p->width, in->width);
        break;
    case CGV_PREPROCESS_SCALE_WIDTH_AND_CROP:
        *w = p->load_size;
        *h = scaled(in->height, p->load_size, in->width);
        break;
    case CGV_PREPROCESS_SCALE_SHORTSIDE: {
        int side = in->width < in->height ? in->width : in->height;
        *w = scaled(in->width, p->load_size, side);
        *h = scaled(in->height, p->load_size, side);
        break;
    }
    case CGV_PREPROCESS_NONE:
        *w = p->width;
        *h = p->height;
        break;
    case CGV_PREPROCESS_CROP:
        break;
    }
    if (*w < p->width) {
        *h = scaled(*h, p->width, *w);
        *w = p->width;
    }
    if (*h < p->height) {
        *w = scaled(*w, p->height, *h);
        *h = p->height;
    }
}

cgv_status cgv_augment_load(cgv_bitmap *out, cgv_bitmap *in, const cgv_dataset_params *params) {
    int w, h;
    load_size(&w, &h, in, params);
    cgv_status status = CGV_OK;
    if (w == in->width && h == in->height) {
        *out = *in;
        *in = (cgv_bitmap){0};
    } else {
        status = cgv_bitmap_resize(out, w, h, in, (cgv_box){0, 0, in->width, in->height});
    }
    cgv_bitmap_free(in);
    return status;
}

static int between(cgv_rng *rng, int room) {
    return (int)cgv_rng_below(rng, (uint32_t)room + 1);
}

// Every picture draws the same number of times, so that options do not shift each other's draws.
static cgv_box choose_box(const cgv_bitmap *in, cgv_rng *rng, const cgv_dataset_params *p) {
    cgv_box box = {0, 0, p->width, p->height};
    float fraction = p->min_scale + (1 - p->min_scale) * cgv_rng_float(rng);
    if (p->min_scale > 0) {
        double largest = fmin((double)in->width / p->width, (double)in->height / p->height);
        box.width = (int)fmax(1, p->width * largest * fraction + 0.5);
        box.height = (int)fmax(1, p->height * largest * fraction + 0.5);
        box.width = box.width > in->width ? in->width : box.width;
        box.height = box.height > in->height ? in->height : box.height;
    }
    box.x = between(rng, in->width - box.width);
    box.y = between(rng, in->height - box.height);
    if (p->preprocess == CGV_PREPROCESS_SCALE_WIDTH && p->min_scale <= 0) {
        box.x = (in->width - box.width) / 2;
        box.y = (in->height - box.height) / 2;
    }
    return box;
}

// What one stop more multiplies gamma-encoded values by, the gamma of displays being near 2.2.
static float exposed(float stops) {
    return exp2f(stops / 2.2f);
}

static void to_floats(float *out, const cgv_bitmap *in, cgv_box box, bool flip, float gain) {
    float value[256];
    for (int i = 0; i < 256; i++)
        value[i] = fminf((float)i * gain, 255) / 127.5f - 1;
    const size_t plane = (size_t)box.width * (size_t)box.height;
    const ptrdiff_t step = flip ? -3 : 3;
    for (int y = 0; y < box.height; y++) {
        const uint8_t *p = in->rgb + 3 * ((size_t)(box.y + y) * (size_t)in->width + (size_t)box.x);
        if (flip)
            p += 3 * (ptrdiff_t)(box.width - 1);
        for (int x = 0; x < box.width; x++, p += step, out++)
            for (int c = 0; c < 3; c++)
                out[(size_t)c * plane] = value[p[c]];
    }
}

static cgv_status augment(float *out, const cgv_bitmap *loaded, cgv_rng *rng,
                          const cgv_dataset_params *params, float exposure) {
    cgv_box box = choose_box(loaded, rng, params);
    bool flip = cgv_rng_float(rng) < 0.5f && params->flip;
    float gain = exposed((2 * cgv_rng_float(rng) - 1) * exposure);
    if (box.width == params->width && box.height == params->height) {
        to_floats(out, loaded, box, flip, gain);
        return CGV_OK;
    }
    cgv_bitmap resized;
    cgv_status status = cgv_bitmap_resize(&resized, params->width, params->height, loaded, box);
    if (status)
        return status;
    to_floats(out, &resized, (cgv_box){0, 0, params->width, params->height}, flip, gain);
    cgv_bitmap_free(&resized);
    return CGV_OK;
}

cgv_status cgv_augment(float *out, const cgv_bitmap *loaded, cgv_rng *rng,
                       const cgv_dataset_params *params, int domain) {
    return augment(out, loaded, rng, params, params->exposure[domain]);
}

cgv_status cgv_augment_mask(float *out, const cgv_bitmap *mask, cgv_rng *rng,
                            const cgv_dataset_params *params) {
    return augment(out, mask, rng, params, 0);
}
