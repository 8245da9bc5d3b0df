#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "colour.glsl"
#include "pixel_pack.h"

layout(constant_id = 3) const int KIND = KIND_YUV;
layout(constant_id = 4) const int LOG2_CHROMA_H = 1;
layout(constant_id = 5) const int SITE_Y = 1; // in halves of a pixel
layout(constant_id = 6) const int WIDE = 0;
layout(constant_id = 7) const int STEP = 1;   // units of a step
layout(constant_id = 8) const int BLEND = 0;  // mix with `original`, or show it beside
layout(constant_id = 9) const int DITHER = 0; // the input had finer codes
const int TAPS = LOG2_CHROMA_H == 0 ? 1 : SITE_Y == 1 ? 4 : 5;

#include "chroma_filter.glsl"
#include "pixel_finish.glsl"
#include "pixel_code.glsl"

// rgb [3, tensor_height, tensor_width] in [-1, 1] to one plane of a picture; an invocation writes
// one 32-bit word: four bytes, or two 16-bit words. Chroma comes filtered along rows from
// pixel_chroma.comp and is filtered along columns here.

vec3 pixel(int x, int y)
{
    int i = y * push.tensor_width + x;
    vec3 v = load_pixel(push.rgb, i);
    if (push.flag != 0 && not_finite(v))
        Words(push.flag).v[0] = 1;
    return finish_pixel(v, i, x);
}

float chroma(int component, int cx, int cy)
{
    int first = chroma_first(cy, TAPS, SITE_Y);
    int past = chroma_past(first, TAPS, SITE_Y, push.height);
    uint64_t plane = at(push.chroma, (component - 1) * push.height * push.chroma_width);
    float sum = 0;
    [[unroll]] for (int k = 0; k < TAPS; k++) {
        int y = clamp(first - past + k, 0, push.height - 1);
        sum += chroma_weight(TAPS, past, k) * Floats(at(plane, y * push.chroma_width + cx)).v[0];
    }
    return sum;
}

uint code(int component, int x, int y)
{
    if (component == 15)
        return 0;
    if (component == 3) // alpha: opaque
        return (1u << push.depth) - 1 << push.shift;
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
    return code_of(value, scale, x, y);
}

void main()
{
    const int per_word = WIDE != 0 ? 2 : 4;
    int words = (push.units + per_word - 1) / per_word;
    int i = LINEAR_INDEX;
    if (i >= words * push.rows)
        return;
    int y = divide(i, words), first = (i - y * words) * per_word;
    uint word = 0;
    [[unroll]] for (int k = 0; k < per_word; k++) {
        int unit = first + k;
        if (unit < push.units) {
            int component = int(push.components >> (4 * (unit % STEP)) & 15);
            word |= code(component, unit / STEP, y) << (k * 32 / per_word);
        }
    }
    Words(push.plane + uint64_t(y) * push.stride + uint64_t(first / per_word) * 4).v[0] = word;
}
