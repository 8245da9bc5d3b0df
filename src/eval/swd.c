#include "eval/swd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "eval/sort.h"

enum { AREA = CGV_SWD_PATCH * CGV_SWD_PATCH };

// What random numbers are drawn for, so that none depends on how many another one takes.
enum { STREAM_PLACES = 1, STREAM_CHOICE, STREAM_DIRECTIONS, STREAMS };

static void seed_stream(cgv_rng *rng, uint64_t seed, int stream, int number) {
    cgv_rng_seed(rng, seed, (uint64_t)number * STREAMS + (uint64_t)stream);
}

// ---- descriptors ----

static size_t picture_values(void) {
    return (size_t)CGV_SWD_PATCHES * CGV_SWD_VALUES;
}

cgv_status cgv_descriptors_create(cgv_descriptors *out, int width, int height, int room) {
    *out = (cgv_descriptors){0};
    int levels = cgv_pyramid_depth(width, height, CGV_SWD_LEAST_SIDE);
    for (; out->levels < levels; out->levels++) {
        float *values = malloc((size_t)room * picture_values() * sizeof *values);
        if (!values) {
            cgv_descriptors_free(out);
            return cgv_fail(CGV_ERROR_MEMORY, "no memory to compare %d pictures: compare fewer",
                            room);
        }
        out->values[out->levels] = values;
    }
    return CGV_OK;
}

void cgv_descriptors_free(cgv_descriptors *descriptors) {
    for (int i = 0; i < descriptors->levels && !descriptors->borrowed; i++)
        free(descriptors->values[i]);
    *descriptors = (cgv_descriptors){0};
}

cgv_descriptors cgv_descriptors_part(const cgv_descriptors *descriptors, int first, int count) {
    cgv_descriptors part = *descriptors;
    part.pictures = count;
    part.borrowed = true;
    for (int i = 0; i < part.levels; i++)
        part.values[i] += (size_t)first * picture_values();
    return part;
}

static void cut_patches(float *out, const cgv_pyramid channels[3], int level, cgv_rng *rng) {
    const cgv_plane *first = &channels[0].level[level];
    for (int i = 0; i < CGV_SWD_PATCHES; i++) {
        int x = (int)cgv_rng_below(rng, (uint32_t)(first->width - CGV_SWD_PATCH + 1));
        int y = (int)cgv_rng_below(rng, (uint32_t)(first->height - CGV_SWD_PATCH + 1));
        for (int c = 0; c < 3; c++)
            for (int row = 0; row < CGV_SWD_PATCH; row++, out += CGV_SWD_PATCH)
                memcpy(out,
                       channels[c].level[level].values + (ptrdiff_t)(y + row) * first->width + x,
                       CGV_SWD_PATCH * sizeof *out);
    }
}

cgv_status cgv_descriptors_add(cgv_descriptors *descriptors, const cgv_bitmap *picture,
                               uint64_t seed) {
    cgv_pyramid channels[3] = {{0}};
    cgv_status status = CGV_OK;
    for (int c = 0; c < 3 && !status; c++) {
        cgv_plane plane;
        status = cgv_plane_channel(&plane, picture, c);
        if (!status)
            status = cgv_pyramid_laplace(&channels[c], &plane, CGV_SWD_LEAST_SIDE);
    }
    if (!status) {
        cgv_rng rng;
        seed_stream(&rng, seed, STREAM_PLACES, descriptors->pictures);
        size_t before = (size_t)descriptors->pictures++ * picture_values();
        for (int level = 0; level < descriptors->levels; level++)
            cut_patches(descriptors->values[level] + before, channels, level, &rng);
    }
    for (int c = 0; c < 3; c++)
        cgv_pyramid_free(&channels[c]);
    return status;
}

// ---- distance ----

// One of the two collections at one level.
typedef struct side {
    size_t count;
    float *values;                       // [count][CGV_SWD_VALUES]
    float mean[3], inverse_deviation[3]; // of each channel
    float *plain, *normalised, *scratch; // projections: [CGV_SWD_DIRECTIONS][count]; [count]
} side;

static void side_free(side *s) {
    free(s->values);
    free(s->plain);
    free(s->normalised);
    free(s->scratch);
}

static bool side_create(side *s, size_t count) {
    const size_t projections = count * CGV_SWD_DIRECTIONS * sizeof(float);
    *s = (side){.count = count,
                .values = malloc(count * CGV_SWD_VALUES * sizeof(float)),
                .plain = malloc(projections),
                .normalised = malloc(projections),
                .scratch = malloc(count * sizeof(float))};
    return s->values && s->plain && s->normalised && s->scratch;
}

// Which descriptors are compared: `chosen` of `count`, each at most once, the same at all levels.
// NULL when out of memory.
static uint32_t *choose(size_t chosen, size_t count, uint64_t seed, int which) {
    uint32_t *order = malloc(count * sizeof *order);
    cgv_rng rng;
    seed_stream(&rng, seed, STREAM_CHOICE, which);
    for (size_t i = 0; order && i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = 0; order && i < chosen && chosen < count; i++) {
        size_t other = i + cgv_rng_below(&rng, (uint32_t)(count - i));
        uint32_t swapped = order[i];
        order[i] = order[other];
        order[other] = swapped;
    }
    return order;
}

static void gather(side *s, const float *from, const uint32_t *chosen) {
    double sum[3] = {0}, squares[3] = {0};
    for (size_t i = 0; i < s->count; i++) {
        float *values = s->values + i * CGV_SWD_VALUES;
        memcpy(values, from + (size_t)chosen[i] * CGV_SWD_VALUES, CGV_SWD_VALUES * sizeof *values);
        for (int k = 0; k < CGV_SWD_VALUES; k++) {
            sum[k / AREA] += (double)values[k];
            squares[k / AREA] += (double)values[k] * (double)values[k];
        }
    }
    const double count = (double)s->count * AREA;
    for (int c = 0; c < 3; c++) {
        double mean = sum[c] / count, variance = squares[c] / count - mean * mean;
        s->mean[c] = (float)mean;
        // Below a thousandth of a code there is nothing but rounding.
        s->inverse_deviation[c] = variance > 1e-6 ? (float)(1 / sqrt(variance)) : 0;
    }
}

// Unit vectors in random directions.
typedef struct directions {
    float weight[CGV_SWD_VALUES][CGV_SWD_DIRECTIONS];
    float channel_sum[3][CGV_SWD_DIRECTIONS];
} directions;

static void draw_directions(directions *d, cgv_rng *rng) {
    memset(d->channel_sum, 0, sizeof d->channel_sum);
    for (int j = 0; j < CGV_SWD_DIRECTIONS; j++) {
        double squares = 0;
        for (int k = 0; k < CGV_SWD_VALUES; k++) {
            d->weight[k][j] = cgv_rng_normal(rng);
            squares += (double)d->weight[k][j] * (double)d->weight[k][j];
        }
        for (int k = 0; k < CGV_SWD_VALUES; k++) {
            d->weight[k][j] *= (float)(1 / sqrt(squares));
            d->channel_sum[k / AREA][j] += d->weight[k][j];
        }
    }
}

// Both kinds of projection from one pass: normalising is linear in each channel.
static void project(side *s, const directions *d) {
    for (size_t i = 0; i < s->count; i++) {
        const float *values = s->values + i * CGV_SWD_VALUES;
        float plain[CGV_SWD_DIRECTIONS] = {0}, normalised[CGV_SWD_DIRECTIONS] = {0};
        for (int c = 0; c < 3; c++) {
            float sum[CGV_SWD_DIRECTIONS] = {0};
            for (int k = c * AREA; k < (c + 1) * AREA; k++)
                for (int j = 0; j < CGV_SWD_DIRECTIONS; j++)
                    sum[j] += values[k] * d->weight[k][j];
            for (int j = 0; j < CGV_SWD_DIRECTIONS; j++) {
                plain[j] += sum[j];
                normalised[j] +=
                    (sum[j] - s->mean[c] * d->channel_sum[c][j]) * s->inverse_deviation[c];
            }
        }
        for (size_t j = 0; j < CGV_SWD_DIRECTIONS; j++) {
            s->plain[j * s->count + i] = plain[j];
            s->normalised[j * s->count + i] = normalised[j];
        }
    }
}

// Mean over the directions of the distance between two sorted lists of projections.
static double mean_distance(side *a, side *b, float *projections_a, float *projections_b) {
    double sum = 0;
    for (size_t j = 0; j < CGV_SWD_DIRECTIONS; j++) {
        float *p = projections_a + j * a->count, *q = projections_b + j * b->count;
        cgv_sort_floats(p, a->scratch, a->count);
        cgv_sort_floats(q, b->scratch, b->count);
        for (size_t i = 0; i < a->count; i++)
            sum += fabs((double)p[i] - (double)q[i]);
    }
    return sum / (double)(a->count * CGV_SWD_DIRECTIONS);
}

static void compare_level(cgv_swd *out, int level, side *a, side *b, directions *d, uint64_t seed) {
    double plain = 0, normalised = 0;
    cgv_rng rng;
    seed_stream(&rng, seed, STREAM_DIRECTIONS, level);
    for (int repeat = 0; repeat < CGV_SWD_REPEATS; repeat++) {
        draw_directions(d, &rng);
        project(a, d);
        project(b, d);
        plain += mean_distance(a, b, a->plain, b->plain) / CGV_SWD_REPEATS;
        normalised += mean_distance(a, b, a->normalised, b->normalised) / CGV_SWD_REPEATS;
    }
    out->plain[level] = plain;
    out->normalised[level] = 1e3 * normalised;
    out->plain_mean += plain / out->levels;
    out->normalised_mean += 1e3 * normalised / out->levels;
}

cgv_status cgv_swd_distance(cgv_swd *out, const cgv_descriptors *a, const cgv_descriptors *b,
                            int most, uint64_t seed) {
    *out = (cgv_swd){.levels = a->levels};
    int pictures = a->pictures < b->pictures ? a->pictures : b->pictures;
    pictures = pictures < most ? pictures : most;
    const size_t count = (size_t)pictures * CGV_SWD_PATCHES;
    side sides[2] = {{0}};
    directions *d = malloc(sizeof *d);
    uint32_t *chosen_a = choose(count, (size_t)a->pictures * CGV_SWD_PATCHES, seed, 0);
    uint32_t *chosen_b = choose(count, (size_t)b->pictures * CGV_SWD_PATCHES, seed, 1);
    cgv_status status = CGV_OK;
    bool room = d && chosen_a && chosen_b;
    if (!room || !side_create(&sides[0], count) || !side_create(&sides[1], count))
        status =
            cgv_fail(CGV_ERROR_MEMORY, "no memory to compare %d pictures: compare fewer", pictures);
    for (int level = 0; !status && level < out->levels; level++) {
        gather(&sides[0], a->values[level], chosen_a);
        gather(&sides[1], b->values[level], chosen_b);
        compare_level(out, level, &sides[0], &sides[1], d, seed);
    }
    side_free(&sides[0]);
    side_free(&sides[1]);
    free(chosen_a);
    free(chosen_b);
    free(d);
    return status;
}
