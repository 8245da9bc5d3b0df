#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "steady_motion.h"

// Where the cells of a grid were in the last frame: Lucas and Kanade 1981 on one level of a pyramid,
// in a window around each cell's centre. motion: [cells_h][cells_w][2], across and down, in units of
// the picture's sides; behind it [cells_h][cells_w], how much of the window was found there (0..1).
// coarse: that of the coarser level.
const int RADIUS = 5, ITERATIONS = 3;

// How strongly a cell is drawn to its surroundings' motion, which it takes where its window has no
// texture: a mean squared gradient, about that of the noise of 8-bit video.
const float PRIOR = 1.5e-5;

// Mean difference of a window, over its deviation, that still counts as found, and as lost.
const float FOUND = 0.5, LOST = 1.5;
const float NOISE = 0.01; // added to the deviation

float pixel(uint64_t picture, ivec2 p)
{
    p = clamp(p, ivec2(0), ivec2(push.w, push.h) - 1);
    return Floats(at(picture, p.y * push.w + p.x)).v[0];
}

float between(uint64_t picture, vec2 p)
{
    ivec2 low = whole(p);
    vec2 f = p - vec2(low);
    return mix(mix(pixel(picture, low), pixel(picture, low + ivec2(1, 0)), f.x),
               mix(pixel(picture, low + ivec2(0, 1)), pixel(picture, low + 1), f.x), f.y);
}

bool inside(vec2 p)
{
    return p.x >= 0 && p.y >= 0 && p.x <= float(push.w - 1) && p.y <= float(push.h - 1);
}

// The mean of what the coarser level found here and around.
vec2 surroundings(ivec2 cell)
{
    if (push.coarse == 0)
        return vec2(0);
    vec2 sum = vec2(0);
    float count = 0;
    for (int y = max(cell.y - 1, 0); y <= min(cell.y + 1, push.cells_h - 1); y++)
        for (int x = max(cell.x - 1, 0); x <= min(cell.x + 1, push.cells_w - 1); x++) {
            sum += load_pair(at(push.coarse, 2 * (y * push.cells_w + x)));
            count++;
        }
    return sum / count;
}

void main()
{
    int i = LINEAR_INDEX, plane = push.cells_h * push.cells_w;
    if (i >= plane)
        return;
    int row = divide(i, push.cells_w);
    ivec2 cell = ivec2(i - row * push.cells_w, row);
    ivec2 centre = whole((vec2(cell) + 0.5) * vec2(push.w, push.h) / vec2(push.cells_w, push.cells_h));
    ivec2 first = max(centre - RADIUS, ivec2(0));
    ivec2 last = min(centre + RADIUS, ivec2(push.w, push.h) - 1);
    vec2 size = vec2(push.w, push.h), flow = surroundings(cell) * size;
    for (int k = 0; k < ITERATIONS; k++) {
        vec3 square = vec3(0); // xx, xy, yy
        vec2 right = vec2(0);
        float count = 0;
        for (int y = first.y; y <= last.y; y++)
            for (int x = first.x; x <= last.x; x++) {
                ivec2 p = ivec2(x, y);
                vec2 to = vec2(p) + flow;
                if (!inside(to)) // what leaves the picture tells nothing
                    continue;
                vec2 g = 0.5 * vec2(pixel(push.now, p + ivec2(1, 0)) - pixel(push.now, p - ivec2(1, 0)),
                                    pixel(push.now, p + ivec2(0, 1)) - pixel(push.now, p - ivec2(0, 1)));
                square += vec3(g.x * g.x, g.x * g.y, g.y * g.y);
                right += g * (pixel(push.now, p) - between(push.last, to));
                count++;
            }
        count = max(count, 1);
        vec3 m = square / count + vec3(PRIOR, 0, PRIOR);
        vec2 b = right / count;
        flow += vec2(m.z * b.x - m.y * b.y, m.x * b.y - m.y * b.x) / (m.x * m.z - m.y * m.y);
    }
    float sum = 0, squares = 0, difference = 0, count = 0;
    for (int y = first.y; y <= last.y; y++)
        for (int x = first.x; x <= last.x; x++) {
            vec2 to = vec2(x, y) + flow;
            if (!inside(to))
                continue;
            float v = pixel(push.now, ivec2(x, y));
            sum += v;
            squares += v * v;
            difference += abs(v - between(push.last, to));
            count++;
        }
    float all = float((last.x - first.x + 1) * (last.y - first.y + 1));
    float n = max(count, 1);
    float deviation = sqrt(max(squares / n - sum * sum / (n * n), 0)) + NOISE;
    float lost = difference / n / deviation;
    float trust = clamp((LOST - lost) / (LOST - FOUND), 0, 1) * count / all;
    store_pair(at(push.motion, 2 * i), flow / size);
    Floats(at(push.motion, 2 * plane + i)).v[0] = trust;
}
