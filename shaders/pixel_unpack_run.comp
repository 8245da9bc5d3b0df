#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "colour.glsl"
#include "tone_map.glsl"
#include "pixel_unpack.h"
#include "pixel_unpack.glsl"

// As pixel_unpack.comp, eight pixels of a row an invocation: for what most videos are, samples that
// follow each other in a plane of each component, at full or half resolution, an even width and a
// tensor of the picture's size. A load fetches up to eight samples.
const int RUN = 8;
const int OWN = RUN >> LOG2_CHROMA_W; // chroma samples
const int BYTES = 1 + WIDE;

// `count` samples of component c from column `first` on, which is a multiple of `count`.
void load_samples(out float v[RUN], int c, int first, int y, int count)
{
    uint64_t address = push.plane[c] + uint64_t(y) * push.stride[c] + uint64_t(first * BYTES);
    const int words = RUN * BYTES / 4;
    uint word[words];
    if (count * BYTES == 4) {
        word[0] = Words(address).v[0];
    } else {
        [[unroll]] for (int k = 0; k < words; k += 2)
            if (k * 4 < count * BYTES) {
                uvec2 two = unpack32(Pairs(address + uint64_t(k * 4)).v[0]);
                word[k] = two.x;
                word[k + 1] = two.y;
            }
    }
    [[unroll]] for (int k = 0; k < RUN; k++)
        if (k < count)
            v[k] = sample_of(c, bitfieldExtract(word[k * BYTES / 4], k * BYTES % 4 * 8, BYTES * 8));
}

// The chroma samples about the run, from the one before its first: as they lie in row y of samples.
void load_line(out float v[RUN + 2], int c, int column, int y)
{
    float own[RUN];
    load_samples(own, c, column, y, OWN);
    int limit = push.chroma_width - 1;
    v[0] = sample_at(c, max(column - 1, 0), y);
    [[unroll]] for (int k = 0; k < OWN; k++)
        v[k + 1] = column + k <= limit ? own[k] : v[k];
    v[OWN + 1] = column + OWN <= limit ? sample_at(c, column + OWN, y) : v[OWN];
}

// The chroma of the run's pixels.
void chroma_of(out float v[RUN], int c, int x, int y)
{
    float line[RUN + 2], below[RUN + 2];
    int column = x >> LOG2_CHROMA_W;
    if (LOG2_CHROMA_H == 0) {
        load_line(line, c, column, y);
    } else {
        int low = chroma_before(y, 1, SITE_Y), limit = push.chroma_height - 1;
        load_line(line, c, column, clamp(low, 0, limit));
        load_line(below, c, column, clamp(low + 1, 0, limit));
        [[unroll]] for (int k = 0; k < OWN + 2; k++)
            line[k] = mix(line[k], below[k], chroma_behind(y, 1, SITE_Y));
    }
    [[unroll]] for (int k = 0; k < RUN; k++) {
        if (LOG2_CHROMA_W == 0) {
            v[k] = line[k + 1];
        } else {
            int before = chroma_before(k, 1, SITE_X) + 1;
            v[k] = mix(line[before], line[before + 1], chroma_behind(k, 1, SITE_X));
        }
    }
}

void main()
{
    int i = LINEAR_INDEX, runs = (push.width + RUN - 1) / RUN;
    int y = divide(i, runs), x = (i - y * runs) * RUN;
    if (y >= push.height)
        return;
    float component[3][RUN];
    load_samples(component[0], 0, x, y, RUN);
    [[unroll]] for (int c = 1; c < 3; c++) {
        if (KIND == KIND_RGB)
            load_samples(component[c], c, x, y, RUN);
        else if (KIND == KIND_YUV)
            chroma_of(component[c], c, x, y);
    }
    uint64_t to = at(push.rgb, y * push.width + x);
    [[unroll]] for (int k = 0; k < RUN; k += 2) {
        vec3 a = to_rgb(vec3(component[0][k], component[1][k], component[2][k]));
        vec3 b = to_rgb(vec3(component[0][k + 1], component[1][k + 1], component[2][k + 1]));
        if (x + k < push.width)
            [[unroll]] for (int c = 0; c < 3; c++)
                store_pair(at(to, c * push.width * push.height + k), vec2(a[c], b[c]));
    }
}
