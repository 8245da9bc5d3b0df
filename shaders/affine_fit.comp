#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "affine_fit.h"

// Through each element a line y = x * (1 + gain) + offset, of the slope of least squares in the window
// about it, held near 1 where x hardly varies: detail that only the full picture has is left alone there.
void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    ivec3 place = place_of(i, push.w, push.h);
    int plane = place.z * push.w * push.h;
    ivec2 low = max(place.xy - push.radius, 0);
    ivec2 high = min(place.xy + push.radius, ivec2(push.w, push.h) - 1);
    // About the window's middle, so that the sums of squares do not cancel.
    float x0 = Floats(at(push.x, i)).v[0], y0 = Floats(at(push.y, i)).v[0];
    float sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (int j = low.y; j <= high.y; j++)
        for (int k = low.x; k <= high.x; k++) {
            float x = Floats(at(push.x, plane + j * push.w + k)).v[0] - x0;
            float y = Floats(at(push.y, plane + j * push.w + k)).v[0] - y0;
            sx += x;
            sy += y;
            sxx += x * x;
            sxy += x * y;
        }
    float n = float((high.x - low.x + 1) * (high.y - low.y + 1));
    float mx = sx / n, my = sy / n;
    float slope = (sxy / n - mx * my + push.epsilon) / (sxx / n - mx * mx + push.epsilon);
    int g = i + divide(i, push.picture) * push.picture;
    Floats(at(push.coefficients, g)).v[0] = slope - 1;
    Floats(at(push.coefficients, g + push.picture)).v[0] = y0 - slope * x0;
}
