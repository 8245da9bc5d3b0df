#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "steady_keep.h"

// state: how much of the past a frame may keep, and 0 or 1 in turn. All of `weight` where it shows
// what the last one showed, nothing behind a cut or at the beginning. now, last [h][w]: small pictures of luma. One subgroup.
//
// The measure: how far an element lies outside of what the last frame had there and around it, so
// that motion by less than an element does not count; its mean over that of the deviation from the
// picture's mean, so that a cut between dark pictures counts as one between bright ones. Within shots
// of driving clips it stays below 0.025; cuts are above 0.2, but for jumps within one view.
const float SAME = 0.03, CUT = 0.1;
const float DARK = 0.02; // added to the deviation: the noise of black pictures is no change

float change(int i)
{
    int y = divide(i, push.w), x = i - y * push.w;
    float low = 1, high = 0;
    for (int ny = max(y - 1, 0); ny <= min(y + 1, push.h - 1); ny++)
        for (int nx = max(x - 1, 0); nx <= min(x + 1, push.w - 1); nx++) {
            float v = Floats(at(push.last, ny * push.w + nx)).v[0];
            low = min(low, v);
            high = max(high, v);
        }
    float own = Floats(at(push.now, i)).v[0];
    return max(max(low - own, own - high), 0);
}

// Over all lanes, in their order.
float total(float own)
{
    float sum = 0;
    [[unroll]] for (int l = 0; l < SUBGROUP; l++)
        sum += subgroupBroadcast(own, uint(l));
    return sum;
}

float deviation(uint64_t picture, int count)
{
    int lane = int(gl_SubgroupInvocationID);
    float sum = 0, squares = 0;
    for (int i = lane; i < count; i += SUBGROUP)
        sum += Floats(at(picture, i)).v[0];
    float mean = total(sum) / float(count);
    for (int i = lane; i < count; i += SUBGROUP) {
        float d = Floats(at(picture, i)).v[0] - mean;
        squares += d * d;
    }
    return sqrt(total(squares) / float(count));
}

void main()
{
    int lane = int(gl_SubgroupInvocationID), count = push.h * push.w;
    float changed = 0;
    for (int i = lane; i < count; i += SUBGROUP)
        changed += change(i);
    float contrast = max(deviation(push.now, count), deviation(push.last, count)) + DARK;
    float measure = total(changed) / (float(count) * contrast);
    bool begins = Words(push.begins).v[0] != 0; // what `last` holds is nothing, then
    float keep = push.weight * clamp((CUT - measure) / (CUT - SAME), 0, 1);
    if (lane == 0) {
        Floats(push.state).v[0] = begins ? 0 : keep;
        Words(push.state).v[1] = ~Words(push.state).v[1] & 1;
    }
}
