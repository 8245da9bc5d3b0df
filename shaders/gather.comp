#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "gather.h"

// Every element of y is one of x, or a constant: margins, and numbers that change places between
// channels and space; as cgv_rearrangement.
const int DEPTH_TO_SPACE = 0;
const int PIXEL_SHUFFLE = 1;
const int SPACE_TO_DEPTH = 2;
const int PIXEL_UNSHUFFLE = 3;
const int MARGIN = 4;
layout(constant_id = 3) const int KIND = MARGIN;
layout(constant_id = 4) const int MODE = PAD_ZERO; // of a margin
layout(constant_id = 5) const int FACTOR = 2;      // of the others

const int F = FACTOR;

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int x = i % push.out_w, row = i / push.out_w;
    int y = row % push.out_h, plane = row / push.out_h;
    int c = plane % push.out_c, n = plane / push.out_c;
    bool inside = true;
    if (KIND == MARGIN) {
        c -= push.before[0];
        y -= push.before[1];
        x -= push.before[2];
        inside = c >= 0 && c < push.c;
        c = clamp(c, 0, push.c - 1);
        if (MODE == PAD_ZERO)
            inside = inside && y >= 0 && y < push.h && x >= 0 && x < push.w;
        y = pad_index(y, push.h, MODE);
        x = pad_index(x, push.w, MODE);
    } else if (KIND == DEPTH_TO_SPACE || KIND == PIXEL_SHUFFLE) {
        int dy = y % F, dx = x % F;
        c = KIND == PIXEL_SHUFFLE ? (c * F + dy) * F + dx : (dy * F + dx) * push.out_c + c;
        y /= F;
        x /= F;
    } else {
        int place = KIND == PIXEL_UNSHUFFLE ? c % (F * F) : c / push.c;
        c = KIND == PIXEL_UNSHUFFLE ? c / (F * F) : c % push.c;
        y = y * F + place / F;
        x = x * F + place % F;
    }
    float v = Floats(at(push.x, ((n * push.c + c) * push.h + y) * push.w + x)).v[0];
    Floats(at(push.y, i)).v[0] = inside ? v : push.value;
}
