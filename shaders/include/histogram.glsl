// Opponent colours, and where a value lies among the bins of [-1, 1].
#include "histogram.h"

// Brightness, red against blue, and green against both, each in [-1, 1] for RGB in [-1, 1].
vec3 opponent(vec3 rgb)
{
    return vec3((rgb.r + rgb.g + rgb.b) / 3, (rgb.r - rgb.b) / 2, (2 * rgb.g - rgb.r - rgb.b) / 4);
}

vec3 from_opponent(vec3 o)
{
    float purple = o.x - o.z * (2.0 / 3); // the mean of red and blue
    return vec3(purple + o.y, o.x + o.z * (4.0 / 3), purple - o.y);
}

// Opponent colours of pixel `i` of a picture whose channels are `plane` elements apart.
vec3 opponent_at(uint64_t picture, int i, int plane)
{
    return opponent(vec3(Floats(at(picture, i)).v[0], Floats(at(picture, i + plane)).v[0],
                         Floats(at(picture, i + 2 * plane)).v[0]));
}

// Values beyond [-1, 1] lie at its ends.
float bin_position(float x)
{
    return clamp((x + 1) * (0.5 * HISTOGRAM_BINS), 0, HISTOGRAM_BINS);
}

int bin_of(float position)
{
    return clamp(whole(position), 0, HISTOGRAM_BINS - 1); // of NaN, any
}
