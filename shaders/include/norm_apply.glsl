// What shaders that normalise planes share. Needs push.y, x, residual, stats, scale,
// shift, channels, slope.
layout(constant_id = 3) const int ACTIVATION = ACT_NONE;
layout(constant_id = 4) const int RESIDUAL = 0;
layout(constant_id = 5) const int PAIRS = 0; // plane is even

struct Scaling {
    float mean, gain, shift;
};

Scaling scaling_of(int plane_index, float mean, float rstd)
{
    int channel = plane_index - divide(plane_index, push.channels) * push.channels;
    return Scaling(mean, rstd * optional_at(push.scale, channel, push.stats, 1),
                   optional_at(push.shift, channel, push.stats, 0));
}

float normalised(Scaling s, float x)
{
    return activate((x - s.mean) * s.gain + s.shift, ACTIVATION, push.slope);
}

// Element i of all planes, or with PAIRS this and the next one.
void normalise(Scaling s, int i)
{
    if (PAIRS != 0) {
        vec2 v = load_pair(at(push.x, i));
        v = vec2(normalised(s, v.x), normalised(s, v.y));
        if (RESIDUAL != 0)
            v += load_pair(at(push.residual, i));
        store_pair(at(push.y, i), v);
    } else {
        float v = normalised(s, Floats(at(push.x, i)).v[0]);
        if (RESIDUAL != 0)
            v += Floats(at(push.residual, i)).v[0];
        Floats(at(push.y, i)).v[0] = v;
    }
}
