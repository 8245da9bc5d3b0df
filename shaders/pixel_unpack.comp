#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "colour.glsl"
#include "tone_map.glsl"
#include "pixel_unpack.h"
#include "pixel_unpack.glsl"

// A picture's planes to rgb [3, out_height, out_width] in [-1, 1], one pixel an invocation.
// Beyond the picture the tensor repeats it by reflection, again and again if need be.

// Chroma at luma position (x, y), linear between the samples about it.
float chroma_at(int c, int x, int y)
{
    if (LOG2_CHROMA_W == 0 && LOG2_CHROMA_H == 0)
        return sample_at(c, x, y);
    ivec2 limit = ivec2(push.chroma_width, push.chroma_height) - 1, low = ivec2(x, y);
    vec2 f = vec2(0);
    if (LOG2_CHROMA_W != 0) {
        low.x = chroma_before(x, LOG2_CHROMA_W, SITE_X);
        f.x = chroma_behind(x, LOG2_CHROMA_W, SITE_X);
    }
    if (LOG2_CHROMA_H != 0) {
        low.y = chroma_before(y, LOG2_CHROMA_H, SITE_Y);
        f.y = chroma_behind(y, LOG2_CHROMA_H, SITE_Y);
    }
    ivec2 a = clamp(low, ivec2(0), limit), b = clamp(low + 1, ivec2(0), limit);
    float top = sample_at(c, a.x, a.y);
    if (LOG2_CHROMA_W != 0)
        top = mix(top, sample_at(c, b.x, a.y), f.x);
    if (LOG2_CHROMA_H == 0)
        return top;
    float bottom = sample_at(c, a.x, b.y);
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
    vec3 v = vec3(sample_at(0, x, y), 0, 0);
    if (KIND == KIND_RGB)
        v.gb = vec2(sample_at(1, x, y), sample_at(2, x, y));
    else if (KIND == KIND_YUV)
        v.gb = vec2(chroma_at(1, x, y), chroma_at(2, x, y));
    vec3 rgb = to_rgb(v);
    [[unroll]] for (int c = 0; c < 3; c++)
        Floats(at(push.rgb, c * count + i)).v[0] = rgb[c];
}
