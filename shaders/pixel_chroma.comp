#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "colour.glsl"
#include "pixel_chroma.h"

layout(constant_id = 3) const int LOG2_CHROMA_W = 1;
layout(constant_id = 4) const int SITE_X = 0; // in halves of a pixel
layout(constant_id = 5) const int BLEND = 0;
const int TAPS = LOG2_CHROMA_W == 0 ? 1 : SITE_X == 1 ? 4 : 5;

#include "chroma_filter.glsl"
#include "pixel_finish.glsl"

// The chroma of rgb [3, tensor_height, tensor_width] in [-1, 1], filtered along the rows of the
// picture: [2, height, chroma_width], in units of one.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int y = divide(i, push.chroma_width), c = i - y * push.chroma_width;
    int first = chroma_first(c, TAPS, SITE_X);
    int past = chroma_past(first, TAPS, SITE_X, push.width);
    vec3 sum = vec3(0);
    [[unroll]] for (int k = 0; k < TAPS; k++) {
        int x = clamp(first - past + k, 0, push.width - 1);
        int at_pixel = y * push.tensor_width + x;
        sum += chroma_weight(TAPS, past, k) *
               finish_pixel(load_pixel(push.rgb, at_pixel), at_pixel, x);
    }
    vec3 yuv = rgb_to_yuv(sum, push.kr, push.kb);
    Floats(at(push.chroma, i)).v[0] = yuv.y;
    Floats(at(push.chroma, i + push.count)).v[0] = yuv.z;
}
