#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "colour.glsl"
#include "tone_map.glsl"
#include "pixel_unpack.h"

// A picture's planes to rgb [3, out_height, out_width] in [-1, 1], one pixel an invocation.
// Beyond the picture the tensor repeats it by reflection, again and again if need be. Values outside the gamut are kept: a
// network that does nothing returns them.
layout(constant_id = 3) const int KIND = KIND_YUV;
layout(constant_id = 4) const int LOG2_CHROMA_W = 1;
layout(constant_id = 5) const int LOG2_CHROMA_H = 1;
layout(constant_id = 6) const int WIDE = 0; // samples lie in 16-bit words
layout(constant_id = 7) const int TRANSFER = TRANSFER_SDR;
layout(constant_id = 8) const int GAMUT = GAMUT_BT709;

float sample_at(int c, int x, int y)
{
    uint where = push.where[c];
    uint64_t address = push.plane[c] + uint64_t(y) * push.stride[c] +
                       uint64_t(uint(x) * (where & 255) + (where >> 8 & 255));
    uint word = Words(address & ~uint64_t(3)).v[0] >> (8 * (uint(address) & 3));
    word &= WIDE != 0 ? 0xffffu : 0xffu;
    return float(word >> (where >> 16 & 255) & (1u << (where >> 24)) - 1);
}

// Chroma at luma position (x, y), linear between the samples about it.
float chroma_at(int c, int x, int y)
{
    if (LOG2_CHROMA_W == 0 && LOG2_CHROMA_H == 0)
        return sample_at(c, x, y);
    ivec2 limit = ivec2(push.chroma_width, push.chroma_height) - 1;
    vec2 position = (vec2(x, y) - vec2(LOG2_CHROMA_W == 0 ? 0 : push.chroma_x,
                                       LOG2_CHROMA_H == 0 ? 0 : push.chroma_y)) /
                    vec2(1 << LOG2_CHROMA_W, 1 << LOG2_CHROMA_H);
    ivec2 low = ivec2(floor(position));
    vec2 f = position - vec2(low);
    ivec2 a = clamp(low, ivec2(0), limit), b = clamp(low + 1, ivec2(0), limit);
    float top = sample_at(c, a.x, a.y), bottom = top;
    if (LOG2_CHROMA_W != 0)
        top = mix(top, sample_at(c, b.x, a.y), f.x);
    if (LOG2_CHROMA_H == 0)
        return top;
    bottom = sample_at(c, a.x, b.y);
    if (LOG2_CHROMA_W != 0)
        bottom = mix(bottom, sample_at(c, b.x, b.y), f.x);
    return mix(top, bottom, f.y);
}

void main()
{
    int i = LINEAR_INDEX;
    int count = push.out_width * push.out_height;
    if (i >= count)
        return;
    int row = divide(i, push.out_width);
    int x = mirror_index(i - row * push.out_width, push.width);
    int y = mirror_index(row, push.height);
    int depth = int(push.where[0] >> 24);
    vec2 luma = luma_scale(depth, push.full_range), chroma = chroma_scale(depth, push.full_range);
    vec3 rgb = vec3((sample_at(0, x, y) - luma.x) / luma.y);
    if (KIND == KIND_RGB) {
        rgb.g = (sample_at(1, x, y) - luma.x) / luma.y;
        rgb.b = (sample_at(2, x, y) - luma.x) / luma.y;
    } else if (KIND == KIND_YUV) {
        vec2 c = (vec2(chroma_at(1, x, y), chroma_at(2, x, y)) - chroma.x) / chroma.y;
        rgb = yuv_to_rgb(vec3(rgb.r, c), push.kr, push.kb);
    }
    if (TRANSFER != TRANSFER_SDR)
        rgb = tone_map(rgb, TRANSFER, GAMUT, push.peak);
    [[unroll]] for (int c = 0; c < 3; c++)
        Floats(at(push.rgb, c * count + i)).v[0] = 2 * rgb[c] - 1;
}
