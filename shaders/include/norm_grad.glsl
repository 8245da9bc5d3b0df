// What shaders that take an instance norm back share. Needs push.dy, y, x, dx, stats, scale, channels,
// slope. Numbers come in twos; without PAIRS one by one, and the second is 0.
#include "activation_grad.glsl"
layout(constant_id = 3) const int ACTIVATION = ACT_NONE;
layout(constant_id = 4) const int PAIRS = 0; // planes have an even number of elements

const int TOGETHER = PAIRS != 0 ? 2 : 1;

struct Norm {
    float mean, rstd, gain;
};

Norm norm_of(int plane_index)
{
    uint64_t stats = at(push.stats, plane_index * 2);
    int channel = plane_index - divide(plane_index, push.channels) * push.channels;
    float rstd = Floats(stats).v[1];
    return Norm(Floats(stats).v[0], rstd, rstd * optional_at(push.scale, channel, stats, 1));
}

vec2 load_together(uint64_t address)
{
    return PAIRS != 0 ? load_pair(address) : vec2(Floats(address).v[0], 0);
}

// g = dy * act'(y), of elements from i on.
vec2 gradients_of(int i)
{
    vec2 g = load_together(at(push.dy, i));
    if (ACTIVATION != ACT_NONE) {
        vec2 y = load_together(at(push.y, i));
        g.x *= activation_slope(y.x, ACTIVATION, push.slope);
        g.y *= activation_slope(y.y, ACTIVATION, push.slope);
    }
    return g;
}

vec2 xhat_of(Norm norm, int i)
{
    return (load_together(at(push.x, i)) - norm.mean) * norm.rstd;
}

// dx = gain * (g - mean(g) - xhat * mean(g * xhat))
void take_back(Norm norm, int i, float mean_g, float mean_product)
{
    vec2 dx = norm.gain * (gradients_of(i) - mean_g - xhat_of(norm, i) * mean_product);
    if (PAIRS != 0)
        store_pair(at(push.dx, i), dx);
    else
        Floats(at(push.dx, i)).v[0] = dx.x;
}
