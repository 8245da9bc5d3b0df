#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "window_conv.h"

// Convolution of any kernel, stride, dilation and padding. An invocation has one pixel of y in
// BLOCK output channels. What decides is in push constants, so that all of them share a pipeline:
// they are rare, and each is another.
layout(constant_id = 3) const int TRANSPOSED = 0; // weights [cin of all groups, cout, kh, kw]
const int BLOCK = WINDOW_BLOCK;

// The row or column of x that meets a tap at position `o` of y; -1: none.
int source(int o, int tap, int axis, int size)
{
    int i;
    if (TRANSPOSED != 0) {
        int t = o + push.pad[axis] - tap * push.dilation[axis];
        i = t / push.stride[axis];
        if (t < 0 || i * push.stride[axis] != t)
            return -1;
    } else {
        i = o * push.stride[axis] - push.pad[axis] + tap * push.dilation[axis];
    }
    return i >= 0 && i < size ? i : -1;
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int ox = i % push.out_w, row = i / push.out_w;
    int oy = row % push.out_h, block = row / push.out_h;
    int blocks = (push.cout + BLOCK - 1) / BLOCK;
    int group = block / blocks % push.groups, n = block / (blocks * push.groups);
    int first = block % blocks * BLOCK;
    int taps = push.kernel[0] * push.kernel[1], plane = push.h * push.w;
    // From one output channel's weights to the next one's, and from one input channel to the next.
    int next_out = TRANSPOSED != 0 ? taps : push.cin * taps;
    int next_in = TRANSPOSED != 0 ? push.cout * taps : taps;
    uint64_t weights = at(push.weights, group * push.cin * push.cout * taps + first * next_out);
    uint64_t x = at(push.x, (n * push.groups + group) * push.cin * plane);
    int used = min(BLOCK, push.cout - first);
    float sum[BLOCK] = float[BLOCK](0, 0, 0, 0);
    for (int c = 0; c < push.cin; c++) {
        float part[BLOCK] = float[BLOCK](0, 0, 0, 0); // fewer roundings meet the large sum
        for (int ky = 0; ky < push.kernel[0]; ky++) {
            int iy = source(oy, ky, 0, push.h);
            for (int kx = 0; iy >= 0 && kx < push.kernel[1]; kx++) {
                int ix = source(ox, kx, 1, push.w);
                if (ix < 0)
                    continue;
                float v = Floats(at(x, iy * push.w + ix)).v[0];
                int tap = c * next_in + ky * push.kernel[1] + kx;
                [[unroll]] for (int b = 0; b < BLOCK; b++)
                    part[b] += v * Floats(at(weights, tap + min(b, used - 1) * next_out)).v[0];
            }
        }
        x = at(x, plane);
        [[unroll]] for (int b = 0; b < BLOCK; b++)
            sum[b] += part[b];
    }
    int channel = group * push.cout + first;
    int y = ((n * push.groups * push.cout + channel) * push.out_h + oy) * push.out_w + ox;
    [[unroll]] for (int b = 0; b < BLOCK; b++)
        if (b < used) {
            float bias = optional_at(push.bias, channel + b, push.x, 0);
            Floats(at(push.y, y + b * push.out_h * push.out_w)).v[0] = sum[b] + bias;
        }
}
