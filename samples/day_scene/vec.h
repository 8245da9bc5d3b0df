// Small vectors, hashes and value noise.
#ifndef DAY_SCENE_VEC_H
#define DAY_SCENE_VEC_H

#include <math.h>
#include <stdint.h>

// x to the right, y up, z ahead along the street; metres. Also red, green, blue.
typedef struct vec {
    float x, y, z;
} vec;

static inline vec v3(float x, float y, float z) {
    return (vec){x, y, z};
}

static inline vec grey(float v) {
    return (vec){v, v, v};
}

static inline vec add(vec a, vec b) {
    return v3(a.x + b.x, a.y + b.y, a.z + b.z);
}

static inline vec sub(vec a, vec b) {
    return v3(a.x - b.x, a.y - b.y, a.z - b.z);
}

static inline vec mul(vec a, vec b) {
    return v3(a.x * b.x, a.y * b.y, a.z * b.z);
}

static inline vec scale(vec a, float s) {
    return v3(a.x * s, a.y * s, a.z * s);
}

// a + b * s
static inline vec along(vec a, vec b, float s) {
    return v3(a.x + b.x * s, a.y + b.y * s, a.z + b.z * s);
}

static inline float dot(vec a, vec b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline vec cross(vec a, vec b) {
    return v3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}

static inline float length(vec a) {
    return sqrtf(dot(a, a));
}

static inline vec normalise(vec a) {
    return scale(a, 1 / length(a));
}

static inline vec reflect(vec d, vec n) {
    return along(d, n, -2 * dot(d, n));
}

static inline float clampf(float x, float lo, float hi) {
    return x < lo ? lo : x > hi ? hi : x;
}

static inline float mixf(float a, float b, float t) {
    return a + (b - a) * t;
}

static inline vec mix(vec a, vec b, float t) {
    return along(a, sub(b, a), t);
}

static inline float smooth(float lo, float hi, float x) {
    float t = clampf((x - lo) / (hi - lo), 0, 1);
    return t * t * (3 - 2 * t);
}

static inline uint32_t hash_bits(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

// 0 <= result < 1, the same for the same three integers.
static inline float hash3(int x, int y, int z) {
    uint32_t h = hash_bits((uint32_t)x * 0x9e3779b1u ^ (uint32_t)y * 0x85ebca77u ^
                           (uint32_t)z * 0xc2b2ae3du);
    return (float)(h >> 8) * 0x1p-24f;
}

// Value noise in 0..1; one feature a unit.
static inline float noise2(float x, float y, int seed) {
    int ix = (int)floorf(x), iy = (int)floorf(y);
    float fx = x - (float)ix, fy = y - (float)iy;
    fx *= fx * (3 - 2 * fx);
    fy *= fy * (3 - 2 * fy);
    return mixf(mixf(hash3(ix, iy, seed), hash3(ix + 1, iy, seed), fx),
                mixf(hash3(ix, iy + 1, seed), hash3(ix + 1, iy + 1, seed), fx), fy);
}

static inline float noise3(vec p, int seed) {
    int iz = (int)floorf(p.z);
    float fz = p.z - (float)iz;
    fz *= fz * (3 - 2 * fz);
    return mixf(noise2(p.x, p.y, seed + iz * 131), noise2(p.x, p.y, seed + (iz + 1) * 131), fz);
}

static inline float fbm2(float x, float y, int octaves, int seed) {
    float sum = 0, gain = 0.5f;
    for (int i = 0; i < octaves; i++, gain *= 0.5f) {
        sum += gain * noise2(x, y, seed + i);
        // Rotated and not quite doubled, so that the lattices of the octaves do not line up.
        float t = 1.62f * x + 1.22f * y;
        y = 1.62f * y - 1.22f * x;
        x = t;
    }
    return sum;
}

#endif
