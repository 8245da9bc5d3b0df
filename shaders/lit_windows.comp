#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "night.h"
#include "night_ground.glsl"

// The picture next to x whose windows are lit: of a pixel that shows some of a pane, and some of the
// wall around it, the one gives its light and the other at most what any ground does by night.
const vec3 LIGHT = vec3(240, 186, 116) / 127.5; // black is 0
const float LEAST = 0.1;

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int first = i + 2 * push.plane * divide(i, push.plane);
    float pane = 0.5 * Floats(at(push.scene, first + push.plane)).v[0] + 0.5;
    [[unroll]] for (int c = 0; c < 3; c++) {
        float x = Floats(at(push.x, first + c * push.plane)).v[0];
        float wall = darkened(Floats(at(push.day, first + c * push.plane)).v[0] + 1);
        float least = pane * LIGHT[c] - 1, most = least + (1 - pane) * wall;
        float y = pane > LEAST ? keep_nan(x, clamp(x, least, most)) : x;
        Floats(at(push.y, first + c * push.plane)).v[0] = y;
    }
}
