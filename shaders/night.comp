#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "night.h"
#include "night_ground.glsl"

// The picture next to x that could have been taken at night where `day` was taken by day. Pictures
// are in [-1, 1]; brightness and colourfulness below in [0, 2].
const vec3 SKY = vec3(10, 13, 20) / 127.5 - 1;
const float COLD = 0.08;           // bluer or greener than red, where it was not by day
const float PURPLE = 0.05;         // than green, likewise
const float COLOUR_KEPT = 0.5;     // of the day's colourfulness where it is black,
const float COLOUR = 0.04;         // this much at least,
const float COLOUR_OF_LIGHT = 0.6; // and as much as it is bright

float brightness(vec3 rgb)
{
    return dot(rgb, vec3(0.299, 0.587, 0.114)) + 1;
}

float colourfulness(vec3 rgb)
{
    return max(max(rgb.r, rgb.g), rgb.b) - min(min(rgb.r, rgb.g), rgb.b);
}

vec3 rgb_at(uint64_t picture, int i)
{
    return vec3(Floats(at(picture, i)).v[0], Floats(at(picture, i + push.plane)).v[0],
                Floats(at(picture, i + 2 * push.plane)).v[0]);
}

vec3 lit(vec3 x, vec3 day, float window)
{
    float dark = darkened(brightness(day)), light = brightness(x);
    float most = mix(dark, 2, 0.5 * window + 0.5);
    return x + (clamp(light, push.light * dark, most) - light); // exact where it stays
}

float purple(vec3 rgb)
{
    return 0.5 * (rgb.r + rgb.b) - rgb.g;
}

vec3 neutral(vec3 x, vec3 day)
{
    vec2 colder = max(x.gb - x.r - max(day.gb - day.r, 0) - COLD, 0);
    x += 0.5 * vec3(max(colder.x, colder.y), -colder);
    return x + max(purple(x) - max(purple(day), 0) - PURPLE, 0) / 3 * vec3(-1, 2, -1);
}

vec3 muted(vec3 x, vec3 day)
{
    float light = brightness(x), colour = colourfulness(x);
    float most = COLOUR_KEPT * colourfulness(day) + COLOUR + COLOUR_OF_LIGHT * light;
    return colour > most ? mix(vec3(light - 1), x, most / colour) : x;
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int first = i + 2 * push.plane * divide(i, push.plane);
    vec3 x = rgb_at(push.x, first), day = rgb_at(push.day, first), scene = rgb_at(push.scene, first);
    vec3 y = scene.r < -0.5 ? lit(x, day, max(scene.g, scene.b)) : x;
    y = muted(neutral(y, day), day);
    y = scene.r > 0.5 ? SKY : clamp(y, -1, 1);
    [[unroll]] for (int c = 0; c < 3; c++)
        Floats(at(push.y, first + c * push.plane)).v[0] = keep_nan(x[c], y[c]);
}
