#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "colour.glsl"
#include "pixel_rows.h"

layout(constant_id = 3) const int LOG2_CHROMA_W = 1;
layout(constant_id = 4) const int SITE_X = 0; // in halves of a pixel
layout(constant_id = 5) const int WIDE = 0;   // codes lie in 16-bit words
layout(constant_id = 6) const int BLEND = 0;
layout(constant_id = 7) const int DITHER = 0;
const int TAPS = LOG2_CHROMA_W == 0 ? 1 : SITE_X == 1 ? 4 : 5;

#include "chroma_filter.glsl"
#include "pixel_finish.glsl"
#include "pixel_code.glsl"

// The first half of packing YCbCr of even width whose components have planes of their own: eight
// pixels of a row an invocation, of rgb [3, tensor_height, tensor_width] in [-1, 1]. Their luma as
// codes, and their chroma filtered along the row: [2][height][chroma_stride], in units of one.
const int RUN = 8;
const int BEFORE = 2, AROUND = RUN + 4; // pixels before the run that the filter sees, and all
const int OWN = RUN >> LOG2_CHROMA_W;
const int PER_WORD = WIDE != 0 ? 2 : 4;

void main()
{
    int i = LINEAR_INDEX, runs = (push.width + RUN - 1) / RUN;
    int y = divide(i, runs), x0 = (i - y * runs) * RUN;
    if (y >= push.height)
        return;
    vec3 yuv[AROUND];
    int broken = 0, plane = push.tensor_width * push.tensor_height;
    [[unroll]] for (int k = 0; k < AROUND; k += 2) {
        bool own = k >= BEFORE && k < BEFORE + RUN;
        if (!own && TAPS == 1)
            continue;
        int x = clamp(x0 - BEFORE + k, 0, push.width - 2), at_pixel = y * push.tensor_width + x;
        vec2 channel[3];
        [[unroll]] for (int c = 0; c < 3; c++)
            channel[c] = load_pair(at(push.rgb, at_pixel + c * plane));
        [[unroll]] for (int j = 0; j < 2; j++) {
            vec3 v = vec3(channel[0][j], channel[1][j], channel[2][j]);
            if (own)
                broken |= int(not_finite(v));
            yuv[k + j] = rgb_to_yuv(finish_pixel(v, at_pixel + j, x + j), push.kr, push.kb);
        }
    }
    // Beyond its ends a row repeats its last pixel.
    if (x0 == 0)
        yuv[0] = yuv[1] = yuv[BEFORE];
    [[unroll]] for (int k = BEFORE + 1; k < AROUND; k++)
        if (x0 - BEFORE + k >= push.width)
            yuv[k] = yuv[k - 1];

    vec2 scale = luma_scale(push.depth, push.full_range);
    uint word[RUN / PER_WORD];
    [[unroll]] for (int k = 0; k < RUN; k++) {
        uint code = code_of(yuv[BEFORE + k].x, scale, x0 + k, y) << k % PER_WORD * (32 / PER_WORD);
        word[k / PER_WORD] = k % PER_WORD == 0 ? code : word[k / PER_WORD] | code;
    }
    uint64_t luma = push.luma + uint64_t(y) * push.luma_stride + uint64_t(x0 * 4 / PER_WORD);
    [[unroll]] for (int k = 0; k < RUN / PER_WORD; k += 2)
        Pairs(luma + uint64_t(4 * k)).v[0] = pack64(uvec2(word[k], word[k + 1]));

    uint64_t chroma = at(push.chroma, y * push.chroma_stride + (x0 >> LOG2_CHROMA_W));
    [[unroll]] for (int j = 0; j < OWN; j += 2) {
        vec2 blue = vec2(0), red = vec2(0);
        [[unroll]] for (int s = 0; s < 2; s++)
            [[unroll]] for (int k = 0; k < TAPS; k++) {
                vec3 v = yuv[BEFORE + chroma_first(j + s, TAPS, SITE_X) + k];
                blue[s] += chroma_weight(TAPS, 0, k) * v.y;
                red[s] += chroma_weight(TAPS, 0, k) * v.z;
            }
        store_pair(at(chroma, j), blue);
        store_pair(at(chroma, push.height * push.chroma_stride + j), red);
    }
    if (broken != 0)
        Words(push.flag).v[0] = 1;
}
