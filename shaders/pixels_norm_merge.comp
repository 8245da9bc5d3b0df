#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "moments.glsl"
#include "pixels_norm_merge.h"
#include "steady.glsl"

// Merge the chunks of each channel in a fixed order: PIXELS_NORM_SLICES invocations take a slice of
// them each, the first of these merges what they got. partial [N][chunks][stored][2]: mean, sum of
// squared deviations; stats [N][stored][2]: mean, 1 / sqrt(variance + epsilon); keep: the weight of
// what they hold from the frame before.
// A workgroup has the channels by the slices. Grid: x channels, y pictures.

shared float means[PIXELS_NORM_SLICES * PIXELS_NORM_CHANNELS], m2s[PIXELS_NORM_SLICES * PIXELS_NORM_CHANNELS];

Moments of_slice(int n, int channel, int slice, int length)
{
    Moments own = Moments(0, 0, 0);
    int end = min((slice + 1) * length, push.chunks);
    for (int c = slice * length; c < end; c++) {
        vec2 v = load_pair(at(push.partial, ((n * push.chunks + c) * push.stored + channel) * 2));
        own = merge(own, Moments(float(min(push.chunk, push.plane - c * push.chunk)), v.x, v.y));
    }
    return own;
}

void main()
{
    int lane = int(gl_LocalInvocationID.x), slice = int(gl_LocalInvocationID.y);
    int channel = int(gl_WorkGroupID.x) * PIXELS_NORM_CHANNELS + lane, n = int(gl_WorkGroupID.y);
    int length = (push.chunks + PIXELS_NORM_SLICES - 1) / PIXELS_NORM_SLICES;
    Moments own = of_slice(n, channel, slice, length);
    means[slice * PIXELS_NORM_CHANNELS + lane] = own.mean;
    m2s[slice * PIXELS_NORM_CHANNELS + lane] = own.m2;
    barrier();
    if (slice != 0)
        return;
    Moments all = Moments(0, 0, 0);
    for (int s = 0; s < PIXELS_NORM_SLICES; s++) {
        int first = s * length * push.chunk, end = min((s + 1) * length * push.chunk, push.plane);
        if (end > first)
            all = merge(all, Moments(float(end - first), means[s * PIXELS_NORM_CHANNELS + lane],
                                     m2s[s * PIXELS_NORM_CHANNELS + lane]));
    }
    uint64_t to = at(push.stats, (n * push.stored + channel) * 2);
    float keep = optional_at(push.keep, 0, push.partial, 0);
    vec2 before = load_pair(to);
    store_pair(to, vec2(steady(all.mean, before.x, keep),
                        steady(1 / sqrt(all.m2 / all.count + push.epsilon), before.y, keep)));
}
