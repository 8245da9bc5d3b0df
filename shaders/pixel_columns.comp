#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "colour.glsl"
#include "pixel_columns.h"

layout(constant_id = 3) const int LOG2_CHROMA_H = 1;
layout(constant_id = 4) const int SITE_Y = 1; // in halves of a pixel
layout(constant_id = 5) const int WIDE = 0;
layout(constant_id = 6) const int DITHER = 0;
const int TAPS = LOG2_CHROMA_H == 0 ? 1 : SITE_Y == 1 ? 4 : 5;

#include "chroma_filter.glsl"
#include "pixel_code.glsl"

// The second half: what pixel_rows.comp left of chroma, filtered along columns, as codes.
// Eight bytes of them an invocation.
const int PER_WORD = WIDE != 0 ? 2 : 4;
const int RUN = 2 * PER_WORD;

void main()
{
    int i = LINEAR_INDEX, runs = push.chroma_stride / RUN;
    int row = divide(i, runs), x = (i - row * runs) * RUN, c = row < push.rows ? 0 : 1;
    row -= c * push.rows;
    if (row >= push.rows)
        return;
    int first = chroma_first(row, TAPS, SITE_Y);
    int past = chroma_past(first, TAPS, SITE_Y, push.height);
    vec2 sum[PER_WORD];
    [[unroll]] for (int j = 0; j < PER_WORD; j++)
        sum[j] = vec2(0);
    [[unroll]] for (int k = 0; k < TAPS; k++) {
        int y = clamp(first - past + k, 0, push.height - 1);
        uint64_t line = at(push.chroma, (c * push.height + y) * push.chroma_stride + x);
        [[unroll]] for (int j = 0; j < PER_WORD; j++)
            sum[j] += chroma_weight(TAPS, past, k) * load_pair(at(line, 2 * j));
    }
    vec2 scale = chroma_scale(push.depth, push.full_range);
    uint word[2];
    [[unroll]] for (int k = 0; k < RUN; k++) {
        uint code = code_of(sum[k / 2][k % 2], scale, x + k, row) << k % PER_WORD * (32 / PER_WORD);
        word[k / PER_WORD] = k % PER_WORD == 0 ? code : word[k / PER_WORD] | code;
    }
    uint64_t to = (c == 0 ? push.plane[0] : push.plane[1]) +
                  uint64_t(row) * (c == 0 ? push.stride[0] : push.stride[1]);
    Pairs(to + uint64_t(x * 4 / PER_WORD)).v[0] = pack64(uvec2(word[0], word[1]));
}
