#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "affine_carry.h"

layout(constant_id = 3) const int ACTIVATION = ACT_TANH;

const float FLOOR = 1e-3; // where nothing around has the pixel's colour, distance alone decides

// One pixel, all three channels. Its gain and offset are means over the four small pixels about it,
// weighted by distance (as in bilinear interpolation) and by likeness of colour.
void main()
{
    int i = LINEAR_INDEX;
    int count = push.w * push.h, small_count = push.small_w * push.small_h;
    if (i >= count)
        return;
    vec3 x = vec3(Floats(at(push.x, i)).v[0], Floats(at(push.x, count + i)).v[0],
                  Floats(at(push.x, 2 * count + i)).v[0]);
    int row = divide(i, push.w);
    vec2 position = (vec2(i - row * push.w, row) + 0.5) * vec2(push.small_w, push.small_h) /
                        vec2(push.w, push.h) - 0.5;
    position = clamp(position, vec2(0), vec2(push.small_w - 1, push.small_h - 1));
    ivec2 low = whole(position);
    ivec2 high = min(low + 1, ivec2(push.small_w, push.small_h) - 1);
    vec2 f = position - vec2(low);

    vec3 gain = vec3(0), offset = vec3(0);
    float total = 0;
    [[unroll]] for (int k = 0; k < 4; k++) {
        ivec2 p = ivec2((k & 1) != 0 ? high.x : low.x, (k & 2) != 0 ? high.y : low.y);
        float near = ((k & 1) != 0 ? f.x : 1 - f.x) * ((k & 2) != 0 ? f.y : 1 - f.y);
        int at_p = p.y * push.small_w + p.x;
        vec3 small, g, o;
        [[unroll]] for (int c = 0; c < 3; c++) {
            small[c] = Floats(at(push.small, c * small_count + at_p)).v[0];
            g[c] = Floats(at(push.coefficients, c * small_count + at_p)).v[0];
            o[c] = Floats(at(push.coefficients, (3 + c) * small_count + at_p)).v[0];
        }
        vec3 difference = x - small;
        float weight = near * (exp(-push.sharpness * dot(difference, difference)) + FLOOR);
        total += weight;
        gain += weight * g;
        offset += weight * o;
    }
    vec3 y = x * (1 + gain / total) + offset / total;
    [[unroll]] for (int c = 0; c < 3; c++)
        Floats(at(push.y, c * count + i)).v[0] = activate(y[c], ACTIVATION, 0);
}
