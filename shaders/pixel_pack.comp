#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "colour.glsl"
#include "pixel_pack.h"

// rgb [3, tensor_height, tensor_width] in [-1, 1] to one plane of a picture; an invocation writes
// one 32-bit word: four bytes, or two 16-bit words.
//
// Chroma is brought down by the filter whose exact inverse is the linear interpolation of
// pixel_unpack.comp: [-1 2 6 2 -1] / 8 about a sample that coincides with a luma sample, and
// [-1 3 3 -1] / 4 about one between two (the analysis filters of the biorthogonal wavelets 5/3 and
// 1/3, Cohen, Daubechies, Feauveau 1992). So what passes unchanged through the network comes out
// unchanged. Where an odd size puts the last chroma sample beyond the last luma sample, which is
// all that shows of it, solving that interpolation for it gives other weights at the end.
layout(constant_id = 3) const int KIND = KIND_YUV;
layout(constant_id = 4) const int LOG2_CHROMA_W = 1;
layout(constant_id = 5) const int LOG2_CHROMA_H = 1;
layout(constant_id = 6) const int WIDE = 0;
layout(constant_id = 7) const int BLEND = 0; // mix with `original`

bool not_finite(float v)
{
    return (floatBitsToUint(v) & 0x7f800000u) == 0x7f800000u;
}

vec3 pixel(int x, int y)
{
    int plane = push.tensor_width * push.tensor_height;
    int i = clamp(y, 0, push.height - 1) * push.tensor_width + clamp(x, 0, push.width - 1);
    vec3 v;
    [[unroll]] for (int c = 0; c < 3; c++) {
        v[c] = Floats(at(push.rgb, c * plane + i)).v[0];
        if (push.flag != 0 && not_finite(v[c]))
            Words(push.flag).v[0] = 1;
        if (BLEND != 0) {
            float before = Floats(at(push.original, c * plane + i)).v[0];
            v[c] = before + push.strength * (v[c] - before);
        }
    }
    return 0.5 * v + 0.5;
}

// One axis of the filter: how many luma samples, and from which one on.
struct Axis {
    int count, first;
    int past; // taps that would lie behind an end of other weights: the window is drawn back
};

Axis chroma_axis(int c, int log2_ratio, float siting, int size)
{
    if (log2_ratio == 0)
        return Axis(1, c, 0);
    int count = fract(siting) == 0 ? 5 : 4;
    int first = 2 * c + int(floor(siting)) - (count == 5 ? 2 : 1);
    int past = siting > 0 && size % 2 != 0 ? max(first + count - size, 0) : 0;
    return Axis(count, first - past, past);
}

float tap_weight(Axis axis, int k)
{
    if (axis.count == 1)
        return 1;
    if (axis.count == 4) {
        if (axis.past > 0) // [1 -3 -3 17] / 12
            return k == 3 ? 17.0 / 12 : k == 0 ? 1.0 / 12 : -0.25;
        return k == 1 || k == 2 ? 0.75 : -0.25;
    }
    if (axis.past == 1) // the last but one: [0 -1 2 7 0] / 8
        return k == 1 ? -0.125 : k == 2 ? 0.25 : k == 3 ? 0.875 : 0;
    if (axis.past > 1) // [0 0 0 -1 2]
        return k == 3 ? -1 : k == 4 ? 2 : 0;
    return k == 2 ? 0.75 : k == 1 || k == 3 ? 0.25 : -0.125;
}

float chroma(int component, int cx, int cy)
{
    Axis across = chroma_axis(cx, LOG2_CHROMA_W, push.chroma_x, push.width);
    Axis down = chroma_axis(cy, LOG2_CHROMA_H, push.chroma_y, push.height);
    vec3 sum = vec3(0);
    for (int j = 0; j < down.count; j++)
        for (int i = 0; i < across.count; i++)
            sum += tap_weight(down, j) * tap_weight(across, i) *
                   pixel(across.first + i, down.first + j);
    return rgb_to_yuv(sum, push.kr, push.kb)[component];
}

uint code(int component, int x, int y)
{
    if (component == 15)
        return 0;
    uint limit = (1u << push.depth) - 1;
    if (component == 3) // alpha: opaque
        return limit << push.shift;
    vec2 scale = luma_scale(push.depth, push.full_range);
    float value;
    if (KIND == KIND_RGB) {
        value = pixel(x, y)[component];
    } else if (component == 0) {
        value = rgb_to_yuv(pixel(x, y), push.kr, push.kb).x;
    } else {
        scale = chroma_scale(push.depth, push.full_range);
        value = chroma(component, x, y);
    }
    return uint(clamp(floor(value * scale.y + scale.x + 0.5), 0, float(limit))) << push.shift;
}

void main()
{
    int per_word = WIDE != 0 ? 2 : 4;
    int words = (push.units + per_word - 1) / per_word;
    int i = LINEAR_INDEX;
    if (i >= words * push.rows)
        return;
    int y = i / words, first = i % words * per_word;
    uint word = 0;
    for (int k = 0; k < per_word; k++) {
        int unit = first + k;
        if (unit < push.units) {
            int component = int(push.components >> (4 * (unit % push.step)) & 15);
            word |= code(component, unit / push.step, y) << (k * 32 / per_word);
        }
    }
    Words(push.plane + uint64_t(y) * push.stride + uint64_t(first / per_word) * 4).v[0] = word;
}
