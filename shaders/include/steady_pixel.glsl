// The network's picture takes in that of the last frame, where the input has moved from there and
// looks alike: what flickers then is the network's doing, or noise that it made visible.
//
// history [2][h][w]: of each pixel four numbers of 16 bits, the picture as it came out and the luma of
// the input; the frames write its halves in turn, which the second word of the state tells.
// Needs push.history, offsets, state, blocks_w, h, w.
#include "steady_block.h"

const float SHARE = 0.6;        // of the weight: the past of a pixel is short, so nothing smears
const float UNLIKE = 6.0 / 255; // the difference of luma from which on nothing is taken

const float UNITS = 65534;
const uint NOTHING = 0xffff; // luma of a pixel that is not to be used: it was not a number

struct Past {
    float keep;
    int read, write; // the halves of history
};

Past load_past()
{
    int plane = push.h * push.w, turn = int(Words(push.state).v[1]) * plane;
    return Past(SHARE * Floats(push.state).v[0], plane - turn, turn);
}

// How many pixels before or behind its own place a pixel was in the last frame, or STEADY_NOWHERE.
int past_offset(int row, int column)
{
    int block = row / STEADY_BLOCK * push.blocks_w + column / STEADY_BLOCK;
    return int(Words(at(push.offsets, block)).v[0]);
}

uint code16(float v) // of 0..1
{
    return uint(whole(clamp(v, 0, 1) * UNITS + 0.5));
}

// What is kept of where pixel i was in the last frame.
uvec2 load_kept(Past past, int i, int offset)
{
    bool used = past.keep > 0 && offset != STEADY_NOWHERE;
    uvec2 kept = unpack32(Pairs(at(push.history, 2 * (past.read + i + (used ? offset : 0)))).v[0]);
    return used ? kept : uvec2(0, NOTHING << 16);
}

// A pixel `own`, where the input has this luma in 0..1, with what it takes; word: to be kept of it.
vec3 take_past(Past past, vec3 own, float luma, uvec2 kept, out uvec2 word)
{
    uint now = code16(luma);
    vec3 before = vec3(ivec3(kept.x & 0xffff, kept.x >> 16, kept.y & 0xffff)) * (2 / UNITS) - 1;
    float d = (float(int(kept.y >> 16)) - float(int(now))) * (1 / (UNITS * UNLIKE));
    float alike = max(1 - d * d, 0);
    bool known = kept.y >> 16 != NOTHING;
    own += (known ? past.keep * alike * alike : 0) * (before - own);
    vec3 code = 0.5 * own + 0.5;
    word = uvec2(code16(code.r) | code16(code.g) << 16,
                 code16(code.b) | (is_finite(own.r + own.g + own.b) ? now : NOTHING) << 16);
    return own;
}

void store_past(Past past, int i, uvec2 word)
{
    Pairs(at(push.history, 2 * (past.write + i))).v[0] = pack64(word);
}
